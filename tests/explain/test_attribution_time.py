"""Light methods and the light badge keep up with a moving slider on a network of the paper's size."""

import time

import numpy as np
import pytest
import torch

from dnnexplain.contract import Discrete, State
from dnnexplain.explain import METHODS, attribute, trust
from dnnexplain.policies import TorchPolicy
from tests.explain.networks import mlp
from tests.fakes import FakeChoice

PATIENCE = 90
"""Seconds: other programs on the same core make even processor time longer; the least of all tries counts."""

STATE = State(np.array([3.0, 2.0]))


class Wide(FakeChoice):
    """The size of DeepRM with five slots: 20 x 124 inputs, 14 groups, 6 actions."""

    observation_shape = (20, 124)
    groups = tuple(f"group {i}" for i in range(14))
    cell_group = np.repeat(np.minimum(np.arange(124) // 9, 13)[None], 20, axis=0).astype(np.int64)
    output = Discrete((*(f"job {i}" for i in range(1, 6)), "wait"))

    def encode(self, values, background=None):
        canvas = self._canvas(values, background)
        canvas[:, :, :60] = (np.arange(20)[None] < 4 * values[:, :1])[:, :, None]
        canvas[:, :, 60:] = (np.arange(20)[None] < 6 * values[:, 1:2])[:, :, None]
        return canvas

    def valid_actions(self, observations):
        return np.ones((len(observations), 6), bool)

    def baselines(self, state):
        return {"empty": np.zeros((1, *self.observation_shape), np.float32)}


def least_milliseconds(call, enough):
    """The least processor time of a call, tried until it is below ``enough`` or patience is at an end."""
    least, end = np.inf, time.monotonic() + PATIENCE
    while least >= enough and time.monotonic() < end:
        began = time.process_time()
        call()
        least = min(least, 1e3 * (time.process_time() - began))
        time.sleep(0.1)  # the other programs may be done soon
    return least


@pytest.mark.parametrize("method", [n for n, m in METHODS.items() if not (m.heavy or m.units or m.conv)])
def test_a_light_method_answers_within_50_ms_on_the_papers_network(method):
    system = Wide()
    policy = TorchPolicy(mlp(system, hidden=20), system)
    torch.set_num_threads(1)
    least = least_milliseconds(lambda: attribute(system, policy, STATE, method=method, neuron=("2", 3)), 50.0)
    assert least < 50.0, f"{method}: {least:.1f} ms"


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients"])
def test_a_light_badge_takes_less_than_50_ms_on_the_papers_network(method):
    system = Wide()
    policy = TorchPolicy(mlp(system, hidden=20), system)
    found = attribute(system, policy, STATE, method=method)
    least = least_milliseconds(lambda: trust(system, policy, found), 50.0)
    assert least < 50.0, f"{method}: {least:.1f} ms"
