import unittest

import torch

from loss import DetectionLoss, hardest_negatives


def example(anchors=40, classes=4):
    generator = torch.Generator().manual_seed(0)
    boxes = torch.randn(2, anchors, 4, generator=generator, requires_grad=True)
    logits = torch.randn(2, anchors, classes, generator=generator, requires_grad=True)
    targets = torch.zeros(2, anchors, dtype=torch.long)
    targets[:, :3] = torch.tensor([1, 2, 3])
    targets[:, 3] = -1
    return boxes, logits, targets, torch.randn(2, anchors, 4, generator=generator)


class Loss(unittest.TestCase):
    def test_gradients_reach_only_what_takes_part(self):
        for kind in ("focal", "mining"):
            boxes, logits, classes, encodings = example()
            sum(DetectionLoss(kind)(boxes, logits, classes, encodings)).backward()
            self.assertTrue(torch.isfinite(logits.grad).all(), kind)
            self.assertTrue((boxes.grad[:, :3] != 0).any(), kind)
            self.assertFalse((boxes.grad[:, 3:] != 0).any(), f"{kind}: only matched anchors have boxes")
            self.assertFalse((logits.grad[:, 3] != 0).any(), f"{kind}: the ignored anchor")
            self.assertFalse((logits.grad[:, :, 0] != 0).any(), f"{kind}: the background's column")

    def test_a_step_down_the_gradient_lowers_the_loss(self):
        for kind in ("focal", "mining"):
            boxes, logits, classes, encodings = example()
            loss = DetectionLoss(kind)
            before = sum(loss(boxes, logits, classes, encodings))
            before.backward()
            after = sum(loss(boxes - 0.1 * boxes.grad, logits - 0.1 * logits.grad, classes, encodings))
            self.assertLess(after.item(), before.item(), kind)

    def test_a_perfect_answer_costs_almost_nothing(self):
        for kind in ("focal", "mining"):
            _, logits, classes, encodings = example()
            sure = torch.full_like(logits, -12.0)
            sure.scatter_(2, classes.clamp(min=0)[:, :, None], 12.0)
            self.assertLess(sum(DetectionLoss(kind)(encodings, sure, classes, encodings)).item(), 1e-3, kind)

    def test_batch_without_objects_has_a_finite_loss(self):
        for kind in ("focal", "mining"):
            boxes, logits, classes, encodings = example()
            box, score = DetectionLoss(kind)(boxes, logits, torch.zeros_like(classes), encodings)
            self.assertEqual(box.item(), 0.0)
            self.assertGreater(score.item(), 0.0)

    def test_mining_takes_three_negatives_per_match_and_the_hardest(self):
        losses = torch.arange(20.0).repeat(2, 1)
        positive = torch.zeros(2, 20, dtype=torch.bool)
        positive[0, [0, 19]] = True
        ignored = torch.zeros(2, 20, dtype=torch.bool)
        ignored[0, 18] = True
        chosen = hardest_negatives(losses, positive, ignored)
        self.assertEqual(chosen[0].nonzero().flatten().tolist(), [12, 13, 14, 15, 16, 17])
        self.assertEqual(chosen[1].nonzero().flatten().tolist(), [17, 18, 19])


if __name__ == "__main__":
    unittest.main()
