"""Batches for training: pictures augmented and matched in worker processes, so that the network has the main one.

Batch i depends on the seed and i alone, whatever the number of workers and wherever a run was resumed.
"""

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from augment import augment


class Batches(Dataset):
    """Item i is batch i of an endless sequence: (images uint8 [N, S, S, 3], classes [N, A], encodings [N, A, 4])."""

    def __init__(self, examples, matcher, size, batch, seed):
        if len(examples) < batch:
            raise ValueError(f"{len(examples)} pictures are fewer than a batch of {batch}; take a smaller --batch")
        self.examples = examples
        self.matcher = matcher
        self.size = size
        self.batch = batch
        self.seed = seed
        self.per_epoch = len(examples) // batch

    def chosen(self, index):
        """The pictures of batch `index`: each epoch is a permutation of its own."""
        epoch, position = divmod(index, self.per_epoch)
        order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.examples))
        return order[position * self.batch : (position + 1) * self.batch]

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, 1, index])
        anchors = len(self.matcher.anchors)
        images = np.empty((self.batch, self.size, self.size, 3), np.uint8)
        classes = np.empty((self.batch, anchors), np.int64)
        encodings = np.empty((self.batch, anchors, 4), np.float32)
        for slot, picture in enumerate(self.chosen(index)):
            images[slot], *truth = augment(rng, self.examples[picture], self.size)
            classes[slot], encodings[slot] = self.matcher(*truth)
        return torch.from_numpy(images), torch.from_numpy(classes), torch.from_numpy(encodings)


class From(Sampler):
    """Counts from `start` for ever: the loader's order, resumable."""

    def __init__(self, start):
        self.start = start

    def __iter__(self):
        index = self.start
        while True:
            yield index
            index += 1


def single_thread(_worker):
    """A worker uses one thread: OpenCV's and torch's pools would fight with the network's for the same cores."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def batches(dataset, start, workers):
    """Iterator over batches from `start` on; in this process when `workers` is 0."""
    extra = {"worker_init_fn": single_thread, "prefetch_factor": 4, "multiprocessing_context": "fork"} if workers else {}
    return iter(DataLoader(dataset, batch_size=None, sampler=From(start), num_workers=workers, **extra))
