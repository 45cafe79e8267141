"""The learning rate: linear warm-up, then a cosine down to nothing, over steps or over wall-clock time."""

import math

FINAL_FRACTION = 0.002  # of the peak, at the end


def factor(progress, warm_up):
    """Fraction of the peak rate at `progress` (0 to 1) when the first `warm_up` of it warms up."""
    progress = min(max(progress, 0.0), 1.0)
    if progress < warm_up:
        return max(progress / warm_up, 0.01)
    position = (progress - warm_up) / (1 - warm_up)
    return FINAL_FRACTION + (1 - FINAL_FRACTION) * 0.5 * (1 + math.cos(math.pi * position))


class Budget:
    """How far a run is: by steps when epochs are given, otherwise by seconds, so that it always ends annealed."""

    def __init__(self, steps=None, seconds=None):
        if (steps is None) == (seconds is None):
            raise ValueError("give either epochs or minutes")
        self.steps = steps
        self.seconds = seconds

    def progress(self, step, elapsed):
        """0 at the start, 1 and more when the run is over."""
        return step / self.steps if self.steps else elapsed / self.seconds
