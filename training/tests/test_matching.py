import unittest

import numpy as np

from matching import BACKGROUND, IGNORED, Matcher, corners, decode, encode, overlaps
from tests.miniature import full

NONE = np.zeros((0, 4), np.float32)
ANCHORS = np.array([[0.25, 0.25, 0.2, 0.2], [0.25, 0.75, 0.2, 0.2], [0.75, 0.75, 0.4, 0.4]], np.float32)


def boxes(*rows):
    return np.array(rows, np.float32)


class Coder(unittest.TestCase):
    def test_decoding_inverts_encoding(self):
        rng = np.random.default_rng(0)
        anchors = rng.uniform(0.1, 0.9, (200, 4)).astype(np.float32)
        low = rng.uniform(0, 0.5, (200, 2))
        truth = np.concatenate([low, low + rng.uniform(0.05, 0.5, (200, 2))], axis=1).astype(np.float32)
        np.testing.assert_allclose(decode(encode(truth, anchors), anchors), truth, atol=1e-5)

    def test_an_anchor_encodes_as_zero(self):
        np.testing.assert_allclose(encode(corners(ANCHORS), ANCHORS), np.zeros((3, 4)), atol=1e-5)

    def test_scales_are_those_of_the_design(self):
        # Half an anchor's height lower: ty = 10 * 0.5; twice as wide: tw = 5 * ln 2.
        anchor = boxes([0.5, 0.5, 0.2, 0.2])
        found = encode(boxes([0.5, 0.3, 0.7, 0.7]), anchor)
        np.testing.assert_allclose(found, [[5.0, 0.0, 0.0, 5 * np.log(2)]], atol=1e-5)


class Overlaps(unittest.TestCase):
    def test_known_values(self):
        found = overlaps(boxes([0, 0, 1, 1], [0, 0, 0.5, 0.5]), boxes([0, 0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]))
        np.testing.assert_allclose(found, [[0.25, 0.09], [1.0, 0.0]], atol=1e-6)


class Matching(unittest.TestCase):
    def test_anchor_of_sufficient_overlap_gets_the_class_and_the_encoding(self):
        truth = boxes([0.15, 0.15, 0.35, 0.35])
        classes, encodings = Matcher(ANCHORS)(truth, np.array([4]), NONE)
        self.assertEqual(classes.tolist(), [4, BACKGROUND, BACKGROUND])
        np.testing.assert_allclose(encodings[0], encode(truth, ANCHORS[:1])[0])
        self.assertFalse(encodings[1:].any())

    def test_object_without_sufficient_overlap_gets_its_best_anchor(self):
        tiny = boxes([0.24, 0.74, 0.26, 0.76])
        classes, _ = Matcher(ANCHORS)(tiny, np.array([2]), NONE)
        self.assertEqual(classes.tolist(), [BACKGROUND, 2, BACKGROUND])

    def test_object_that_no_anchor_fits_gets_those_almost_as_good_as_the_best(self):
        anchors = np.array([[0.5, 0.5, 0.4, 0.2], [0.55, 0.5, 0.4, 0.2], [0.75, 0.5, 0.4, 0.2]], np.float32)
        slim = boxes([0.3, 0.46, 0.7, 0.54])  # 0.4 of the first anchor, 0.34 of the second, 0.1 of the third
        for relative, expected in ((0.8, [3, 3, 0]), (1.0, [3, 0, 0])):
            classes, encodings = Matcher(anchors, relative=relative)(slim, np.array([3]), NONE)
            self.assertEqual(classes.tolist(), expected)
            decoded = decode(encodings[classes > 0], anchors[classes > 0])
            np.testing.assert_allclose(decoded, np.repeat(slim, len(decoded), axis=0), atol=1e-5)

    def test_every_object_gets_an_anchor_of_its_own_in_the_full_network(self):
        _, anchors = full(width=0.25)
        rng = np.random.default_rng(3)
        low = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=2).reshape(-1, 2) / 4
        truth = np.concatenate([low, low + rng.uniform(0.03, 0.2, (16, 2))], axis=1).astype(np.float32)
        classes, _ = Matcher(anchors)(truth, np.arange(1, 17), NONE)
        self.assertEqual(set(classes[classes > 0].tolist()), set(range(1, 17)))

    def test_anchor_within_an_ignored_region_takes_no_part(self):
        region = boxes([0.0, 0.5, 0.5, 1.0])  # a crowd around anchor 1, far larger than it
        classes, _ = Matcher(ANCHORS)(NONE, np.zeros(0, np.int64), region)
        self.assertEqual(classes.tolist(), [BACKGROUND, IGNORED, BACKGROUND])

    def test_an_object_within_an_ignored_region_still_counts(self):
        truth = boxes([0.15, 0.65, 0.35, 0.85])
        classes, _ = Matcher(ANCHORS)(truth, np.array([1]), boxes([0.0, 0.5, 0.5, 1.0]))
        self.assertEqual(classes.tolist(), [BACKGROUND, 1, BACKGROUND])

    def test_picture_without_objects_is_all_background(self):
        classes, encodings = Matcher(ANCHORS)(NONE, np.zeros(0, np.int64), NONE)
        self.assertFalse(classes.any() or encodings.any())


if __name__ == "__main__":
    unittest.main()
