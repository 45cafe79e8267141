"""SSD graphs in the form that `sightline models build` writes, for tests that have no such program: `miniature` has two
maps and a few layers, `full` the layers of SSD MobileNetV1 at any width. Weights are random, anchors plain."""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MANIFEST = """version: 1
name: {name}
weights: {{file: model.onnx, sha256: {digest}}}
license: Apache-2.0
source: "made by a test"
input: {{name: image, layout: nhwc, type: uint8, color: rgb, width: {size}, height: {size}, resize: stretch}}
head: {{type: ssd, outputs: {{boxes: box_encodings, classes: class_logits}}, classes: {classes}, anchors: {{file: anchors.bin}}, box_coder: [10, 10, 5, 5], score: sigmoid, background_class: 0}}
labels: [{labels}]
defaults: {{score_threshold: 0.5, iou_threshold: 0.6, max_detections: 100}}
"""
RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)


def same_padding(size, kernel, stride):
    """TensorFlow's SAME padding of one side: (before, after)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Graph:
    """Collects nodes and random weights; follows the side of the current map."""

    def __init__(self, size, seed):
        self.rng = np.random.default_rng(seed)
        self.size = size
        self.side = size
        self.nodes, self.constants = [], {}
        self.constant("scale", np.float32(1 / 128))
        self.constant("zero_point", np.uint8(128))
        self.constant("zero", np.float32(0))
        self.constant("six", np.float32(6))
        self.node("Transpose", ["image"], "image_nchw", perm=[0, 3, 1, 2])
        self.top = self.node("DequantizeLinear", ["image_nchw", "scale", "zero_point"], "normalised")
        self.channels = 3

    def constant(self, name, array):
        self.constants[name] = numpy_helper.from_array(np.asarray(array), name)
        return name

    def node(self, kind, inputs, output, **values):
        self.nodes.append(helper.make_node(kind, inputs, [output], f"{kind}_{output}", **values))
        return output

    def weights(self, name, shape):
        fan_in = int(np.prod(shape[1:]))
        weight = self.constant(f"{name}.w", self.rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32))
        return [weight, self.constant(f"{name}.b", self.rng.normal(0, 0.1, shape[0]).astype(np.float32))]

    def conv(self, name, channels, kernel, stride=1, depthwise=False):
        """Conv with SAME padding, then ReLU6."""
        before, after = same_padding(self.side, kernel, stride)
        shape = (channels, 1 if depthwise else self.channels, kernel, kernel)
        values = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [before, before, after, after]}
        values["group"] = channels if depthwise else 1
        self.node("Conv", [self.top, *self.weights(name, shape)], f"{name}.conv", **values)
        self.top = self.node("Clip", [f"{name}.conv", "zero", "six"], name)
        self.side, self.channels = -(-self.side // stride), channels

    def separable(self, name, channels, stride=1):
        """A depthwise convolution and a pointwise one."""
        self.conv(f"{name}.depthwise", self.channels, 3, stride, depthwise=True)
        self.conv(f"{name}.pointwise", channels, 1)

    def predict(self, name, anchors, columns):
        """A 1x1 predictor of the current map, as [N, locations * anchors, columns]."""
        inputs = [self.top, *self.weights(name, (anchors * columns, self.channels, 1, 1))]
        self.node("Conv", inputs, f"{name}.conv", kernel_shape=[1, 1], strides=[1, 1], pads=[0] * 4, group=1)
        self.node("Transpose", [f"{name}.conv"], f"{name}.nhwc", perm=[0, 2, 3, 1])
        shape = self.constant(f"{name}.shape", np.array([0, -1, columns], np.int64))
        return self.node("Reshape", [f"{name}.nhwc", shape], f"{name}.flat")

    def model(self, boxes, logits, count, classes):
        self.node("Concat", boxes, "box_encodings", axis=1)
        self.node("Concat", logits, "class_logits", axis=1)
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", self.size, self.size, 3])
        outputs = [
            helper.make_tensor_value_info("box_encodings", TensorProto.FLOAT, ["N", count, 4]),
            helper.make_tensor_value_info("class_logits", TensorProto.FLOAT, ["N", count, classes]),
        ]
        graph = helper.make_graph(self.nodes, "ssd", [image], outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def map_anchors(side, scale, next_scale, lowest):
    """Anchors of one map, [side * side * n, 4] of cy, cx, h, w, in the form of TensorFlow's SSD."""
    shapes = [(scale, r) for r in RATIOS] + [((scale * next_scale) ** 0.5, 1.0)]
    if lowest:
        shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
    rows = []
    for y in range(side):
        for x in range(side):
            for size, ratio in shapes:
                rows.append([(y + 0.5) / side, (x + 0.5) / side, size / ratio**0.5, size * ratio**0.5])
    return np.array(rows, np.float32)


class Heads:
    """The maps that predict, with their anchors."""

    def __init__(self, graph, classes, maps):
        self.graph, self.classes = graph, classes
        self.scales = [*np.linspace(0.2, 0.95, maps), 1.0]
        self.boxes, self.logits, self.anchors = [], [], []

    def add(self):
        index = len(self.boxes)
        anchors = map_anchors(self.graph.side, self.scales[index], self.scales[index + 1], index == 0)
        per_place = len(anchors) // self.graph.side**2
        self.boxes.append(self.graph.predict(f"box{index}", per_place, 4))
        self.logits.append(self.graph.predict(f"class{index}", per_place, self.classes))
        self.anchors.append(anchors)

    def finish(self):
        anchors = np.concatenate(self.anchors)
        return self.graph.model(self.boxes, self.logits, len(anchors), self.classes), anchors


def miniature(size=33, classes=3, seed=0):
    """(model, anchors) of a small SSD with two maps; the odd size makes paddings of both kinds."""
    graph = Graph(size, seed)
    heads = Heads(graph, classes, 2)
    graph.conv("first", 8, 3, 2)
    graph.separable("second", 16, 2)
    heads.add()
    graph.separable("third", 24, 2)
    heads.add()
    return heads.finish()


def full(size=300, width=0.5, classes=6, seed=0):
    """(model, anchors) of SSD MobileNetV1 in the form of TensorFlow Object Detection."""

    def channels(n):
        return max(8, int(n * width))

    graph = Graph(size, seed)
    heads = Heads(graph, classes, 6)
    graph.conv("conv0", channels(32), 3, 2)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), *[(512, 2 if i == 0 else 1) for i in range(6)], (1024, 2), (1024, 1)]
    for index, (n, stride) in enumerate(plan, 1):
        graph.separable(f"conv{index}", channels(n), stride)
        if index in (11, 13):
            heads.add()
    for index, (narrow, wide) in enumerate([(256, 512), (128, 256), (128, 256), (64, 128)], 2):
        graph.conv(f"extra{index}.narrow", channels(narrow), 1)
        graph.conv(f"extra{index}.wide", channels(wide), 3, 2)
        heads.add()
    return heads.finish()


def write(folder, model, anchors, labels):
    """A model folder as `sightline models build` writes it."""
    from manifest import sha256

    os.makedirs(folder, exist_ok=True)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    anchors.astype("<f4").tofile(os.path.join(folder, "anchors.bin"))
    size = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    digest = sha256(os.path.join(folder, "model.onnx"))
    quoted = ", ".join(f'"{name}"' for name in ["???", *labels])
    text = MANIFEST.format(name="architecture", digest=digest, size=size, classes=len(labels) + 1, labels=quoted)
    with open(os.path.join(folder, "model.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
