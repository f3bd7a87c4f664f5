"""Integrated gradients of networks that many numbers pass through: bounded memory and work, the same map."""

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import State
from dnnexplain.explain import attribute
from dnnexplain.explain.attribution import bent_path
from dnnexplain.explain.networks.sizes import sizes_of
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeChoice

STATE = State(np.array([3.0, 2.0]))


@pytest.fixture
def network():
    torch.manual_seed(1)
    system = FakeChoice()
    size = int(np.prod(system.observation_shape))
    outputs = len(system.output.names)
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(size, 60), nn.ReLU(), nn.Linear(60, 40), nn.ReLU(), nn.Linear(40, outputs)
    )
    return system, TorchPolicy(module, system)


def explained(network):
    return attribute(*network, STATE, method="integrated-gradients")


def test_pieces_in_slabs_make_the_same_map(network, monkeypatch):
    whole = explained(network)
    sizes = []
    inner = bent_path._captum
    monkeypatch.setattr(bent_path, "_captum", lambda p, steps: (sizes.append(len(p.rows)), inner(p, steps))[1])
    monkeypatch.setattr(bent_path, "_SLAB_NUMBERS", 3 * network[0].cell_group.size)
    np.testing.assert_allclose(explained(network).map, whole.map, rtol=1e-6, atol=1e-9)
    assert max(sizes) <= 3


def test_work_is_bounded_and_what_is_left_undone_is_said(network, monkeypatch):
    monkeypatch.setattr(bent_path, "COMPLETE_WITHIN", 1e-7)
    steps = explained(network).steps
    monkeypatch.setattr(bent_path, "_MOST_PRODUCTS", 1)
    result = explained(network)
    assert result.steps < steps
    assert any("still misses the difference" in note for note in result.notes)


def test_sizes_are_those_of_the_layers():
    module = nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4 * 6, 7))
    sizes = sizes_of(module, torch.zeros(1, 2, 6, 8))
    assert sizes == (5 * 4 * 6, 5 * 4 * 6 * (2 * 3 * 3) + 7 * 5 * 4 * 6)
    assert not any(part._forward_hooks for part in module.modules())
