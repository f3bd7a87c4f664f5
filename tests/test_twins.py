"""A network that is used in several places at once has its weights in memory once."""

import torch
from torch import nn

from dnnexplain.explain.networks.hooks import private, shuffled
from dnnexplain.explain.networks.paths import wired_cells
from dnnexplain.policies import TorchPolicy
from dnnexplain.twins import worker_copy
from tests.fakes import FakeChoice

SYSTEM = FakeChoice()


def made():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(35, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    return TorchPolicy(module, SYSTEM)


def memory(module):
    return [tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())]


def test_a_workers_copy_and_a_private_one_lie_in_the_same_memory():
    policy = made()
    assert memory(worker_copy(policy).module) == memory(private(policy)) == memory(policy.module)
    assert set(memory(policy.copy().module)).isdisjoint(memory(policy.module))


def test_what_is_done_to_a_twin_leaves_the_network_alone():
    policy = made()
    before = {name: value.clone() for name, value in policy.module.state_dict().items()}
    twin = worker_copy(policy).module
    twin.double().requires_grad_(requires_grad=False)
    twin.register_forward_hook(lambda *_: 1 / 0)
    twin.load_state_dict({name: 2 * value for name, value in twin.state_dict().items()})
    shuffled(policy.module, seed=1)
    wired_cells(policy.module, SYSTEM.observation_shape)
    assert all(weight.requires_grad and weight.dtype == torch.float32 for weight in policy.module.parameters())
    for name, value in policy.module.state_dict().items():
        assert torch.equal(value, before[name])
    policy.module(torch.zeros(1, *SYSTEM.observation_shape))


def test_tied_weights_stay_tied():
    module = nn.Sequential(nn.Flatten(), nn.Linear(35, 35), nn.ReLU(), nn.Linear(35, 35), nn.ReLU(), nn.Linear(35, 3))
    module[3].weight = module[1].weight
    twin = private(module)
    assert twin[1].weight is twin[3].weight is not module[1].weight


def test_a_large_tensor_is_shuffled_in_place(monkeypatch):
    module = made().module
    monkeypatch.setattr("dnnexplain.explain.networks.hooks._LARGE", 100)
    twin, again, other = shuffled(module, seed=1), shuffled(module, seed=1), shuffled(module, seed=2)
    before, after = module[1].weight.detach(), twin[1].weight
    assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert not torch.equal(before, after)
    assert torch.equal(after, again[1].weight)
    assert not torch.equal(after, other[1].weight)
