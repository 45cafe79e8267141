"""An easy data set: coloured shapes on noise, in COCO's format. For tests, and to see that training learns at all."""

import json
import os
import sys

import cv2
import numpy as np

LABELS = ("person", "bicycle", "car", "bus", "dog")
COLOURS = ((220, 60, 60), (60, 200, 60), (70, 90, 230), (230, 210, 40), (200, 70, 210))
SHAPES = ((3.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 2.5), (1.0, 1.4))  # height : width


def draw(rng, width, height):
    """(RGB picture, [(class index, x, y, w, h)]) with one to five shapes that do not cover each other much."""
    image = rng.normal(120, 25, (height // 8 + 1, width // 8 + 1, 3)).clip(0, 255).astype(np.uint8)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    taken, objects = np.zeros((height, width), bool), []
    for _ in range(rng.integers(1, 6)):
        kind = int(rng.integers(len(LABELS)))
        tall, wide = SHAPES[kind]
        unit = rng.uniform(0.12, 0.4) * height / max(tall, wide / 1.5)
        h, w = int(tall * unit), int(wide * unit)
        if h >= height or w >= width:
            continue
        x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
        if taken[y : y + h, x : x + w].any():
            continue
        taken[y : y + h, x : x + w] = True
        colour = np.clip(np.array(COLOURS[kind]) + rng.integers(-25, 26, 3), 0, 255)
        if kind % 2:
            cv2.ellipse(image, (x + w // 2, y + h // 2), (w // 2, h // 2), 0, 0, 360, colour.tolist(), -1)
        else:
            cv2.rectangle(image, (x, y), (x + w - 1, y + h - 1), colour.tolist(), -1)
        objects.append((kind, x, y, w, h))
    return image, objects


def write(folder, count, seed, width=480, height=270):
    """A COCO-format folder of `count` such pictures."""
    os.makedirs(os.path.join(folder, "images"), exist_ok=True)
    images, annotations = [], []
    for index in range(count):
        picture, objects = draw(np.random.default_rng([seed, index]), width, height)
        name = f"{index:05}.png"
        cv2.imwrite(os.path.join(folder, "images", name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        images.append({"id": index + 1, "file_name": name, "width": width, "height": height})
        for kind, x, y, w, h in objects:
            box = {"id": len(annotations) + 1, "image_id": index + 1, "category_id": kind + 1, "bbox": [x, y, w, h]}
            annotations.append({**box, "area": w * h, "iscrowd": 0})
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(LABELS)]
    with open(os.path.join(folder, "annotations.json"), "w", encoding="utf-8") as file:
        json.dump({"images": images, "annotations": annotations, "categories": categories}, file)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
