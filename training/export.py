"""A trained network as ONNX: BatchNorm folded, the weights written into the graph they were read from.

As a command: `export.py --model BUILT --checkpoint FILE --out FOLDER --name NAME`.
"""

import argparse
import os

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

import manifest
from network import BOX_OUTPUT, CLASS_OUTPUT, read

WEIGHTS = "model.onnx"
TOLERANCE = 1e-3


def with_weights(model, network):
    """A copy of the ONNX model whose convolutions have the network's weights, BatchNorm folded into them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    values = {}
    for unit in network.units.values():
        values[unit.weight_name], values[unit.bias_name] = unit.folded()
    for initializer in copy.graph.initializer:
        if initializer.name not in values:
            continue
        array = values.pop(initializer.name)
        expected = tuple(initializer.dims)
        if array.shape != expected:
            raise ValueError(f"initializer {initializer.name}: shape {array.shape}, the graph says {expected}")
        initializer.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), initializer.name))
    if values:
        raise ValueError(f"the graph has no initializers named {', '.join(values)}")
    return copy


def session(path_or_bytes):
    """An ONNX Runtime session on the CPU with two threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(path_or_bytes, options, providers=["CPUExecutionProvider"])


def run(runtime, images):
    """(box_encodings, class_logits) of uint8 images [N, S, S, 3]."""
    return runtime.run([BOX_OUTPUT, CLASS_OUTPUT], {runtime.get_inputs()[0].name: images})


def difference(network, path, images):
    """Largest absolute difference between the torch network and the ONNX file over images [N, S, S, 3] uint8."""
    network = network.eval().float()
    device = next(network.parameters()).device
    with torch.no_grad():
        expected = network(torch.from_numpy(images).to(device))
    actual = run(session(path), images)
    return max(float(np.abs(e.cpu().numpy() - a).max()) for e, a in zip(expected, actual))


def export(model, network, built, out, name, source):
    """OUT/model.onnx and OUT/model.yaml of a trained network; gives the path of the manifest."""
    os.makedirs(out, exist_ok=True)
    onnx.save(with_weights(model, network), os.path.join(out, WEIGHTS))
    manifest.write(built, out, name, WEIGHTS, source)
    return os.path.join(out, "model.yaml")


def load_average(built, checkpoint):
    """(onnx model, averaged network) of a checkpoint of train.py."""
    model, network = read(os.path.join(built, WEIGHTS))
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network.load_state_dict(state["average"])
    return model, network.eval(), state


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of `sightline models build`")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--source", default="trained from random weights by training/run.sh")
    arguments = parser.parse_args()
    model, network, _ = load_average(arguments.model, arguments.checkpoint)
    export(model, network, arguments.model, arguments.out, arguments.name, arguments.source)
    images = np.random.default_rng(0).integers(0, 256, (4, network.size, network.size, 3), np.uint8)
    found = difference(network, os.path.join(arguments.out, WEIGHTS), images)
    print(f"{arguments.out}: largest difference between torch and ONNX Runtime {found:.2e}")
    if found > TOLERANCE:
        raise SystemExit(f"export: the difference is larger than {TOLERANCE}")


if __name__ == "__main__":
    main()
