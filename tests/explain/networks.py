"""Small networks and a four-group system for the tests of attribution."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn

from tests.fakes import FakeChoice

__all__ = ["Convolutional", "FourGroups", "Functional", "ManyObjects", "Reused", "mlp"]


class FourGroups(FakeChoice):
    """The gate with its background column as two groups of its own (upper two rows, lower three)."""

    groups = ("left", "right", "upper weather", "lower weather")
    cell_group = np.vstack([np.array([[0, 0, 0, 1, 1, 1, 2]] * 2), np.array([[0, 0, 0, 1, 1, 1, 3]] * 3)]).astype(
        np.int64
    )


def mlp(system, hidden=8, seed=0, scale=1.0):
    """Flatten, ``hidden`` ReLU units, output."""
    draw = torch.Generator().manual_seed(seed)
    inputs, outputs = int(np.prod(system.observation_shape)), len(system.output.names)
    net = nn.Sequential(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(scale * torch.randn(weight.shape, generator=draw) / weight.shape[-1] ** 0.5)
    return net


class Convolutional(nn.Module):
    """Two convolutions and a dense layer."""

    def __init__(self, system, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        height, width = system.observation_shape
        self.first, self.relu = nn.Conv2d(1, 4, 3, padding=1), nn.ReLU()
        self.second, self.relu2 = nn.Conv2d(4, 3, 2), nn.ReLU()
        self.out = nn.Linear(3 * (height - 1) * (width - 1), len(system.output.names))

    def forward(self, x):
        seen = self.relu2(self.second(self.relu(self.first(x[:, None]))))
        return self.out(seen.flatten(1))


class Functional(nn.Module):
    """The activation is a function, which DeepLift cannot see."""

    def __init__(self, system):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(int(np.prod(system.observation_shape)), 8)
        self.second = nn.Linear(8, len(system.output.names))

    def forward(self, x):
        return self.second(torch.relu(self.first(x.flatten(1))))


class Reused(Functional):
    """One ReLU module used twice."""

    def __init__(self, system):
        super().__init__(system)
        self.relu, self.middle = nn.ReLU(), nn.Linear(8, 8)

    def forward(self, x):
        return self.second(self.relu(self.middle(self.relu(self.first(x.flatten(1))))))


class ManyObjects(FakeChoice):
    """A gate whose five rows are knobs and objects of their own."""

    name = "many"

    def __init__(self):
        super().__init__()
        knob = self.knobs[1]
        self.knobs = tuple(dataclasses.replace(knob, name=f"row {i}", group=f"row {i}", default=1) for i in range(5))
        self.groups = tuple(f"row {i}" for i in range(5))
        self.cell_group = np.repeat(np.arange(5)[:, None], 7, axis=1)

    def encode(self, values, background=None):
        canvas = self._canvas(values, background)
        canvas[:, :, :6] = (2 * values[:, :, None] > np.arange(6)[None, None]).astype(np.float32)
        return canvas

    def decode(self, observations):
        return np.asarray(observations, dtype=np.float64)[:, :, :6].sum(axis=2) / 2

    def repair(self, values):
        return np.clip(np.round(values), 0, 3)

    def valid_actions(self, observations):
        return np.ones((len(observations), 3), bool)

    def baselines(self, state):
        return {"empty": np.zeros((1, 5, 7), np.float32), "mean": np.full((1, 5, 7), 0.3, np.float32)}
