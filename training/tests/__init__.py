"""Tests of the training. One thread: torch and others on the same cores wait for each other out of proportion."""

import torch

torch.set_num_threads(1)
