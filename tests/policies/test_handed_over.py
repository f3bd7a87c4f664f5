"""A module that was made for a policy is in memory once; a user's own is copied."""

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.policies import TorchPolicy, load_any, save, untrained
from dnnexplain.policies._untrained import UNTRAINED
from dnnexplain.policies.networks import mlp
from dnnexplain.systems import make_system
from tests.fakes import FakeChoice


def places(module):
    return [weight.data_ptr() for weight in module.parameters()]


def test_a_module_is_copied_unless_it_is_handed_over():
    system = FakeChoice()
    module = mlp(system, (4,))
    assert not set(places(module)) & set(places(TorchPolicy(module, system).module))
    handed = TorchPolicy(module, system, copy=False)
    assert places(handed.module) == places(module)
    assert handed.checkpoint == TorchPolicy(module, system).checkpoint


@pytest.mark.parametrize("seed", [0, 7])
def test_an_untrained_network_is_made_once_with_the_weights_of_its_seed(seed, monkeypatch):
    system = make_system("routing")
    torch.manual_seed(seed)
    expected = next(iter(system.networks.values()))(system).state_dict()
    monkeypatch.setattr(nn.Parameter, "__deepcopy__", None)  # a copy of any weight would fail
    found = untrained(system, seed).module.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_what_a_file_holds_is_in_memory_once(tmp_path, monkeypatch):
    system = FakeChoice()
    policy = TorchPolicy(mlp(system, (4,)), system)
    path = save(tmp_path / "net.safetensors", policy)
    monkeypatch.setattr(nn.Parameter, "__deepcopy__", None)
    again = load_any(path, system)
    states = np.zeros((2, *system.observation_shape), dtype=np.float32)
    np.testing.assert_array_equal(again.outputs(states), policy.outputs(states))
    assert load_any(UNTRAINED, system).name == UNTRAINED


def test_a_module_of_the_users_own_that_is_filled_from_a_file_is_copied(tmp_path):
    system = FakeChoice()
    path = save(tmp_path / "net.safetensors", TorchPolicy(mlp(system, (4,)), system))
    own = mlp(system, (4,), seed=3)
    assert not set(places(own)) & set(places(load_any(path, system, module=own).module))
