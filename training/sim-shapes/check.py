#!/usr/bin/env python3
"""Measures models/sim-shapes on drawn scenes: recall at IoU 0.5, false positives, box errors, run time.

Usage: cargo run -p sightline-sim --example draw_scenes -- FOLDER 1 SEED; check.py FOLDER [SCORE]
"""
import json
import pathlib
import sys
import time

import numpy as np
import onnxruntime
from PIL import Image

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "sim-shapes"
LABELS = ["???", "person", "car", "dog"]
CLEAR = 0.98  # an object of which so much is visible is fully visible


def iou(a, b):
    """Of corner boxes [..., 4] (x0, y0, x1, y1)."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    both = np.prod(np.clip(high - low, 0, None), -1)
    area = lambda c: np.prod(c[..., 2:] - c[..., :2], -1)
    return both / (area(a) + area(b) - both + 1e-9)


def detect(session, anchors, picture, threshold):
    pixels = np.asarray(picture.resize((300, 300), Image.BILINEAR))[None]
    encodings, logits = (output[0] for output in session.run(["box_encodings", "class_logits"], {"image": pixels}))
    cy, cx, h, w = anchors.T
    ty, tx, th, tw = encodings.T
    cy, cx, h, w = cy + ty / 10 * h, cx + tx / 10 * w, h * np.exp(th / 5), w * np.exp(tw / 5)
    boxes = np.clip(np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1), 0, 1)
    scores = 1 / (1 + np.exp(-logits))
    found = []
    for label in range(1, len(LABELS)):
        of_class = np.nonzero(scores[:, label] >= threshold)[0]
        of_class = of_class[np.argsort(-scores[of_class, label], kind="stable")]
        while len(of_class):
            best, of_class = of_class[0], of_class[1:]
            found.append((LABELS[label], float(scores[best, label]), boxes[best]))
            of_class = of_class[iou(boxes[best], boxes[of_class]) <= 0.5]
    return found


def main():
    folder = pathlib.Path(sys.argv[1])
    threshold = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(MODEL / "sim_shapes.onnx", options, providers=["CPUExecutionProvider"])
    anchors = np.fromfile(MODEL / "anchors.bin", "<f4").reshape(-1, 4)
    clear, clear_found, partly, partly_found, frames, detections, false = {}, {}, {}, {}, 0, 0, []
    errors, missed = {}, []
    for line in (folder / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        name = f"{truth['camera']}-{truth['frame']:03d}.png"
        found = detect(session, anchors, Image.open(folder / name).convert("RGB"), threshold)
        frames += 1
        detections += len(found)
        taken = set()
        for item in truth["objects"]:
            b = item["box"]
            box = np.array([b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]])
            matches = [(iou(box, d[2]), i) for i, d in enumerate(found) if d[0] == item["label"] and i not in taken]
            overlap, index = max(matches, default=(0, -1))
            is_found = overlap >= 0.5
            if overlap > 0.3:
                taken.add(index)
            is_clear = item["visible"] >= CLEAR
            count, hits = (clear, clear_found) if is_clear else (partly, partly_found)
            count[item["label"]] = count.get(item["label"], 0) + 1
            hits[item["label"]] = hits.get(item["label"], 0) + is_found
            if is_clear and not is_found:
                missed.append((name, item["label"], item["id"], round(float(overlap), 2)))
            if is_clear and is_found:
                size = np.array([b["w"], b["h"], b["w"], b["h"]])
                errors.setdefault(item["label"], []).append(np.append((found[index][2] - box) / size, overlap))
        false += [(name, d[0], round(d[1], 2), [round(float(v), 2) for v in d[2]])
                  for i, d in enumerate(found) if i not in taken]
    for label in clear:
        print(f"{label}: {clear_found[label]} of {clear[label]} fully visible found "
              f"({100 * clear_found[label] / clear[label]:.1f} %), {partly_found.get(label, 0)} of "
              f"{partly.get(label, 0)} partly visible")
        if label in errors:
            of_label = np.array(errors[label])
            print("   median error of left, top, right, bottom in box sizes",
                  np.round(np.median(of_label[:, :4], 0), 3), "median IoU", round(float(np.median(of_label[:, 4])), 3))
    print(f"{frames} frames, {detections} detections, {len(false)} false ({100 * len(false) / max(detections, 1):.1f} %)")
    print("missed", *missed[:12], "false", *false[:12], sep="\n  ")
    pixels = np.zeros((1, 300, 300, 3), np.uint8)
    times = []
    for _ in range(60):
        begun = time.perf_counter()
        session.run(None, {"image": pixels})
        times.append(time.perf_counter() - begun)
    print(f"run time, one thread: {1000 * np.median(times):.2f} ms")


if __name__ == "__main__":
    main()
