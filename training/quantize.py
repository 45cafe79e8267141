"""int8 by static quantisation: an fp32 model folder in, an int8 one out.

The graph is a chain of Conv and Clip, so the QDQ form is written directly, in the shape that ONNX Runtime runs fastest:
activations uint8 with zero point, weights int8 symmetric per output channel, biases int32; the uint8 picture feeds the
first convolution through its own DequantizeLinear, ReLU6 is the range of the quantised activation, and the heads stay
uint8 until after their Reshape. (onnxruntime.quantization adds a pair at the input and at the concatenations.)
"""

import argparse
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import manifest
from augment import plain
from dataset import load
from export import run, session
from network import attributes
from ranges import candidates, measured

WEIGHTS = "model_int8.onnx"
CHECKED = 8  # every so many calibration pictures is kept for choosing the ranges, not for measuring them


class Writer:
    """Builds the quantised graph beside the fp32 one. `ranges` maps a tensor's name to (lowest, highest)."""

    def __init__(self, model, ranges):
        self.model = model
        self.ranges = ranges
        self.constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        self.nodes = []
        self.initializers = {}
        self.scale_of = {}  # quantised tensor: (scale, zero point) initialisers' names
        self.quantised = {}  # float tensor of the fp32 graph: its quantised counterpart

    def constant(self, name, array):
        """Adds an initialiser once; gives its name."""
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def node(self, kind, inputs, output, **values):
        """Adds a node; gives its output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], f"{kind}_{output}", **values))
        return output

    def parameters(self, tensor):
        """Scale and zero point of a float tensor: uint8, with 0 represented exactly."""
        low, high = self.ranges[tensor]
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32(max(high - low, 1e-6) / 255)
        zero = np.uint8(np.clip(round(-low / scale), 0, 255))
        return self.constant(f"{tensor}_scale", scale), self.constant(f"{tensor}_zero", zero)

    def dequantised(self, quantised, output):
        """A DequantizeLinear of a quantised tensor."""
        return self.node("DequantizeLinear", [quantised, *self.scale_of[quantised]], output)

    def convolution(self, node, target):
        """Conv of the fp32 graph, whose result (after the Clip, when there is one) is `target`."""
        source = self.quantised[node.input[0]]
        weight, bias = self.constants[node.input[1]], self.constants[node.input[2]]
        name = node.output[0]
        per_channel = np.abs(weight).reshape(weight.shape[0], -1).max(axis=1)
        scale = (np.maximum(per_channel, 1e-6) / 127).astype(np.float32)
        integers = np.clip(np.round(weight / scale.reshape(-1, 1, 1, 1)), -127, 127).astype(np.int8)
        input_scale = numpy_helper.to_array(self.initializers[self.scale_of[source][0]])
        bias_scale = (scale * input_scale).astype(np.float32)
        limit = 2**31 - 1
        bias_integers = np.clip(np.round(bias / bias_scale), -limit, limit).astype(np.int32)
        x = self.dequantised(source, f"{name}_x")
        channels = len(scale)
        w = self.integer_constant(f"{name}_w", integers, scale, np.zeros(channels, np.int8))
        b = self.integer_constant(f"{name}_b", bias_integers, bias_scale, np.zeros(channels, np.int32))
        result = self.node("Conv", [x, w, b], f"{name}_conv", **attributes(node))
        parameters = self.parameters(target)
        quantised = self.node("QuantizeLinear", [result, *parameters], f"{target}_q")
        self.scale_of[quantised] = parameters
        self.quantised[target] = quantised

    def integer_constant(self, name, integers, scale, zero):
        """Integers dequantised per output channel."""
        inputs = [
            self.constant(f"{name}_q", integers),
            self.constant(f"{name}_s", scale),
            self.constant(f"{name}_z", zero),
        ]
        return self.node("DequantizeLinear", inputs, name, axis=0)

    def write(self):
        """The int8 model, its input and outputs named and shaped as the fp32 one's."""
        graph = self.model.graph
        clips = {n.input[0]: n.output[0] for n in graph.node if n.op_type == "Clip"}
        self.quantised[graph.input[0].name] = graph.input[0].name
        for node in graph.node:
            self.translate(node, clips)
        nodes = self.nodes
        written = helper.make_graph(nodes, graph.name, list(graph.input), list(graph.output), list(self.initializers.values()))
        model = helper.make_model(written, opset_imports=list(self.model.opset_import), ir_version=self.model.ir_version)
        onnx.checker.check_model(model)
        return model

    def translate(self, node, clips):
        """One node of the fp32 graph."""
        source, output = node.input[0], node.output[0]
        if node.op_type == "DequantizeLinear":
            names = [self.constant(n, self.constants[n]) for n in node.input[1:3]]
            self.quantised[output] = self.quantised[source]
            self.scale_of[self.quantised[source]] = names
        elif node.op_type == "Conv":
            self.convolution(node, clips.get(output, output))
        elif node.op_type in ("Transpose", "Reshape"):
            inputs = [self.quantised[source]]
            if node.op_type == "Reshape":
                inputs.append(self.constant(node.input[1], self.constants[node.input[1]]))
            moved = self.node(node.op_type, inputs, f"{output}_q", **attributes(node))
            self.quantised[output] = moved
            if inputs[0] in self.scale_of:
                self.scale_of[moved] = self.scale_of[inputs[0]]
        elif node.op_type == "Concat":
            parts = [self.dequantised(self.quantised[name], f"{name}_f") for name in node.input]
            self.node("Concat", parts, output, **attributes(node))
        elif node.op_type != "Clip":
            raise ValueError(f"node {node.name}: {node.op_type} cannot be quantised")


def sigmoid(x):
    """Logistic function of float arrays."""
    return 1 / (1 + np.exp(-x))


def disagreement(reference, quantised):
    """(mean score error, mean box error in anchor sizes) where the fp32 network sees an object at 0.1 or more."""
    boxes, logits = reference
    found_boxes, found_logits = quantised
    scores, found_scores = sigmoid(logits[..., 1:]), sigmoid(found_logits[..., 1:])
    seen = np.maximum(scores, found_scores).max(axis=-1) >= 0.1
    if not seen.any():
        return float(np.abs(scores - found_scores).mean()), 0.0
    box_scale = np.array([10, 10, 5, 5], np.float32)
    score = np.abs(scores - found_scores)[seen].max(axis=-1).mean()
    return float(score), float((np.abs(boxes - found_boxes) / box_scale)[seen].mean())


def quantise(model, images):
    """(int8 model, report) of an fp32 model; ranges measured on most of images [N, S, S, 3] uint8 and chosen on the rest.

    The report is {choice of ranges: (score error, box error)}, the best one first.
    """
    check = images[::CHECKED]
    calibration = np.concatenate([images[i::CHECKED] for i in range(1, CHECKED)])
    reference = run(session(model.SerializeToString()), check)
    histograms = measured(model, calibration)
    tried = {}
    for name, ranges in candidates(histograms).items():
        quantised = Writer(model, ranges).write()
        tried[name] = (disagreement(reference, run(session(quantised.SerializeToString()), check)), quantised)
    order = sorted(tried, key=lambda name: sum(tried[name][0]))
    return tried[order[0]][1], {name: tried[name][0] for name in order}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of an fp32 model (model.onnx, model.yaml)")
    parser.add_argument("--data", required=True, help="COCO-format folder of training pictures to calibrate on")
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--source", default="trained from random weights and quantised by training/run.sh")
    arguments = parser.parse_args()
    model = onnx.load(os.path.join(arguments.model, "model.onnx"))
    size = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    examples, _ = load(arguments.data, limit=arguments.pictures)
    images = np.stack([plain(example, size)[0] for example in examples])
    quantised, report = quantise(model, images)
    os.makedirs(arguments.out, exist_ok=True)
    onnx.save(quantised, os.path.join(arguments.out, WEIGHTS))
    manifest.write(arguments.model, arguments.out, arguments.name, WEIGHTS, arguments.source)
    for name, (score, box) in report.items():
        print(f"{name:12} mean score error {score:.4f}, mean box error {box:.4f} anchor sizes")
    print(f"{arguments.out}: int8 with ranges {next(iter(report))}, {len(quantised.SerializeToString())} bytes")


if __name__ == "__main__":
    main()
