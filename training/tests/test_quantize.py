import unittest

import numpy as np
from onnx import TensorProto

from export import run, session, with_weights
from quantize import quantise
from ranges import Histogram
from tests import miniature
from tests.test_network import pictures, trained_a_little


class Quantisation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model, _ = miniature.miniature(33)
        cls.model = with_weights(model, trained_a_little(model, 33))
        cls.quantised, cls.report = quantise(cls.model, pictures(64, 33))

    def test_outputs_are_close_to_those_of_fp32(self):
        images = pictures(8, 33, seed=9)
        floats = run(session(self.model.SerializeToString()), images)
        integers = run(session(self.quantised.SerializeToString()), images)
        for a, b in zip(floats, integers):
            self.assertEqual((a.shape, a.dtype), (b.shape, b.dtype))
            self.assertLess(np.abs(a - b).max(), 0.1 * np.abs(a).max())
            self.assertTrue((a != b).any(), "the int8 graph computes in floats")

    def test_picture_goes_into_the_first_convolution_without_requantisation(self):
        kinds = [n.op_type for n in self.quantised.graph.node]
        first = kinds.index("Conv")
        self.assertEqual(kinds[:first].count("QuantizeLinear"), 0)
        self.assertEqual(kinds.count("QuantizeLinear"), kinds.count("Conv"))
        self.assertNotIn("Clip", kinds)

    def test_weights_are_int8_symmetric_per_output_channel(self):
        constants = {i.name: i for i in self.quantised.graph.initializer}
        producers = {n.output[0]: n for n in self.quantised.graph.node}
        for conv in (n for n in self.quantised.graph.node if n.op_type == "Conv"):
            weight, scale, zero = (constants[name] for name in producers[conv.input[1]].input)
            self.assertEqual(weight.data_type, TensorProto.INT8)
            self.assertEqual(list(scale.dims), [weight.dims[0]])
            self.assertFalse(any(zero.raw_data))

    def test_input_and_outputs_keep_their_names(self):
        for kind in ("input", "output"):
            names = [v.name for v in getattr(self.quantised.graph, kind)]
            self.assertEqual(names, [v.name for v in getattr(self.model.graph, kind)])


class Ranges(unittest.TestCase):
    def test_percentile_leaves_out_the_outliers_of_a_relu6_only_at_the_top(self):
        histogram = Histogram(0.0, 6.0, True)
        histogram.add(np.linspace(0, 1, 100_000))
        histogram.add(np.full(5, 6.0))
        low, high = histogram.range(99.9)
        self.assertEqual(low, 0.0)
        self.assertAlmostEqual(high, 1.0, delta=0.02)
        self.assertEqual(histogram.range(100), (0.0, 6.0))


if __name__ == "__main__":
    unittest.main()
