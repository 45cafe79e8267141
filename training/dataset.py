"""A folder of pictures in COCO's format, decoded into memory.

FOLDER/annotations.json, and the pictures beside it or in FOLDER/images. Class ids are the order of the categories,
counted from 1: the lines of the model's labels, of which line 0 is the background.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass
class Example:
    """One picture: RGB uint8 [H, W, 3], boxes [n, 4] (ymin, xmin, ymax, xmax as fractions), labels [n] from 1, and
    ignored [m, 4], the regions (iscrowd) that take no part in the loss."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray


def read_annotations(folder):
    """The parsed annotations.json of a COCO-format folder."""
    path = os.path.join(folder, "annotations.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def picture_path(folder, file_name):
    """Where a picture named in annotations.json lies: in FOLDER/images, or in FOLDER itself."""
    inside = os.path.join(folder, "images", file_name)
    return inside if os.path.exists(inside) else os.path.join(folder, file_name)


def category_names(annotations):
    """The categories' names in their order: class 1 is the first."""
    return [c["name"] for c in annotations["categories"]]


def read_picture(path, longest_side=None):
    """RGB uint8 [H, W, 3] of a picture file, shrunk to `longest_side` where it is larger."""
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"picture {path} cannot be read: is it there, and PNG or JPEG?")
    height, width = image.shape[:2]
    if longest_side and max(height, width) > longest_side:
        factor = longest_side / max(height, width)
        image = cv2.resize(image, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def to_fractions(box, width, height):
    """ymin, xmin, ymax, xmax as fractions, within the picture, of COCO's x, y, w, h in pixels."""
    x, y, w, h = box
    corners = np.array([y / height, x / width, (y + h) / height, (x + w) / width], np.float32)
    return np.clip(corners, 0.0, 1.0)


def load(folder, longest_side=None, limit=None, threads=2):
    """(examples, category names) of a COCO-format folder; `limit` takes that many pictures, evenly spread."""
    annotations = read_annotations(folder)
    class_of = {c["id"]: i + 1 for i, c in enumerate(annotations["categories"])}
    pictures = annotations["images"]
    if limit and limit < len(pictures):
        pictures = [pictures[i] for i in np.linspace(0, len(pictures) - 1, limit).astype(int)]
    found = {}
    for annotation in annotations["annotations"]:
        found.setdefault(annotation["image_id"], []).append(annotation)

    def example(picture):
        image = read_picture(picture_path(folder, picture["file_name"]), longest_side)
        boxes, labels, ignored = [], [], []
        for annotation in found.get(picture["id"], []):
            box = to_fractions(annotation["bbox"], picture["width"], picture["height"])
            if (box[2:] <= box[:2]).any():
                continue
            if annotation.get("iscrowd", 0):
                ignored.append(box)
                continue
            boxes.append(box)
            labels.append(class_of[annotation["category_id"]])
        return Example(image, as_boxes(boxes), np.array(labels, np.int64), as_boxes(ignored))

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(example, pictures)), category_names(annotations)


def as_boxes(boxes):
    """float32 [n, 4], also of an empty list."""
    return np.array(boxes, np.float32).reshape(-1, 4)
