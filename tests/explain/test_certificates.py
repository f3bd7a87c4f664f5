"""A proof speaks of the network as it runs, or it is none: every kind of network that once had a false one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from dnnexplain.explain.probing.affine import affine_input
from dnnexplain.explain.probing.maximal import maximise, maximise_all
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.explain.probing.thresholds import curve
from dnnexplain.explain.proofs import Claim, certify
from dnnexplain.explain.proofs.certificate import Sense
from dnnexplain.explain.proofs.maximum import certify_maximum
from dnnexplain.policies import TorchPolicy
from tests.explain.test_maximal import every_state
from tests.fakes import FakeChoice

GATE = FakeChoice()
UNITS = 6


class Own(nn.Module):
    """An activation function of the user's own: falls before it rises."""

    def forward(self, x):
        return x * torch.sigmoid(4 * x)


class Whole(nn.Module):
    """The same, made of a module of torch."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Sigmoid()

    def forward(self, x):
        return x * self.gate(4 * x)


class Derived(nn.ReLU):
    """A ReLU by name only."""

    def forward(self, input):  # noqa: A002 - torch's own name
        return -super().forward(input)


class Between(nn.Module):
    """``function`` stands between a dense layer and its activation module."""

    def __init__(self, function):
        super().__init__()
        self.a, self.skip = nn.Linear(35, UNITS), nn.Linear(35, UNITS)
        self.act, self.b = nn.ReLU(), nn.Linear(UNITS, 3)
        self.function = function

    def forward(self, x):
        x = x.flatten(1)
        return self.b(self.act(self.function(self, x)))


def stack(*middle):
    """A dense layer, some modules, a dense layer."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(35, UNITS), *middle, nn.Linear(UNITS, 3)).eval()


def normalised(kind):
    """A normalisation whose scales have both signs, as after training."""
    part = kind(UNITS)
    with torch.no_grad():
        part.weight.copy_(torch.linspace(-1.5, 1.5, UNITS))
        part.bias.copy_(torch.linspace(-0.3, 0.3, UNITS))
        if hasattr(part, "running_mean"):
            part.running_mean.fill_(0.2)
            part.running_var.fill_(0.4)
    return part


def between(function):
    """See :class:`Between`."""
    torch.manual_seed(4)
    return Between(function).eval()


MODULES = {
    "batch norm": (lambda: stack(normalised(nn.BatchNorm1d), nn.ReLU()), "4"),
    "layer norm": (lambda: stack(normalised(nn.LayerNorm), nn.ReLU()), "4"),
    "threshold that falls": (lambda: stack(nn.Threshold(0.2, 5.0)), "2"),
    "threshold that rises": (lambda: stack(nn.Threshold(0.2, 0.0)), "2"),
    "elu upside down": (lambda: stack(nn.ELU(alpha=-2.0)), "2"),
    "own function": (lambda: stack(Own()), "2"),
    "own function of modules": (lambda: stack(Whole()), "2"),
    "derived from relu": (lambda: stack(Derived()), "2"),
    "functional layer norm": (lambda: between(lambda n, x: F.layer_norm(n.a(x), (UNITS,))), "act"),
    "one minus": (lambda: between(lambda n, x: 1 - n.a(x)), "act"),
    "square": (lambda: between(lambda n, x: _square(n.a(x))), "act"),
    "sum of branches": (lambda: between(lambda n, x: n.skip(x) + n.a(x)), "act"),
    "branch with a bend": (lambda: between(lambda n, x: F.relu(n.skip(x) - 1.0) + n.a(x)), "act"),
    "absolute value": (lambda: between(lambda n, x: n.a(x).abs()), "act"),
}
"""Networks, and the name of the module after which a neuron is read."""
STRAIGHT = {"batch norm", "threshold that rises", "one minus", "sum of branches"}
"""Those whose neurons' inputs are weighted sums under a rising function: proofs are due."""


def _square(h):
    return 2 * h - h * h


def truth(policy, name, rows):
    """The activations by a hook of the test's own ``[n, units]``."""
    seen = []
    net = copy.deepcopy(policy.module)
    dict(net.named_modules())[name].register_forward_hook(lambda _m, _i, out: seen.append(out.detach()))
    with torch.no_grad():
        net(torch.from_numpy(GATE.encode(rows)))
    return seen[0].numpy()


def _name(policy, name):
    """A module's name inside the policy's network, which may be wrapped."""
    return next(known for known, _ in policy.module.named_modules() if known == name or known.endswith(f".{name}"))


@pytest.mark.parametrize("kind", MODULES)
def test_a_maximum_is_that_of_the_network_as_it_runs(kind):
    make, name = MODULES[kind]
    if kind in {"batch norm", "layer norm"}:
        name = "3"
    policy = TorchPolicy(make(), GATE)
    rows = every_state(GATE)
    real = truth(policy, _name(policy, name), rows)
    layer = layer_of(GATE, policy)
    assert layer.name == _name(policy, name)
    assert repr(layer.name) in layer.measured
    np.testing.assert_allclose(neuron_activations(policy, layer, GATE.encode(rows)), real, atol=1e-6)
    for found in maximise_all(GATE, policy, restarts=4):
        top = float(real[:, found.neuron].max())
        assert found.activation == pytest.approx(top, abs=1e-5)  # 36 states: a search finds it, too
        assert found.proved == (kind in STRAIGHT), found.words
        assert layer.measured in found.sentence()
        if found.proved:
            assert found.certificate is not None
            assert found.certificate.holds
            assert found.certificate.checked <= found.certificate.tolerance


def test_what_bends_the_sum_is_named():
    policy = TorchPolicy(MODULES["branch with a bend"][0](), GATE)
    assert "Relu" in maximise(GATE, policy, 0).words
    falls = TorchPolicy(MODULES["elu upside down"][0](), GATE)
    assert "more input does not always mean more activation" in maximise(GATE, falls, 0).words


def test_a_bend_that_no_sampled_state_meets_is_still_no_proof():
    policy = TorchPolicy(between(lambda n, x: F.relu(n.skip(x) - 100.0) + n.a(x)), GATE)
    assert not maximise(GATE, policy, 0).proved


def test_thresholds_are_those_of_the_activation_after_its_normalisation():
    policy = TorchPolicy(MODULES["batch norm"][0](), GATE)
    for neuron in range(UNITS):
        found = curve(GATE, policy, neuron, "left queue")
        rows = np.repeat(GATE.repair(np.array([[knob.start for knob in GATE.knobs]])), len(found.values), axis=0)
        rows[:, 0] = found.values
        np.testing.assert_allclose(
            found.activation, truth(policy, layer_of(GATE, policy).name, rows)[:, neuron], atol=1e-6
        )
        assert "ReLU" in found.measured
        assert "BatchNorm1d" in found.measured


def test_a_certificate_is_refused_for_another_network():
    policy, other = (TorchPolicy(stack(nn.ReLU()), GATE) for _ in range(2))
    layer = layer_of(GATE, policy)
    affine, why = affine_input(GATE, policy, layer, (0,))
    assert affine is not None
    assert not why
    found = maximise(GATE, policy, 0)
    with torch.no_grad():
        other.module[1].weight[0] += 0.5
    claim = (affine, 0, found.state.values, found.weighted_input)
    assert certify_maximum(GATE, policy, layer, 0, *claim).holds
    refused = certify_maximum(GATE, other, layer_of(GATE, other), 0, *claim)
    assert not refused.holds
    assert refused.sentence().startswith("No proof: ")


def test_a_network_that_answers_by_chance_has_no_proof():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.loud = stack(nn.ReLU()), False

        def forward(self, x):
            return self.inner(x) + (torch.rand(len(x), 3) if self.loud else 0)

    policy = TorchPolicy(Noisy(), GATE)
    assert maximise(GATE, policy, 0).proved
    next(part for part in policy.module.modules() if isinstance(part, Noisy)).loud = True
    found = maximise(GATE, policy, 0)
    assert not found.proved
    assert "the network as it runs gives" in found.words


@pytest.mark.parametrize(
    ("model", "network", "value", "sense", "said"),
    [
        (lambda v: v[:, 0], lambda v: v[:, 0], 1.0, Sense.AT_MOST, ""),
        (lambda v: v[:, 0], lambda v: v[:, 0] + 0.1, 1.0, Sense.AT_MOST, "the proof's model gives"),
        (lambda v: v[:, 0], lambda v: v[:, 0], 0.5, Sense.AT_MOST, "where the claim is at most 0.5"),
        (lambda v: v[:, 0], lambda v: v[:, 0], 2.0, Sense.AT_MOST, "that should attain 2 gives 1"),
        (lambda v: v[:, 0], lambda v: v[:, 0], 0.5, Sense.AT_LEAST, "where the claim is at least 0.5"),
        (lambda v: v, lambda v: v[:, 0], None, Sense.EQUAL, "shape"),
        (lambda v: v[:, 0], lambda v: v[:, 0] * np.nan, None, Sense.EQUAL, "not finite"),
    ],
)
def test_a_certificate_says_why_it_does_not_hold(model, network, value, sense, said):
    states = np.linspace(0.0, 1.0, 5)[:, None]
    found = certify(Claim("it is so", value, sense), model, network, states, np.array([1.0]))
    assert found.holds == (not said)
    assert said in found.reason
    assert found.states == 6
