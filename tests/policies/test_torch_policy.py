"""TorchPolicy: what it accepts, what it computes, and what it says of a network that does not fit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import Discrete, DnnExplainError, NetworkPolicy
from dnnexplain.policies import TorchPolicy, mlp, weights_hash
from dnnexplain.policies import torch_policy as module_under_test
from tests.fakes import FakeChoice, FakeSystem, linear_network

EVERY = np.array([[left, right] for left in range(6) for right in range(4)], dtype=np.float64)


class TenSlots(FakeChoice):
    """Names like DeepRM's with 10 slots."""

    output = Discrete((*(f"job {i}" for i in range(1, 11)), "wait"))

    def __init__(self) -> None:
        super().__init__()
        self.parameters = {"slots": 10, "horizon": 20, "units": 10}

    def valid_actions(self, observations):
        return np.ones((len(observations), 11), dtype=bool)


class Seen(nn.Module):
    """Any function as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def states(system) -> np.ndarray:
    return system.encode(EVERY)


def test_outputs_are_weights_times_input():
    system, rng = FakeSystem(), np.random.default_rng(3)
    weights, bias = rng.normal(size=(2, 4)), rng.normal(size=2)
    policy = TorchPolicy(linear_network(system, weights, bias), system)
    seen = system.encode(rng.uniform([-1, 0], [1, 6], size=(50, 2)))
    np.testing.assert_allclose(policy.outputs(seen), seen.reshape(50, 4) @ weights.T + bias, atol=1e-5)
    assert policy.outputs(seen).dtype == np.float64
    assert isinstance(policy, NetworkPolicy)
    assert (policy.name, TorchPolicy(mlp(system), system).name) == ("sequential", "mlp")
    assert policy.note == ""


def test_bytes_floats_and_views_give_the_same_outputs():
    system = FakeChoice()
    policy, seen = TorchPolicy(linear_network(system), system), states(system)
    frozen = seen.copy()
    frozen.setflags(write=False)
    expected = policy.outputs(seen)
    for other in (seen.astype(np.uint8), seen.astype(np.float64), seen.astype(bool), frozen):
        np.testing.assert_array_equal(policy.outputs(other), expected)
    np.testing.assert_allclose(policy.outputs(seen[::-1]), expected[::-1], atol=1e-6)
    assert policy.outputs(seen[:0]).shape == (0, 3)


def test_chunks_do_not_show(monkeypatch):
    system = FakeChoice()
    policy = TorchPolicy(mlp(system), system)
    whole = policy.outputs(states(system))
    monkeypatch.setattr(module_under_test, "CHUNK_NUMBERS", 5 * 35)
    sizes = []
    policy.module.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    np.testing.assert_allclose(policy.outputs(states(system)), whole, atol=1e-7)
    assert max(sizes) == 5
    assert sum(sizes) == 24


def test_invalid_actions_get_no_probability_only_when_masked():
    system = FakeChoice()
    module, seen = linear_network(system), states(system)
    valid = system.valid_actions(seen)
    masked, free = (TorchPolicy(module, system, masked=flag).probabilities(seen) for flag in (True, False))
    assert (masked[~valid] == 0).all()
    assert (free > 0).all()
    np.testing.assert_allclose(masked.sum(1), 1)
    np.testing.assert_allclose(masked, np.where(valid, free, 0) / np.where(valid, free, 0).sum(1, keepdims=True))


def test_a_vector_output_has_no_probabilities():
    policy = TorchPolicy(linear_network(FakeSystem()), FakeSystem())
    with pytest.raises(DnnExplainError, match=r"emits 2 numbers, not a choice; use outputs\(\)"):
        policy.probabilities(np.zeros((1, 2, 2)))


def test_the_users_module_is_left_alone():
    system = FakeChoice()
    module = nn.Sequential(nn.Flatten(), nn.Linear(35, 8), nn.Dropout(0.5), nn.Linear(8, 3)).double().train()
    policy = TorchPolicy(module, system)
    assert module.training
    assert next(module.parameters()).dtype == torch.float64
    assert not policy.module.training
    before, hashed = policy.outputs(states(system)), policy.checkpoint
    with torch.no_grad():
        module[1].weight.add_(1.0)
    np.testing.assert_array_equal(policy.outputs(states(system)), before)
    assert hashed == weights_hash(policy.module) != TorchPolicy(module, system).checkpoint


def test_copies_share_no_network():
    system = FakeChoice()
    policy = TorchPolicy(linear_network(system), system, name="mine")
    twin = policy.copy()
    calls = []
    twin.module.register_forward_hook(lambda *_: calls.append(1))
    policy.outputs(states(system))
    assert not calls
    assert (twin.name, twin.checkpoint, twin.system) == (policy.name, policy.checkpoint, policy.system)
    back = pickle.loads(pickle.dumps(policy))
    np.testing.assert_array_equal(back.outputs(states(system)), policy.outputs(states(system)))


@pytest.mark.parametrize(
    ("module", "note"),
    [
        (nn.Linear(35, 3), "flattened to 35 numbers"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(30, 3)), "channel axis"),
        (nn.Sequential(nn.Conv1d(5, 2, 3), nn.Flatten(), nn.Linear(10, 3)), ""),
    ],
)
def test_flat_image_and_natural_inputs_are_accepted(module, note):
    system = FakeChoice()
    policy = TorchPolicy(module, system)
    assert note in policy.note
    assert bool(note) == bool(policy.note)
    seen = states(system)
    given = {"f": seen.reshape(24, 35), "c": seen[:, None], "": seen}[next((c for c in "fc" if note.startswith(c)), "")]
    with torch.no_grad():
        np.testing.assert_array_equal(policy.outputs(seen), module(torch.from_numpy(given)).numpy())
        assert policy.module(torch.from_numpy(seen)).shape == (24, 3)
    assert policy.checkpoint == weights_hash(module)


def test_a_final_softmax_layer_is_removed():
    system, logits = FakeChoice(), linear_network(FakeChoice())
    policy = TorchPolicy(nn.Sequential(logits, nn.Softmax(dim=1)), system)
    assert "final softmax layer was removed" in policy.note
    np.testing.assert_allclose(policy.outputs(states(system)), TorchPolicy(logits, system).outputs(states(system)))


def test_probabilities_of_a_softmax_inside_become_logarithms():
    system, logits = FakeChoice(), linear_network(FakeChoice())
    policy = TorchPolicy(Seen(lambda x: torch.softmax(logits(x), 1)), system)
    assert "outputs are their logarithms" in policy.note
    plain = TorchPolicy(logits, system)
    np.testing.assert_allclose(policy.probabilities(states(system)), plain.probabilities(states(system)), atol=1e-6)


def test_hard_zero_probabilities_stay_finite():
    system = FakeChoice()
    policy = TorchPolicy(Seen(lambda x: torch.eye(3)[torch.zeros(len(x), dtype=torch.long)]), system)
    assert np.isfinite(policy.outputs(states(system))).all()


def test_a_vector_output_that_sums_to_one_is_left_alone():
    module = nn.Sequential(linear_network(FakeSystem()), nn.Softmax(dim=1))
    policy = TorchPolicy(module, FakeSystem())
    np.testing.assert_allclose(policy.outputs(np.ones((2, 2, 2))).sum(1), 1, atol=1e-6)
    assert policy.note == ""


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(4, 3), nn.Linear(35, 3)

    def forward(self, x, state):
        return self.last(x.flatten(1)) + self.inner(state)


def test_wrong_number_of_outputs_says_what_to_pass():
    message = r"gave 6 outputs, fake-gate has 11 actions \(10 jobs and wait\); was it trained with 5 slots\? Then set slots to 5"
    with pytest.raises(DnnExplainError, match=message):
        TorchPolicy(nn.Linear(35, 6), TenSlots())
    with pytest.raises(DnnExplainError, match=r"takes 20 numbers and gave 6 outputs.*set slots to 5"):
        TorchPolicy(nn.Linear(20, 6), TenSlots())


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(7, 3), r"first layer takes 7 numbers, fake-gate shows 35 \(5 x 7\)"),
        (Seen(lambda x: (x, x)), r"2 things \(tuple\); return the scores alone"),
        (Seen(lambda x: {"logits": x}), "a dict; return one tensor"),
        (Seen(lambda x: torch.distributions.Categorical(logits=x)), r"a Categorical; .* return net\(x\)\.logits"),
        (Seen(lambda x: (torch.distributions.Normal(x, 1.0), x)), r"2 things .* return net\(x\)\[0\]\.loc"),
        (Seen(lambda x: (torch.distributions.Normal(x, 1.0),)), r"1 thing .* return net\(x\)\[0\]\.loc"),
        (Seen(lambda x: [x]), r"1 thing \(list\); return the scores alone, e.g. wrap it: return net\(x\)\[0\]"),
        (Remembering(), r"forward\(\) needs more than the observation, 'state'; .* a hidden state of zeros"),
        (Seen(lambda x: x.flatten(1)[:, :3].long()), "whole numbers .* before argmax"),
        (Seen(lambda x: x.flatten(1)[:, :3] * float("nan")), "NaN or infinite"),
        (Seen(lambda x: x.flatten(1)[:, :3] - x.mean()), "depends on the other states of the batch"),
        (Seen(lambda _: 1 / 0), "ZeroDivisionError: division by zero"),
        (Seen(lambda x: x.flatten(1)[:, :3].numpy()), "a ndarray; return one tensor"),
    ],
)
def test_what_does_not_fit_is_named(module, message):
    with pytest.raises(DnnExplainError, match=message):
        TorchPolicy(module, FakeChoice())


def test_nan_weights_are_named():
    module = linear_network(FakeChoice())
    with torch.no_grad():
        module[1].weight[0, :2] = float("nan")
    with pytest.raises(DnnExplainError, match=r"'1.weight' holds 2 values that are NaN"):
        TorchPolicy(module, FakeChoice())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_quantised_weights_are_named():
    module = nn.Sequential(nn.Flatten(), nn.Linear(35, 3))
    module.register_buffer("small", torch.quantize_per_tensor(torch.rand(3, 35), 0.1, 0, torch.qint8))
    with pytest.raises(DnnExplainError, match=r"'small' holds quantised weights"):
        TorchPolicy(module, FakeChoice())


def test_a_lazy_layer_that_saw_no_input_is_named():
    with pytest.raises(DnnExplainError, match=r"'1\.weight' has no weights yet"):
        TorchPolicy(nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), FakeChoice())


def test_other_things_than_modules_are_refused():
    with pytest.raises(DnnExplainError, match=r"takes a torch\.nn\.Module, not a OrderedDict; .*load_any"):
        TorchPolicy(nn.Linear(2, 2).state_dict(), FakeChoice())


def test_wrong_observations_are_named():
    policy = TorchPolicy(linear_network(FakeChoice()), FakeChoice())
    with pytest.raises(DnnExplainError, match=r"must be \[B, 5, 7\], not \[5, 7\]; .* observation\[None\]"):
        policy.outputs(np.zeros((5, 7)))
    with pytest.raises(DnnExplainError, match=r"not \[2, 7, 5\]"):
        policy.outputs(np.zeros((2, 7, 5)))
    with pytest.raises(DnnExplainError, match="real numbers"):
        policy.outputs(np.zeros((1, 5, 7), dtype=complex))


def test_the_hash_tells_weights_apart_and_forgets_names():
    first, same, other = mlp(FakeChoice(), seed=0), mlp(FakeChoice(), seed=0), mlp(FakeChoice(), seed=1)
    assert weights_hash(first) == weights_hash(same) != weights_hash(other)
    renamed = nn.Sequential(*first)
    assert weights_hash(renamed) == weights_hash(first)
    assert len(weights_hash(first)) == 64


def test_a_network_that_reads_parts_by_name_is_told_what_it_is_shown():
    class OfParts(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, observation):
            return self.layer(observation["stock"])

    with pytest.raises(DnnExplainError, match=r"by the names of its parts \('stock'\), .* shows one array"):
        TorchPolicy(OfParts(), FakeChoice())
