"""The SSD loss: smooth-L1 on the box encodings, and sigmoid focal loss or hard-negative mining on the classes."""

import torch
import torch.nn.functional as F

FOCAL_ALPHA = 0.25  # Lin et al., arXiv 1708.02002, table 1b
FOCAL_GAMMA = 2.0
NEGATIVES_PER_MATCH = 3  # Liu et al., arXiv 1512.02325, section 2.2
NEGATIVES_WITHOUT_MATCH = 3  # so that a picture without objects teaches something too


def focal(logits, targets):
    """Sigmoid focal loss, elementwise, of logits and 0/1 targets of one shape."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    correct = probability * targets + (1 - probability) * (1 - targets)
    weight = FOCAL_ALPHA * targets + (1 - FOCAL_ALPHA) * (1 - targets)
    return weight * (1 - correct) ** FOCAL_GAMMA * entropy


def hardest_negatives(losses, positive, ignored):
    """Mask [N, A] of the negatives with the highest losses [N, A], three per match of their picture."""
    candidates = losses.detach().masked_fill(positive | ignored, -1.0)
    wanted = (positive.sum(dim=1) * NEGATIVES_PER_MATCH).clamp(min=NEGATIVES_WITHOUT_MATCH)
    rank = candidates.argsort(dim=1, descending=True).argsort(dim=1)
    return (rank < wanted[:, None]) & (candidates >= 0)


class DetectionLoss:
    """Loss of a batch: `kind` is "focal" or "mining". Both are sums, divided by the number of matched anchors."""

    def __init__(self, kind="focal", box_weight=1.0):
        if kind not in ("focal", "mining"):
            raise ValueError(f"loss {kind} is unknown; focal or mining is")
        self.kind = kind
        self.box_weight = box_weight

    def __call__(self, boxes, logits, classes, encodings):
        """(box loss, class loss), scalars.

        boxes [N, A, 4] and logits [N, A, C] from the network; classes [N, A] (0 background, -1 ignored) and encodings
        [N, A, 4] from the matcher. Column 0 of the logits, the background, takes no part: nothing reads it.
        """
        positive = classes > 0
        ignored = classes < 0
        matches = positive.sum().clamp(min=1).float()
        box = F.smooth_l1_loss(boxes[positive], encodings[positive], reduction="sum") / matches
        targets = F.one_hot(classes.clamp(min=0), logits.shape[2])[:, :, 1:].float()
        scores = logits[:, :, 1:]
        if self.kind == "focal":
            per_anchor = focal(scores, targets).sum(dim=2)
            return self.box_weight * box, (per_anchor * ~ignored).sum() / matches
        per_anchor = F.binary_cross_entropy_with_logits(scores, targets, reduction="none").sum(dim=2)
        chosen = positive | hardest_negatives(per_anchor, positive, ignored)
        return self.box_weight * box, (per_anchor * chosen).sum() / matches
