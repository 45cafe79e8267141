#!/usr/bin/env python3
"""Writes models/sim-shapes: a detector for the simulated cameras, constructed by hand. Nothing in it is learned.

Every kind of actor in crates/sim/src/scene/actor wears a saturated colour that the backdrops never have. The graph
  1. turns colour into one mask per class: a 2x2 convolution of stride 2 computes a colour difference, a clip makes it
     0..1, an average pooling brings it to 75x75 cells of 4x4 pixels;
  2. slides windows of a few sizes over each mask. In a window, the columns that hold any of the colour are as many as
     the coloured shape is wide, and their mean is its centre; rows likewise. So the box is measured, not guessed;
  3. scores a window by rules: the shape fills its box, is not much smaller than the window, is not too wide, and
     nothing of the colour lies in the ring around the window (else the window cuts a shape or holds two);
  4. writes it down as a raw SSD head: box encodings against anchors, and class logits.

Deterministic: the same bytes from the same versions (requirements.txt). Usage: build.py [FOLDER]
"""
import hashlib
import math
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT = 300          # pixels, both sides
CELL = 4             # pixels of a mask's cell
CELLS = INPUT // CELL
PAD = 40             # cells around the mask: windows reach over the picture's edge

# Per class:
#   color: weights of R, G, B (0..255) whose sum is the colour difference; ramp: where it starts and ends to count.
#   scales: height in pixels of the largest shape that a window is for; the next smaller window has the smaller ones.
#   wide: widest shape, as a multiple of the scale; aspect: least and greatest width as multiples of the height. What
#   is narrower is a sliver of something that is coming or going at the picture's edge.
#   fill: a shape covers at least this part of its box.
#   grow: what the box has beyond the coloured shape (left and right together, top, bottom), in its sizes: head and
#   shoes of a person, wheels of a car. Measured by check.py.
CLASSES = [
    dict(name="person", color=(1, -1, 0), ramp=(55, 80), scales=(44, 60, 82, 112, 152, 206), wide=0.46, aspect=(0.17, 0.52),
         fill=0.30, grow=(0.03, 0.20, 0.01)),
    dict(name="car", color=(-0.5, -0.5, 1), ramp=(45, 70), scales=(48, 62, 80, 104, 135), wide=2.15, aspect=(0.9, 2.3),
         fill=0.40, grow=(-0.01, -0.02, 0.22)),
    dict(name="dog", color=(-0.6, 1.6, -1), ramp=(35, 55), scales=(40, 56, 78), wide=1.15, aspect=(0.6, 1.25),
         fill=0.30, grow=(0.0, -0.01, -0.01)),
]
SMALLER = 1.6        # a shape under scale / SMALLER is left to a smaller window
NEVER = -12.0        # logit of what cannot be
FINE, COARSE = 2, 4  # strides in cells; windows for large shapes need fewer places
COARSE_FROM = 100    # pixels


class Graph:
    """Nodes and constants under construction."""

    def __init__(self):
        self.nodes, self.constants, self.known = [], [], {}

    def constant(self, value, kind=np.float32):
        array = np.asarray(value, kind)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = f"c{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(array, self.known[key]))
        return self.known[key]

    def add(self, operator, inputs, name=None, **attributes):
        output = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"n{len(self.nodes)}", **attributes))
        return output

    def clip(self, x, low, high):
        return self.add("Clip", [x, self.constant(low), self.constant(high)])

    def scaled(self, x, factor, offset=0.0):
        y = self.add("Mul", [x, self.constant(factor)])
        return self.add("Add", [y, self.constant(offset)]) if offset else y

    def slice(self, x, axis, start, stop, step=1):
        whole = [self.constant([v], np.int64) for v in (start, stop, axis, step)]
        return self.add("Slice", [x, *whole])


def even(cells):
    return 2 * math.ceil(cells / 2)


def windows(kind):
    """The windows of a class: stride in cells, inner size and ring's outer size in cells."""
    for scale in kind["scales"]:
        stride = COARSE if scale >= COARSE_FROM else FINE
        # The shape may lie half a stride off the window's centre, and its soft edge half a cell beyond it.
        slack = stride * CELL + CELL
        inner = tuple(even(size / CELL) for size in (scale + slack, scale * kind["wide"] + slack))
        outer = tuple(size + 2 for size in inner)
        yield scale, stride, inner, outer


def places(stride):
    """How many windows lie along one side, and the cell coordinate of the first one's centre."""
    return math.ceil(CELLS / stride), stride // 2


def window_sum(g, x, kernels, axis, stride):
    """Weighted sums over windows of len(kernel) cells along an axis; one output channel per kernel."""
    length = len(kernels[0])
    count, first = places(stride)
    before = length // 2 - first
    after = first + stride * (count - 1) + length // 2 - CELLS
    shape = (len(kernels), 1, length, 1) if axis == 2 else (len(kernels), 1, 1, length)
    weights = np.asarray(kernels, np.float32).reshape(shape)
    along_rows = axis == 2
    return g.add(
        "Conv", [x, g.constant(weights)], kernel_shape=list(shape[2:]),
        strides=[stride, 1] if along_rows else [1, stride],
        pads=[before, 0, after, 0] if along_rows else [0, before, 0, after])


def running_maxima(g, mask, axis):
    """Maxima over 1, 2, 4, … cells from each cell on; the mask padded by PAD."""
    pads = [0] * 8
    pads[axis] = pads[4 + axis] = PAD
    maxima = {1: g.add("Pad", [mask, g.constant(pads, np.int64)])}
    length, size = CELLS + 2 * PAD, 1
    while 2 * size <= 64:
        count = length - 2 * size + 1
        maxima[2 * size] = g.add("Max", [
            g.slice(maxima[size], axis, 0, count), g.slice(maxima[size], axis, size, size + count)])
        size *= 2
    return maxima


def window_max(g, maxima, axis, length, stride):
    """Maximum over windows of `length` cells along an axis."""
    size = 1 << (length.bit_length() - 1)
    count, first = places(stride)
    start = PAD + first - length // 2
    span = stride * (count - 1) + 1
    parts = [g.slice(maxima[size], axis, s, s + span, stride) for s in (start, start + length - size)]
    return g.add("Max", parts)


def features(g, mask, scale, stride, inner, outer, maxima):
    """Per window, [N, 6, places]: width, x offset * width, height, y offset * height, mass, all with lengths as
    multiples of the scale; and mass of the ring in cells."""
    count, _ = places(stride)
    columns = window_max(g, maxima[2], 2, inner[0], stride)
    rows = window_max(g, maxima[3], 3, inner[1], stride)
    unit = CELL / scale

    def ones_and_ramp(length):
        ramp = (np.arange(length) - (length - 1) / 2) * unit * unit
        return [np.full(length, unit), ramp]

    across = window_sum(g, columns, ones_and_ramp(inner[1]), 3, stride)
    down = window_sum(g, rows, ones_and_ramp(inner[0]), 2, stride)

    def mass(size, factor):
        part = window_sum(g, mask, [np.full(size[0], unit)], 2, stride)
        return window_sum(g, part, [np.full(size[1], unit * factor)], 3, stride)

    inside, with_ring = mass(inner, 1), mass(outer, 1)
    ring = g.scaled(g.add("Sub", [with_ring, inside]), 1 / unit ** 2)
    stacked = g.add("Concat", [across, down, inside, ring], axis=1)
    return g.add("Reshape", [stacked, g.constant([0, 6, count * count], np.int64)])


def head(g, kind, found):
    """Encodings [N, places, 4] and logit [N, places, 1] of a class's windows, from their features [N, 6, places]."""
    width, x, height, y, mass, ring = (g.slice(found, 1, i, i + 1) for i in range(6))
    low = 0.02
    width, height = g.clip(width, low, 9.0), g.clip(height, low, 9.0)
    sides, top, bottom = kind["grow"]
    x, y = g.add("Div", [x, width]), g.add("Div", [y, height])
    y = g.add("Add", [y, g.scaled(height, (bottom - top) / 2)])
    # Box coder 10, 10, 5, 5. The anchor is scale high and wide * scale wide, so sizes are relative to it already.
    ty, tx = g.scaled(y, 10.0), g.scaled(x, 10.0 / kind["wide"])
    th = g.scaled(g.add("Log", [g.scaled(height, 1 + top + bottom)]), 5.0)
    tw = g.scaled(g.add("Log", [g.scaled(width, (1 + sides) / kind["wide"])]), 5.0)
    encodings = g.add("Transpose", [g.add("Concat", [ty, tx, th, tw], axis=1)], perm=[0, 2, 1])

    def excess(value, limit, weight):
        """Weight for each unit that a value is above its limit."""
        return g.scaled(g.add("Relu", [g.scaled(value, 1.0, -limit)]), -weight)

    fill = g.add("Div", [mass, g.add("Mul", [width, height])])
    shape = g.add("Div", [width, height])
    rules = [
        g.scaled(g.clip(fill, 0.0, 0.8), 3.0, 1.2),
        excess(g.scaled(fill, -1.0), -kind["fill"], 40.0),
        excess(g.scaled(height, -1.0), -1.0 / SMALLER, 40.0),
        excess(g.scaled(shape, -1.0), -kind["aspect"][0], 60.0),
        excess(shape, kind["aspect"][1], 20.0),
        excess(ring, 0.4, 8.0),
        # Of windows that see the same shape the one that is centred on it comes first.
        g.scaled(g.add("Add", [g.add("Mul", [x, x]), g.add("Mul", [y, y])]), -4.0),
    ]
    logit = g.clip(g.add("Sum", rules), NEVER, 6.0)
    return encodings, g.add("Transpose", [logit], perm=[0, 2, 1])


def build():
    g = Graph()
    pixels = g.add("Transpose", [g.add("Cast", ["image"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    weights = np.zeros((len(CLASSES), 3, 2, 2), np.float32)
    bias = np.zeros(len(CLASSES), np.float32)
    for i, kind in enumerate(CLASSES):
        start, end = kind["ramp"]
        weights[i] = np.asarray(kind["color"], np.float32)[:, None, None] / (4 * (end - start))
        bias[i] = -start / (end - start)
    difference = g.add("Conv", [pixels, g.constant(weights), g.constant(bias)], kernel_shape=[2, 2], strides=[2, 2])
    masks = g.add("AveragePool", [g.clip(difference, 0.0, 1.0)], kernel_shape=[2, 2], strides=[2, 2])
    # A limb thinner than a cell still counts as the whole cell.
    masks = g.clip(g.scaled(masks, 1.6), 0.0, 1.0)

    all_encodings, all_logits, anchors = [], [], []
    for i, kind in enumerate(CLASSES):
        mask = g.slice(masks, 1, i, i + 1)
        maxima = {axis: running_maxima(g, mask, axis) for axis in (2, 3)}
        found = []
        for scale, stride, inner, outer in windows(kind):
            found.append(features(g, mask, scale, stride, inner, outer, maxima))
            count, first = places(stride)
            centers = (first + stride * np.arange(count)) * CELL / INPUT
            cy, cx = (c.ravel() for c in np.meshgrid(centers, centers, indexing="ij"))
            size = np.full_like(cy, scale / INPUT)
            anchors.append(np.stack([cy, cx, size, size * kind["wide"]], 1))
        encodings, logit = head(g, kind, g.add("Concat", found, axis=2))
        all_encodings.append(encodings)
        # The class's own column between columns of "never": background, the classes before, the classes after.
        columns = [g.scaled(logit, 0.0, NEVER)] * (i + 1) + [logit]
        columns += [columns[0]] * (len(CLASSES) - 1 - i)
        all_logits.append(g.add("Concat", columns, axis=2))
    g.add("Concat", all_encodings, name="box_encodings", axis=1)
    g.add("Concat", all_logits, name="class_logits", axis=1)

    anchors = np.concatenate(anchors).astype("<f4")
    count = len(anchors)
    graph = helper.make_graph(
        g.nodes, "sim_shapes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", INPUT, INPUT, 3])],
        [helper.make_tensor_value_info("box_encodings", TensorProto.FLOAT, ["N", count, 4]),
         helper.make_tensor_value_info("class_logits", TensorProto.FLOAT, ["N", count, len(CLASSES) + 1])],
        g.constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="sightline sim-shapes",
        doc_string="Constructed by hand by training/sim-shapes/build.py; finds the actors of sightline's simulated "
                   "cameras by their colours. Not learned; on real pictures its answers mean nothing.")
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True), anchors


MANIFEST = """\
# A stand-in, not a trained network: it finds the actors of the simulated cameras (`sightline demo`, `sightline sim`) by
# their colours, so that a fresh clone without weights can run. On real pictures its answers mean nothing: see README.md.
version: 1
name: sim-shapes
weights: {{file: sim_shapes.onnx, sha256: {sha256}}}
license: Apache-2.0
source: "made by training/sim-shapes/build.py"
input: {{name: image, layout: nhwc, type: uint8, color: rgb, width: {size}, height: {size}, resize: stretch}}
head: {{type: ssd, boxes: box_encodings, classes: class_logits, anchors: {{file: anchors.bin}}, box_coder: [10, 10, 5, 5], score: sigmoid, background_class: 0}}
labels: ["???", {labels}]
defaults: {{score_threshold: 0.5, iou_threshold: 0.5, max_detections: 100}}
"""


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent / "models" / "sim-shapes"
    folder.mkdir(parents=True, exist_ok=True)
    model, anchors = build()
    (folder / "sim_shapes.onnx").write_bytes(model)
    (folder / "anchors.bin").write_bytes(anchors.tobytes())
    labels = ", ".join(kind["name"] for kind in CLASSES)
    digest = hashlib.sha256(model).hexdigest()
    (folder / "model.yaml").write_text(MANIFEST.format(sha256=digest, size=INPUT, labels=labels))
    print(f"{folder}: {len(model)} bytes, {len(anchors)} anchors, sha256 {digest}")


if __name__ == "__main__":
    main()
