"""Checks a finished run: the loss went down, and the exported files load and agree with each other.

`smoke.py --log LOG --fp32 FOLDER --int8 FOLDER [--data FOLDER]`; fails with a message otherwise.
"""

import argparse
import os

import numpy as np

from augment import plain
from curves import read
from dataset import load
from export import run, session
from quantize import disagreement

LARGEST_SCORE_ERROR = 0.1
LARGEST_BOX_ERROR = 0.1  # of an anchor's size


def loss_fell(lines):
    """(first, last) loss of a log: means over its first and last quarter."""
    losses = [line["loss"] for line in lines if "loss" in line]
    if len(losses) < 4:
        raise SystemExit(f"smoke: the log has {len(losses)} losses, at least 4 are needed")
    quarter = len(losses) // 4
    return float(np.mean(losses[:quarter])), float(np.mean(losses[-quarter:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", required=True)
    parser.add_argument("--fp32", required=True)
    parser.add_argument("--int8", required=True)
    parser.add_argument("--data", required=True, help="COCO-format folder; 16 of its pictures are compared on")
    arguments = parser.parse_args()
    first, last = loss_fell(read(arguments.log))
    print(f"smoke: loss {first:.3f} to {last:.3f}")
    if not last < first:
        raise SystemExit("smoke: the loss did not go down")
    floats = session(os.path.join(arguments.fp32, "model.onnx"))
    integers = session(os.path.join(arguments.int8, "model_int8.onnx"))
    size = floats.get_inputs()[0].shape[1]
    examples, _ = load(arguments.data, limit=16)
    images = np.stack([plain(example, size)[0] for example in examples])
    score, box = disagreement(run(floats, images), run(integers, images))
    print(f"smoke: int8 against fp32: mean score error {score:.4f}, mean box error {box:.4f} anchor sizes")
    if score > LARGEST_SCORE_ERROR or box > LARGEST_BOX_ERROR:
        raise SystemExit("smoke: the int8 model does not agree with the fp32 one")


if __name__ == "__main__":
    main()
