"""Anchors and boxes: intersection over union, matching, and the SSD box coder. numpy only, for the loader's workers.

Boxes are float32 [n, 4] of ymin, xmin, ymax, xmax; anchors [A, 4] of cy, cx, h, w; all as fractions of the picture.
"""

import numpy as np

CODER = np.array([10.0, 10.0, 5.0, 5.0], np.float32)  # the inverse of the SSD paper's variances 0.1, 0.1, 0.2, 0.2
IGNORED = -1  # class target of an anchor that takes no part in the loss
BACKGROUND = 0
LOWEST_OVERLAP = 0.2  # below it only the one best anchor is matched: such a box is more guessed than seen


def read_anchors(path):
    """Anchors [A, 4] from a file of little-endian float32 cy, cx, h, w."""
    return np.fromfile(path, "<f4").reshape(-1, 4)


def corners(centred):
    """ymin, xmin, ymax, xmax of cy, cx, h, w."""
    half = centred[:, 2:] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)


def areas(boxes):
    """Areas [n] of boxes, 0 for empty ones."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)


def intersections(first, second):
    """Areas [n, m] that boxes [n, 4] and [m, 4] share."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=2)


def overlaps(first, second):
    """Intersection over union [n, m] of boxes [n, 4] and [m, 4]."""
    shared = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - shared
    return shared / np.maximum(union, 1e-12)


def encode(boxes, anchors):
    """ty, tx, th, tw [n, 4] of boxes [n, 4], each relative to its anchor [n, 4]."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    shift = (centre - anchors[:, :2]) / anchors[:, 2:]
    return np.concatenate([shift, np.log(size / anchors[:, 2:])], axis=1).astype(np.float32) * CODER


def decode(encodings, anchors):
    """Boxes [n, 4] of ty, tx, th, tw [n, 4]: the inverse of `encode`."""
    plain = encodings / CODER
    centre = plain[:, :2] * anchors[:, 2:] + anchors[:, :2]
    half = np.exp(plain[:, 2:]) * anchors[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=1)


class Matcher:
    """Assigns objects to anchors as SSD does: IoU of `threshold` or more, and the best anchor of each object.

    An object that no anchor fits (a person is slim once a 16:9 picture is squeezed into a square) would have that one
    anchor alone, and hardly be learnt. So it gets all those whose IoU is at least `relative` times that of its best
    anchor; 1 switches this off. A region is ignored by anchors that overlap it, or lie in it, by `ignore`.
    """

    def __init__(self, anchors, threshold=0.5, relative=0.8, ignore=0.5):
        self.relative = relative
        self.anchors = anchors
        self.boxes = corners(anchors)
        self.areas = areas(self.boxes)
        self.threshold = threshold
        self.ignore = ignore

    def __call__(self, boxes, labels, ignored):
        """Targets of one picture.

        boxes [n, 4], labels [n], ignored [m, 4] regions. Gives the class per anchor [A] int64 (0 background, -1 no part
        in the loss) and the encodings [A, 4] float32, zero where there is no object.
        """
        count = len(self.anchors)
        classes = np.full(count, BACKGROUND, np.int64)
        encodings = np.zeros((count, 4), np.float32)
        if len(ignored):
            shared = intersections(self.boxes, ignored)
            within = shared / np.maximum(self.areas, 1e-12)[:, None]
            union = self.areas[:, None] + areas(ignored)[None, :] - shared
            alike = shared / np.maximum(union, 1e-12)
            classes[(np.maximum(within, alike) >= self.ignore).any(axis=1)] = IGNORED
        if not len(boxes):
            return classes, encodings
        iou = overlaps(self.boxes, boxes)
        needed = np.minimum(self.threshold, np.maximum(self.relative * iou.max(axis=0), LOWEST_OVERLAP))
        fitting = np.where(iou >= needed, iou, 0.0)
        chosen = fitting.argmax(axis=1)
        matched = fitting.max(axis=1) > 0
        # Small objects come last, so that they win where two objects have the same best anchor: the large one has others.
        for index in np.argsort(-areas(boxes)):
            best = iou[:, index].argmax()
            if iou[best, index] > 0:
                chosen[best] = index
                matched[best] = True
        classes[matched] = labels[chosen[matched]]
        encodings[matched] = encode(boxes[chosen[matched]], self.anchors[matched])
        return classes, encodings
