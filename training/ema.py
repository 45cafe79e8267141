"""An exponential moving average of a network's weights and BatchNorm statistics."""

import copy

import torch


class Average:
    """`network` is the averaged copy, in evaluation mode; it decays slower the longer the training runs."""

    def __init__(self, network, decay):
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network):
        """Take `network`'s weights into the average."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averaged, current = self.network.state_dict(), network.state_dict()
        names = [name for name, value in averaged.items() if value.is_floating_point()]
        torch._foreach_lerp_([averaged[n] for n in names], [current[n].detach() for n in names], 1 - decay)
