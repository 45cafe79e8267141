"""Augmentation as in the SSD paper (Liu et al., arXiv 1512.02325, section 2.2 and 3.6), on uint8 with OpenCV.

Expansion and crop are one region of the picture, which may reach beyond it: each picture is resized once. Boxes are
[n, 4] of ymin, xmin, ymax, xmax as fractions.
"""

import cv2
import numpy as np

from matching import areas, overlaps

MINIMUM_OVERLAPS = (0.1, 0.3, 0.5, 0.7, 0.9, None)  # None: any crop
CROP_TRIALS = 50
CROP_SIDES = (0.3, 1.0)
CROP_ASPECTS = (0.5, 2.0)
# The paper expands up to 4 times. A camera's objects are small already: 4 times smaller they fall below the smallest
# anchor (a tenth of the picture), where they teach nothing but guessing.
LARGEST_EXPANSION = 2.0
EXPANSION_PROBABILITY = 0.5
PLAIN_PROBABILITY = 0.25  # pictures as the network will see them: neither expanded nor cropped
MEAN_COLOUR = (124, 116, 104)  # ImageNet's mean RGB, as the paper fills with
SMALLEST_SIDE = 3.0  # pixels of the network's input; what is smaller takes no part in the loss
BRIGHTNESS = 32
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 9  # OpenCV's hue has 180 steps: the paper's 18 degrees


def expanded_region(rng):
    """Region of a canvas up to twice the picture's side, the picture somewhere in it."""
    ratio = rng.uniform(1.0, LARGEST_EXPANSION)
    top, left = rng.uniform(0.0, ratio - 1.0, 2)
    return np.array([-top, -left, ratio - top, ratio - left], np.float32)


def cropped_region(rng, region, boxes):
    """A random part of `region` that overlaps one box by the drawn minimum; `region` itself when none was found."""
    minimum = MINIMUM_OVERLAPS[rng.integers(len(MINIMUM_OVERLAPS))]
    sides = rng.uniform(*CROP_SIDES, (CROP_TRIALS, 2))
    aspect = sides[:, 0] / sides[:, 1]
    shift = rng.uniform(0.0, 1.0, (CROP_TRIALS, 2)) * (1.0 - sides)
    size = region[2:] - region[:2]
    low = region[:2] + shift * size
    crops = np.concatenate([low, low + sides * size], axis=1).astype(np.float32)
    good = (aspect >= CROP_ASPECTS[0]) & (aspect <= CROP_ASPECTS[1])
    if len(boxes):
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centres[None] > crops[:, None, :2]) & (centres[None] < crops[:, None, 2:])).all(axis=2)
        good &= inside.any(axis=1)
        if minimum is not None:
            good &= overlaps(crops, boxes).max(axis=1) >= minimum
    found = np.flatnonzero(good)
    return crops[found[0]] if len(found) else region


def snapped(region, image):
    """`region` with its sides on whole pixels of the picture, so that boxes and pixels move by exactly the same."""
    height, width = image.shape[:2]
    scale = np.array([height, width, height, width], np.float32)
    pixels = np.round(region * scale)
    pixels[2:] = np.maximum(pixels[2:], pixels[:2] + 1)
    return pixels / scale


def cut(image, region, size):
    """`region` (snapped) of an RGB picture, stretched to [size, size, 3]; what lies beyond the picture has the mean colour."""
    height, width = image.shape[:2]
    scale = np.array([height, width], np.float32)
    low = np.round(np.maximum(region[:2], 0.0) * scale).astype(int)
    high = np.round(np.minimum(region[2:], 1.0) * scale).astype(int)
    if (high <= low).any():
        return np.full((size, size, 3), MEAN_COLOUR, np.uint8)
    part = image[low[0] : high[0], low[1] : high[1]]
    extent = region[2:] - region[:2]
    start = np.round((low / scale - region[:2]) / extent * size).astype(int).clip(0, size - 1)
    stop = np.round((high / scale - region[:2]) / extent * size).astype(int).clip(start + 1, size)
    stretched = cv2.resize(part, (int(stop[1] - start[1]), int(stop[0] - start[0])), interpolation=cv2.INTER_LINEAR)
    if stretched.shape[:2] == (size, size):
        return stretched
    canvas = np.empty((size, size, 3), np.uint8)
    canvas[:] = MEAN_COLOUR
    canvas[start[0] : stop[0], start[1] : stop[1]] = stretched
    return canvas


def move(boxes, region):
    """Boxes relative to `region`, not clipped."""
    extent = region[2:] - region[:2]
    origin = np.concatenate([region[:2], region[:2]])
    return ((boxes - origin) / np.concatenate([extent, extent])).astype(np.float32)


def place(boxes, labels, ignored, region, size):
    """(boxes, labels, ignored) within `region`: objects whose centre is inside stay, clipped. Visible rests of the
    others, and objects too small to be seen, become ignored regions: they are neither object nor background."""
    moved = move(boxes, region)
    clipped = np.clip(moved, 0.0, 1.0)
    centres = (moved[:, :2] + moved[:, 2:]) / 2
    kept = ((centres > 0.0) & (centres < 1.0)).all(axis=1)
    kept &= ((clipped[:, 2:] - clipped[:, :2]) * size >= SMALLEST_SIDE).all(axis=1)
    rests = clipped[~kept]
    regions = np.clip(move(ignored, region), 0.0, 1.0)
    everything = np.concatenate([rests, regions])
    return clipped[kept], labels[kept], everything[areas(everything) > 0]


def flip(boxes):
    """Boxes of the picture mirrored left to right."""
    return boxes[:, [0, 3, 2, 1]] * np.array([1, -1, 1, -1], np.float32) + np.array([0, 1, 0, 1], np.float32)


def lookup(factor, shift):
    """Table [256] of value * factor + shift, saturating."""
    return np.clip(np.arange(256, dtype=np.float32) * factor + shift, 0, 255).astype(np.uint8)


def distort(rng, image):
    """Brightness, contrast, saturation and hue, each with probability one half; contrast before or after colour."""
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS) if rng.random() < 0.5 else 0.0
    contrast = rng.uniform(*CONTRAST) if rng.random() < 0.5 else 1.0
    saturation = rng.uniform(*SATURATION) if rng.random() < 0.5 else 1.0
    hue = int(rng.integers(-HUE, HUE + 1)) if rng.random() < 0.5 else 0
    contrast_first = rng.random() < 0.5
    if brightness or (contrast_first and contrast != 1.0):
        image = cv2.LUT(image, lookup(contrast if contrast_first else 1.0, brightness))
    if saturation != 1.0 or hue:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        turned = ((np.arange(256) + hue) % 180).astype(np.uint8)
        same = np.arange(256, dtype=np.uint8)
        hsv = cv2.LUT(hsv, np.stack([turned, lookup(saturation, 0.0), same], axis=1)[None])
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if not contrast_first and contrast != 1.0:
        image = cv2.LUT(image, lookup(contrast, 0.0))
    return image


def augment(rng, example, size):
    """(image uint8 [size, size, 3], boxes, labels, ignored) of an Example, at random by `rng`."""
    region = np.array([0, 0, 1, 1], np.float32)
    if rng.random() >= PLAIN_PROBABILITY:
        if rng.random() < EXPANSION_PROBABILITY:
            region = expanded_region(rng)
        region = snapped(cropped_region(rng, region, example.boxes), example.image)
    image = distort(rng, cut(example.image, region, size))
    boxes, labels, ignored = place(example.boxes, example.labels, example.ignored, region, size)
    if rng.random() < 0.5:
        image, boxes, ignored = cv2.flip(image, 1), flip(boxes), flip(ignored)
    return image, boxes, labels, ignored


def plain(example, size):
    """The same without augmentation: the picture stretched, as at detection."""
    whole = np.array([0, 0, 1, 1], np.float32)
    image = cut(example.image, whole, size)
    return image, *place(example.boxes, example.labels, example.ignored, whole, size)
