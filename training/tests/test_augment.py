import unittest

import numpy as np

from augment import augment, cut, distort, flip, place, plain, snapped
from dataset import Example

WHOLE = np.array([0, 0, 1, 1], np.float32)
NONE = np.zeros((0, 4), np.float32)


def marked(seed):
    """A dark picture with one bright box in it, and that box."""
    rng = np.random.default_rng(seed)
    image = np.full((270, 480, 3), 20, np.uint8)
    y, x = rng.integers(0, 150), rng.integers(0, 300)
    h, w = rng.integers(40, 110), rng.integers(50, 160)
    image[y : y + h, x : x + w] = 250
    box = np.array([[y / 270, x / 480, (y + h) / 270, (x + w) / 480]], np.float32)
    return Example(image, box, np.array([2]), NONE)


class Boxes(unittest.TestCase):
    def test_boxes_follow_the_pixels_through_expansion_crop_resize_and_flip(self):
        size, checked = 300, 0
        for seed in range(200):
            example = marked(seed)
            image, boxes, labels, _ = augment(np.random.default_rng(seed), example, size)
            self.assertEqual((image.shape, image.dtype), ((size, size, 3), np.uint8))
            self.assertTrue((boxes >= 0).all() and (boxes <= 1).all())
            if not len(boxes):
                continue
            self.assertEqual(labels.tolist(), [2])
            # Only the object is lighter than the mean colour around an expanded picture, whatever the distortion.
            inside = np.zeros((size, size), bool)
            rows, columns = np.round(boxes[0, [0, 2]] * size).astype(int), np.round(boxes[0, [1, 3]] * size).astype(int)
            inside[rows[0] : rows[1], columns[0] : columns[1]] = True
            bright = image.max(axis=2) > image.max() * 0.75
            agreement = (bright & inside).sum() / max((bright | inside).sum(), 1)
            if image.max() > 200:
                self.assertGreater(agreement, 0.85, f"seed {seed}")
                checked += 1
        self.assertGreater(checked, 100)

    def test_whole_region_changes_nothing(self):
        example = marked(1)
        boxes, labels, ignored = place(example.boxes, example.labels, example.ignored, WHOLE, 300)
        np.testing.assert_allclose(boxes, example.boxes)
        self.assertEqual((labels.tolist(), len(ignored)), ([2], 0))

    def test_object_whose_centre_is_outside_becomes_an_ignored_region(self):
        boxes = np.array([[0.1, 0.1, 0.3, 0.3], [0.4, 0.4, 0.8, 0.8]], np.float32)
        region = np.array([0, 0, 0.5, 0.5], np.float32)
        kept, labels, ignored = place(boxes, np.array([1, 2]), NONE, region, 300)
        np.testing.assert_allclose(kept, [[0.2, 0.2, 0.6, 0.6]], atol=1e-6)
        np.testing.assert_allclose(ignored, [[0.8, 0.8, 1, 1]], atol=1e-6)
        self.assertEqual(labels.tolist(), [1])

    def test_object_too_small_to_see_becomes_an_ignored_region(self):
        speck = np.array([[0.5, 0.5, 0.505, 0.6]], np.float32)
        kept, labels, ignored = place(speck, np.array([1]), NONE, WHOLE, 300)
        self.assertEqual((len(kept), len(labels), len(ignored)), (0, 0, 1))

    def test_flipping_twice_is_the_same_box(self):
        boxes = np.array([[0.1, 0.2, 0.3, 0.6]], np.float32)
        np.testing.assert_allclose(flip(boxes), [[0.1, 0.4, 0.3, 0.8]], atol=1e-6)
        np.testing.assert_allclose(flip(flip(boxes)), boxes, atol=1e-6)


class Pixels(unittest.TestCase):
    def test_expanded_picture_lies_where_its_region_says(self):
        image = np.full((100, 200, 3), 255, np.uint8)
        region = snapped(np.array([-0.5, -0.5, 1.5, 1.5], np.float32), image)
        canvas = cut(image, region, 100)
        self.assertTrue((canvas[25:75, 25:75] == 255).all())
        self.assertTrue((canvas[:24] < 255).all() and (canvas[:, 76:] < 255).all())

    def test_plain_picture_is_the_stretch_that_the_detector_does(self):
        example = marked(2)
        image, boxes, _, _ = plain(example, 300)
        self.assertEqual(image.shape, (300, 300, 3))
        np.testing.assert_allclose(boxes, example.boxes)

    def test_distortion_depends_on_its_random_numbers_alone(self):
        image = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
        first = [distort(np.random.default_rng(s), image) for s in range(20)]
        second = [distort(np.random.default_rng(s), image) for s in range(20)]
        self.assertTrue(all((a == b).all() for a, b in zip(first, second)))
        self.assertTrue(any((a != image).any() for a in first))


if __name__ == "__main__":
    unittest.main()
