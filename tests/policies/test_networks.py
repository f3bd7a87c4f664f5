"""The built-in networks: sizes, start, cost, and layers that attribution can enter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import NETWORKS, TorchPolicy, convnet, hidden_layers, layer_shapes, mlp
from dnnexplain.policies.networks import build
from tests.fakes import FakeChoice, FakeSystem


class Paper(FakeChoice):
    """DeepRM's input with 10 slots; only sizes are asked of it."""

    observation_shape = (20, 224)
    output = type(FakeChoice.output)(tuple("abcdefghijk"))


class Wide(Paper):
    observation_shape = (20, 124)


def test_the_papers_network_has_its_parameters():
    module = mlp(Paper())
    assert [name for name, _ in module.named_children()] == ["flatten", "hidden_1", "relu_1", "output"]
    assert sum(weight.numel() for weight in module.parameters()) == 89_851
    weights = module.hidden_1.weight.detach().numpy()
    assert abs(weights.mean()) < 4 * 0.01 / np.sqrt(weights.size)
    assert weights.std() == pytest.approx(0.01, rel=0.02)
    assert not module.hidden_1.bias.any()
    assert not module.output.bias.any()


@pytest.mark.parametrize("factory", NETWORKS.values())
def test_seeds_decide_and_torchs_generator_is_left_alone(factory):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, same, other = factory(FakeChoice(), seed=1), factory(FakeChoice(), seed=1), factory(FakeChoice(), seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert not torch.equal(first.output.weight, other.output.weight)


@pytest.mark.parametrize("factory", NETWORKS.values())
@pytest.mark.parametrize("system", [FakeChoice(), FakeSystem(), Wide()], ids=["gate", "vehicle", "wide"])
def test_every_network_fits_and_is_made_of_modules_used_once(factory, system):
    module = factory(system)
    shape = (2, *system.observation_shape)
    assert module(torch.zeros(shape)).shape == (2, len(system.output.names))
    if type(system) is not Wide:
        assert TorchPolicy(module, system).note == ""
    assert len({id(part) for part in module}) == len(module)
    kinds = [type(part) for part in module]
    weighted = sum(kind in {nn.Linear, nn.Conv2d} for kind in kinds)
    assert kinds.count(nn.ReLU) == weighted - 1
    assert isinstance(module[-1], nn.Linear)
    rebuilt = build(module.architecture, system)
    assert repr(rebuilt) == repr(module)


def test_the_convolutional_network_costs_half_a_megaflop():
    module = convnet(Wide())
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 20, 124))
    assert 1e5 < counter.get_total_flops() <= 5e5
    assert {"conv_1", "conv_2"} <= {name for name, _ in module.named_children()}


@pytest.mark.parametrize("shape", [(20, 124), (20, 224), (21, 41), (8, 40), (5, 7), (2, 2)])
def test_every_cell_reaches_the_convolutional_network(shape):
    class Sized(Wide):
        observation_shape = shape

    module = convnet(Sized())
    cells = torch.rand(16, *shape, requires_grad=True)
    module(cells).square().sum().backward()
    assert (cells.grad.abs().sum(0) > 0).all()


def test_hidden_layers_are_the_activations():
    module = convnet(Wide())
    assert hidden_layers(module) == ("relu_1", "relu_2", "relu_3")
    assert layer_shapes(module, torch.zeros(1, 20, 124)) == {
        "relu_1": (8, 9, 25),
        "relu_2": (16, 5, 25),
        "relu_3": (24,),
    }
    assert not any(part._forward_hooks for part in module.modules())
    assert hidden_layers(mlp(FakeChoice(), hidden=(4, 5))) == ("relu_1", "relu_2")
    assert hidden_layers(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2), nn.Tanh())) == ("1",)


def test_functional_activations_fall_back_to_dense_layers():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 2)

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    assert layer_shapes(Functional(), torch.zeros(3, 4)) == {"first": (6,)}


def test_wrong_requests_are_named():
    class Line(FakeChoice):
        observation_shape = (35,)

    with pytest.raises(DnnExplainError, match=r"needs a picture .* shape \[35\]: use mlp"):
        convnet(Line())
    with pytest.raises(DnnExplainError, match="at least 1, one per layer"):
        mlp(FakeChoice(), hidden=(0,))
    with pytest.raises(DnnExplainError, match="Did you mean 'mlp'"):
        build({"name": "mpl"}, FakeChoice())
    with pytest.raises(DnnExplainError, match="cannot be made with the arguments"):
        build({"name": "mlp", "arguments": {"depth": 3}}, FakeChoice())
