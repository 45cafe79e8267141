import os
import tempfile
import unittest

import numpy as np
import torch
from onnx import numpy_helper

from export import difference, run, session, with_weights
from network import ConvUnit, Network, UnsupportedGraph
from tests import miniature


def pictures(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def trained_a_little(model, size):
    """A Network whose BatchNorm statistics are no longer the initial ones."""
    network = Network(model)
    network.initialise(5)
    generator = torch.Generator().manual_seed(5)
    for unit in network.units.values():
        if unit.norm is not None:
            torch.nn.init.uniform_(unit.norm.weight, 0.5, 1.5, generator=generator)
            torch.nn.init.normal_(unit.norm.bias, 0.0, 0.3, generator=generator)
    network.train()
    for seed in range(3):
        network(torch.from_numpy(pictures(4, size, seed)))
    return network.eval()


class Interpretation(unittest.TestCase):
    def test_equals_onnx_runtime_for_paddings_of_both_kinds(self):
        # Sides 33 and 32: SAME pads a stride of 2 on both sides of an odd map and only after an even one.
        for size in (33, 32):
            model, anchors = miniature.miniature(size)
            network = Network(model)
            pads = {unit.symmetric for unit in network.units.values()}
            self.assertEqual(pads == {True, False}, size == 32)
            # The graph's own weights, with BatchNorm as it is before training: an identity but for its epsilon.
            constants = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
            for unit in network.units.values():
                unit.conv.weight.data = constants[unit.weight_name]
                bias = constants[unit.bias_name]
                if unit.norm is None:
                    unit.conv.bias.data = bias
                else:
                    unit.norm.eps = 0.0
                    unit.norm.bias.data = bias
            images = pictures(3, size)
            with torch.no_grad():
                found = network.eval()(torch.from_numpy(images))
            for a, b in zip(found, run(session(model.SerializeToString()), images)):
                self.assertEqual(tuple(a.shape), b.shape)
                np.testing.assert_allclose(a.numpy(), b, atol=1e-4)
            self.assertEqual(found[0].shape[1], len(anchors))

    def test_full_network_has_its_1917_anchors(self):
        model, anchors = miniature.full(width=0.25)
        network = Network(model)
        network.initialise(0)
        with torch.no_grad():
            boxes, logits = network.eval()(torch.from_numpy(pictures(1, 300)))
        self.assertEqual((tuple(boxes.shape), tuple(logits.shape)), ((1, 1917, 4), (1, 1917, 6)))
        self.assertEqual((len(anchors), network.classes, network.size), (1917, 6, 300))

    def test_same_seed_same_weights(self):
        model, _ = miniature.miniature()
        networks = [Network(model) for _ in range(3)]
        for network, seed in zip(networks, (1, 1, 2)):
            network.initialise(seed)
        first, same, other = (n.state_dict()["units.first_w.conv.weight"] for n in networks)
        self.assertTrue(torch.equal(first, same))
        self.assertFalse(torch.equal(first, other))

    def test_scores_start_at_the_prior_probability(self):
        model, _ = miniature.miniature()
        network = Network(model)
        network.initialise(1)
        _, logits = network(torch.from_numpy(pictures(2, 33)))
        self.assertAlmostEqual(torch.sigmoid(logits).mean().item(), 0.01, delta=0.005)

    def test_gradients_in_bfloat16_are_finite_down_to_maps_of_one_pixel(self):
        model, _ = miniature.full(size=128, width=0.25)
        network = Network(model).to(memory_format=torch.channels_last)
        network.initialise(1)
        for seed in range(10):
            network.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                boxes, logits = network(torch.from_numpy(pictures(4, 128, seed)))
            (boxes.square().mean() + logits.square().mean()).backward()
            for name, parameter in network.named_parameters():
                self.assertTrue(torch.isfinite(parameter.grad).all(), f"seed {seed}: {name}")

    def test_unknown_node_is_refused(self):
        model, _ = miniature.miniature()
        next(n for n in model.graph.node if n.op_type == "Clip").op_type = "Softplus"
        with self.assertRaisesRegex(UnsupportedGraph, "Softplus"):
            Network(model)


class Export(unittest.TestCase):
    def test_folded_batch_norm_equals_convolution_and_batch_norm(self):
        model, _ = miniature.miniature()
        network = trained_a_little(model, 33)
        unit = next(u for u in network.units.values() if isinstance(u, ConvUnit) and u.norm is not None)
        weight, bias = unit.folded()
        x = torch.randn(2, 3, 33, 33)
        with torch.no_grad():
            values = unit.conv.stride, unit.conv.padding
            plain = torch.nn.functional.conv2d(x, torch.from_numpy(weight), torch.from_numpy(bias), *values)
            np.testing.assert_allclose(unit(x).numpy(), plain.numpy(), atol=1e-4)
        self.assertFalse(np.allclose(weight, unit.conv.weight.detach().numpy()))

    def test_exported_graph_gives_what_the_network_gives(self):
        for size in (32, 33):
            model, _ = miniature.miniature(size)
            network = trained_a_little(model, size)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "model.onnx")
                with open(path, "wb") as file:
                    file.write(with_weights(model, network).SerializeToString())
                self.assertLess(difference(network, path, pictures(3, size)), 1e-3)


if __name__ == "__main__":
    unittest.main()
