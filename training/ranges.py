"""Ranges of a network's activations over calibration pictures, for quantisation."""

import numpy as np
import onnx
from onnx import helper

from export import session

BINS = 2048
BATCH = 16
PERCENTILES = (99.999, 99.99, 99.9)


def quantised_tensors(model):
    """Names of the tensors to quantise, with whether each is a ReLU6's output: convolutions' results, clipped or not."""
    clips = {n.input[0]: n.output[0] for n in model.graph.node if n.op_type == "Clip"}
    outputs = [n.output[0] for n in model.graph.node if n.op_type == "Conv"]
    return {clips.get(name, name): name in clips for name in outputs}


def with_outputs(model, names):
    """A copy of the model that gives those tensors, too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {o.name for o in copy.graph.output}
    copy.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names if n not in present)
    return copy


class Histogram:
    """Counts of values of one tensor between fixed bounds."""

    def __init__(self, low, high, clipped):
        self.low, self.high, self.clipped = low, max(high, low + 1e-6), clipped
        self.counts = np.zeros(BINS, np.int64)

    def add(self, values):
        self.counts += np.histogram(values, BINS, (self.low, self.high))[0]

    def range(self, percentile):
        """(lowest, highest) with that percentage of the values between; all of them for 100."""
        if percentile >= 100:
            return self.low, self.high
        edges = np.linspace(self.low, self.high, BINS + 1)
        share = np.cumsum(self.counts) / max(self.counts.sum(), 1)
        outside = 1 - percentile / 100
        high = edges[min(np.searchsorted(share, 1 - outside) + 1, BINS)]
        # A ReLU6 has most of its values at 0, which is its lower bound anyway.
        low = self.low if self.clipped else edges[max(np.searchsorted(share, outside, side="right"), 0)]
        return float(low), float(max(high, low + 1e-6))


def measured(model, images):
    """{tensor: Histogram} over images [N, S, S, 3] uint8, in two passes: the bounds, then the counts."""
    tensors = quantised_tensors(model)
    runtime = session(with_outputs(model, tensors).SerializeToString())
    name = runtime.get_inputs()[0].name

    def passes():
        for start in range(0, len(images), BATCH):
            yield zip(tensors, runtime.run(list(tensors), {name: images[start : start + BATCH]}))

    bounds = {tensor: [np.inf, -np.inf] for tensor in tensors}
    for results in passes():
        for tensor, values in results:
            bounds[tensor] = [min(bounds[tensor][0], float(values.min())), max(bounds[tensor][1], float(values.max()))]
    histograms = {t: Histogram(low, high, tensors[t]) for t, (low, high) in bounds.items()}
    for results in passes():
        for tensor, values in results:
            histograms[tensor].add(values)
    return histograms


def candidates(histograms):
    """{name: {tensor: (low, high)}}: the extremes, and percentiles for what lies inside the network.

    The heads keep their extremes: their highest values are the detections.
    """
    choices = {"min-max": {t: h.range(100) for t, h in histograms.items()}}
    for percentile in PERCENTILES:
        ranges = {t: h.range(percentile if h.clipped else 100) for t, h in histograms.items()}
        choices[f"{percentile} %"] = ranges
    return choices
