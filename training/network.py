"""The network as the ONNX graph of `sightline models build` defines it, as a trainable torch module.

The graph is read and interpreted node by node: nothing about SSD MobileNetV1 is written down here a second time.
"""

import math

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn

BOX_OUTPUT = "box_encodings"
CLASS_OUTPUT = "class_logits"
PRIOR_PROBABILITY = 0.01  # Lin et al., arXiv 1708.02002, section 4.1: most anchors are background when training starts
BATCH_NORM_EPSILON = 1e-3  # TensorFlow's value for MobileNetV1


class UnsupportedGraph(ValueError):
    """The ONNX graph has a node or a form that the interpreter does not know."""


def attributes(node):
    """{name: value} of an ONNX node's attributes."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def key_of(weight_name):
    """A name that torch accepts for a submodule: no dots."""
    return weight_name.replace(".", "_")


class ConvUnit(nn.Module):
    """One Conv node. With BatchNorm and without bias where a Clip follows, with bias where it predicts.

    `pads` are ONNX's (top, left, bottom, right). Tensors are [N, C, H, W].
    """

    def __init__(self, node, weight_shape, normalised):
        super().__init__()
        values = attributes(node)
        if list(values.get("dilations", [1, 1])) != [1, 1]:
            raise UnsupportedGraph(f"node {node.name}: dilations are not supported")
        self.weight_name = node.input[1]
        self.bias_name = node.input[2] if len(node.input) > 2 else None
        top, left, bottom, right = values.get("pads", [0, 0, 0, 0])
        self.symmetric = top == bottom and left == right
        self.pads = (left, right, top, bottom)  # the order of F.pad
        out_channels, in_channels_per_group, *kernel = weight_shape
        groups = values.get("group", 1)
        self.conv = nn.Conv2d(
            in_channels_per_group * groups,
            out_channels,
            tuple(kernel),
            stride=tuple(values.get("strides", [1, 1])),
            padding=(top, left) if self.symmetric else 0,
            groups=groups,
            bias=not normalised,
        )
        self.norm = nn.BatchNorm2d(out_channels, eps=BATCH_NORM_EPSILON) if normalised else None

    def forward(self, x):
        if not self.symmetric:
            x = F.pad(x, self.pads)
        if self.symmetric and min(x.shape[2:]) < self.conv.kernel_size[0]:
            # oneDNN's bfloat16 gradient of a kernel that hangs over the whole map is not finite (torch 2.9.1, AMX).
            with torch.autocast(x.device.type, enabled=False):
                x = self.conv(x.float())
        else:
            x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return x

    def folded(self):
        """(weight, bias) as float32 arrays of the Conv that equals convolution and BatchNorm in evaluation."""
        weight = self.conv.weight.detach().double()
        if self.norm is None:
            return weight.float().cpu().numpy(), self.conv.bias.detach().float().cpu().numpy()
        norm = self.norm
        factor = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
        bias = norm.bias.detach().double() - norm.running_mean.double() * factor
        weight = weight * factor.reshape(-1, 1, 1, 1)
        return weight.float().cpu().numpy(), bias.float().cpu().numpy()


class Network(nn.Module):
    """Interprets an ONNX detection graph.

    Input: uint8 [N, S, S, 3] RGB. Output: (box_encodings [N, A, 4], class_logits [N, A, C]), float.
    Raises UnsupportedGraph for a graph with other nodes or outputs.
    """

    def __init__(self, model):
        super().__init__()
        graph = model.graph
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.nodes = list(graph.node)
        self.input_name = graph.input[0].name
        self.outputs = [o.name for o in graph.output]
        if set(self.outputs) != {BOX_OUTPUT, CLASS_OUTPUT}:
            raise UnsupportedGraph(f"outputs are {self.outputs}, expected {BOX_OUTPUT} and {CLASS_OUTPUT}")
        dims = [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim]
        if graph.input[0].type.tensor_type.elem_type != onnx.TensorProto.UINT8 or len(dims) != 4 or dims[3] != 3:
            raise UnsupportedGraph(f"input {self.input_name} is not uint8 [N, S, S, 3]")
        self.size = dims[1]
        self.units = nn.ModuleDict()
        clipped = {n.input[0] for n in self.nodes if n.op_type == "Clip"}
        for node in self.nodes:
            self._check(node)
            if node.op_type == "Conv":
                shape = self.constants[node.input[1]].shape
                self.units[key_of(node.input[1])] = ConvUnit(node, shape, node.output[0] in clipped)
        self.class_units = self._predictors(CLASS_OUTPUT)
        self.box_units = self._predictors(BOX_OUTPUT)
        self.classes = self._classes()

    def _check(self, node):
        if node.op_type not in ("Conv", "Clip", "Transpose", "Reshape", "Concat", "DequantizeLinear"):
            raise UnsupportedGraph(f"node {node.name}: {node.op_type} is not supported")
        if node.op_type == "Clip":
            bounds = [float(self.constants[name]) for name in node.input[1:3]]
            if bounds != [0.0, 6.0]:
                raise UnsupportedGraph(f"node {node.name}: clips to {bounds}, expected ReLU6")
        if node.op_type == "Conv" and len(node.input) < 3:
            raise UnsupportedGraph(f"node {node.name}: has no bias, which BatchNorm would be folded into")

    def _predictors(self, output):
        """The convolutions whose maps are concatenated into `output`, in that order."""
        producer = {o: n for n in self.nodes for o in n.output}
        found = []
        for name in producer[output].input:
            node = producer[name]
            while node.op_type != "Conv":
                node = producer[node.input[0]]
            found.append(self.units[key_of(node.input[1])])
        return found

    def _classes(self):
        producer = {o: n for n in self.nodes for o in n.output}
        reshape = producer[producer[CLASS_OUTPUT].input[0]]
        if reshape.op_type != "Reshape":
            raise UnsupportedGraph(f"output {CLASS_OUTPUT} is not made of reshaped maps")
        return int(self.constants[reshape.input[1]][-1])

    def initialise(self, seed):
        """Fresh random weights: He for what ReLU6 follows, small ones and the prior probability for the predictors."""
        generator = torch.Generator().manual_seed(seed)
        for unit in self.units.values():
            weight = unit.conv.weight
            fan_out = weight.shape[0] * weight.shape[2] * weight.shape[3] // unit.conv.groups
            deviation = math.sqrt(2.0 / fan_out) if unit.norm is not None else 0.01
            with torch.no_grad():
                weight.copy_(torch.randn(weight.shape, generator=generator) * deviation)
                if unit.conv.bias is not None:
                    unit.conv.bias.zero_()
        for unit in self.class_units:
            nn.init.constant_(unit.conv.bias, -math.log((1 - PRIOR_PROBABILITY) / PRIOR_PROBABILITY))

    def forward(self, image):
        values = {self.input_name: image}
        for node in self.nodes:
            values[node.output[0]] = self._run(node, values)
        return values[BOX_OUTPUT].float(), values[CLASS_OUTPUT].float()

    def _run(self, node, values):
        kind = node.op_type
        if kind == "Concat":
            return torch.cat([values[name] for name in node.input], dim=attributes(node)["axis"])
        x = values[node.input[0]]
        if kind == "Conv":
            return self.units[key_of(node.input[1])](x)
        if kind == "Clip":
            return F.relu6(x, inplace=True)  # of BatchNorm's result, which nothing else reads
        if kind == "Transpose":
            return x.permute(*attributes(node)["perm"])
        if kind == "Reshape":
            shape = [x.shape[i] if n == 0 else int(n) for i, n in enumerate(self.constants[node.input[1]])]
            return x.reshape(shape)
        scale, zero_point = (float(np.asarray(self.constants[name]).reshape(())) for name in node.input[1:3])
        return (x.float() - zero_point) * scale


def read(path):
    """(onnx model, Network with uninitialised weights) of an ONNX file."""
    model = onnx.load(path)
    return model, Network(model)
