from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import DnnExplainError, Knob, State
from dnnexplain.explain.decisions.decision import observe
from dnnexplain.explain.probing.knob_blocks import block_name, knob_blocks
from dnnexplain.explain.probing.maximal import Maximum, maximise, maximise_all
from dnnexplain.explain.probing.neurons import layer_of, neuron_activations
from dnnexplain.policies import TorchPolicy
from tests.fakes import FakeChoice, FakeSystem


def network(system, *widths, activation=nn.ReLU, seed=0):
    """Dense layers of random weights."""
    torch.manual_seed(seed)
    sizes = [int(np.prod(system.observation_shape)), *widths, len(system.output.names)]
    parts = [nn.Flatten()]
    for before, after in itertools.pairwise(sizes):
        parts += [nn.Linear(before, after), activation()]
    return TorchPolicy(nn.Sequential(*parts[:-1]), system)


def every_state(system):
    """All valid knob values ``[n, K]``, the slow way."""
    rows = np.array(list(itertools.product(*(knob.grid() for knob in system.knobs))))
    return rows[(system.repair(rows) == rows).all(axis=1)]


def small_cluster(**sizes):
    from dnnexplain.systems import make_system

    return make_system("deeprm", **sizes)


def test_the_fake_gate_equals_brute_force_over_all_its_states():
    system = FakeChoice()
    policy = network(system, 8)
    seen = neuron_activations(policy, layer_of(system, policy), system.encode(every_state(system)))
    for found in maximise_all(system, policy):
        assert found.proved
        assert found.activation == pytest.approx(seen[:, found.neuron].max(), abs=1e-6)


@pytest.mark.parametrize(
    "sizes",
    [
        {"slots": 2, "horizon": 2, "units": 2, "max_job_units": 2, "max_job_length": 1, "backlog": 1, "tracking": 1},
        {"slots": 2, "horizon": 3, "units": 1, "max_job_units": 1, "max_job_length": 2, "backlog": 2, "tracking": 1},
    ],
)
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_a_small_cluster_equals_brute_force_over_all_its_states(sizes, activation):
    system = small_cluster(**sizes)
    policy = network(system, 6, activation=activation, seed=1)
    states = every_state(system)
    assert len(states) > 10_000
    seen = neuron_activations(policy, layer_of(system, policy), system.encode(states))
    for found in maximise_all(system, policy):
        assert found.proved
        assert found.activation == pytest.approx(seen[:, found.neuron].max(), abs=1e-6)
        again = neuron_activations(policy, layer_of(system, policy), observe(system, [found.state]))
        assert again[0, found.neuron] == found.activation


def test_the_input_that_a_handmade_neuron_wants_is_found():
    system = small_cluster(slots=3)
    wanted = system.encode(system.repair(np.array([_jobs(system, (4, 7, 2), (15, 1, 10), (0, 0, 0), backlog=11)])))[0]
    policy = network(system, 2)
    weights = torch.from_numpy(np.where(wanted > 0, 1.0, -1.0).astype(np.float32)).flatten()
    with torch.no_grad():
        policy.module[1].weight[1] = weights
        policy.module[1].bias[1] = 0.5
    found = maximise(system, policy, 1)
    assert found.proved
    assert found.activation == wanted.sum() + 0.5
    np.testing.assert_array_equal(system.encode(found.state.values[None])[0], wanted)
    assert "Proved: no valid state activates neuron 1 more" in found.sentence()


def _jobs(system, *jobs, backlog):
    values = np.array([knob.start for knob in system.knobs])
    values[: 3 * len(jobs)] = np.ravel(jobs)
    values[[knob.name for knob in system.knobs].index("backlog")] = backlog
    return values


def test_a_dead_neuron_is_proved_dead():
    system = FakeChoice()
    policy = network(system, 3)
    with torch.no_grad():
        policy.module[1].bias.fill_(-100.0)
    found = maximise(system, policy, 2)
    assert (found.proved, found.activation) == (True, 0.0)
    assert "off in every valid state" in found.words


def test_deeprm_has_one_block_per_job_and_one_per_cell_row():
    system = small_cluster(slots=2)
    blocks = knob_blocks(system)
    assert blocks.separable
    assert blocks.free
    assert [block_name(system, block) for block in blocks.knobs][:3] == ["job 1", "job 2", "cpu in use at step 0"]
    assert len(blocks.knobs) == 2 + 2 * 20 + 2
    assert sorted(itertools.chain(*blocks.knobs)) == list(range(len(system.knobs)))


def test_deeper_units_are_searched_and_not_called_proved():
    system = FakeChoice()
    policy = network(system, 8, 5, seed=3)
    layer = layer_of(system, policy, "4")
    seen = neuron_activations(policy, layer, system.encode(every_state(system)))
    for neuron in range(5):
        found = maximise(system, policy, neuron, "4", restarts=4, seed=1)
        assert not found.proved
        assert found.words.startswith("Not proved")
        assert found.activation <= seen[:, neuron].max() + 1e-6
        assert found == maximise(system, policy, neuron, "4", restarts=4, seed=1)
    assert found.activation == pytest.approx(seen[:, neuron].max(), abs=1e-6)


def test_a_convolution_is_exact_too():
    system = small_cluster(slots=2, horizon=2, units=2, max_job_units=2, max_job_length=1, backlog=1, tracking=1)
    torch.manual_seed(0)
    shape = (1, *system.observation_shape)
    net = nn.Sequential(nn.Unflatten(1, (1, shape[1])), nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten())
    with torch.no_grad():
        width = net(torch.zeros(shape)).shape[1]
    policy = TorchPolicy(nn.Sequential(*net, nn.Linear(width, 3)), system)
    seen = neuron_activations(policy, layer_of(system, policy), system.encode(every_state(system)))
    for neuron in (0, width // 2, width - 1):
        found = maximise(system, policy, neuron)
        assert found.proved
        assert found.activation == pytest.approx(seen[:, neuron].max(), abs=1e-6)


def test_a_continuous_knob_that_paints_a_straight_line_is_exact():
    system = Lines()
    policy = network(system, 4)
    weight, bias = (part.detach().numpy().astype(float) for part in (policy.module[1].weight, policy.module[1].bias))
    for found in maximise_all(system, policy):
        ends = weight[found.neuron] * np.array([[-1.0, 0.0], [2.0, 3.0]])
        expected = max(0.0, ends.max(axis=0).sum() + bias[found.neuron])
        assert found.proved
        assert found.activation == pytest.approx(expected, abs=1e-5)


def test_continuous_knobs_tied_by_a_rule_are_searched():
    system = FakeSystem()
    policy = network(system, 4, seed=5)
    found = maximise(system, policy, 0)
    assert not found.proved
    assert "continuous" in found.words
    np.testing.assert_allclose(system.repair(found.state.values[None])[0], found.state.values)


def test_a_rule_across_knobs_is_kept():
    system = Capped(2)
    policy = network(system, 1)
    with torch.no_grad():
        policy.module[1].bias.fill_(0.0)
        policy.module[1].weight.copy_(torch.tensor([[2.0, 1.0]]))
    found = maximise(system, policy, 0)
    assert (found.proved, found.activation, found.state.values.tolist()) == (True, 9.0, [4, 1])


def test_a_rule_across_too_many_knobs_gives_a_limit_and_a_proof_where_that_is_reached():
    system = Capped(9)
    blocks = knob_blocks(system)
    assert blocks.knobs == (tuple(range(9)),)
    assert blocks.loose
    assert len(blocks.parts) == 9
    policy = network(system, 1)
    with torch.no_grad():
        policy.module[1].bias.fill_(0.0)
        policy.module[1].weight.fill_(1.0)
    tied = maximise(system, policy, 0)
    assert (tied.proved, tied.bound, tied.activation) == (False, 36.0, 5.0)
    assert "limit of the weighted input is 36" in tied.words
    with torch.no_grad():
        policy.module[1].weight[0, 1:] = -1.0
    free = maximise(system, policy, 0)
    assert (free.proved, free.activation, free.state.values.tolist()) == (True, 4.0, [4] + [0] * 8)


def test_a_search_can_be_cancelled_and_reports_its_progress():
    system = FakeChoice()
    policy = network(system, 8, 5)
    told = []
    maximise(system, policy, 0, "4", restarts=3, progress=told.append)
    assert told[-1] == 1.0
    assert told == sorted(told)
    cancel = threading.Event()
    cancel.set()
    stopped = maximise(system, policy, 0, "4", cancel=cancel)
    assert "stopped early" in stopped.words


def test_a_maximum_is_saved_and_read_back():
    system = FakeChoice()
    found = maximise(system, network(system, 3), 1)
    again = Maximum.from_json(found.to_json())
    assert again == found
    assert isinstance(again.state, State)


def test_a_neuron_that_is_not_there():
    system = FakeChoice()
    with pytest.raises(DnnExplainError, match="numbered 0 to 2; there is no neuron 3"):
        maximise(system, network(system, 3), 3)


class Lines(FakeSystem):
    """Two independent continuous knobs, each painted as it is."""

    name = "lines"
    knobs = (Knob("a", "", -1.0, 2.0, step=None), Knob("b", "", 0.0, 3.0, step=None))
    observation_shape = (2,)

    def encode(self, values, background=None):
        return np.asarray(values, dtype=np.float32)

    def decode(self, observations):
        return np.asarray(observations, dtype=np.float64)

    def repair(self, values):
        return np.clip(values, [-1.0, 0.0], [2.0, 3.0])


class Capped(Lines):
    """Counts of at most 4, whose sum may not exceed 5; later ones give way."""

    name = "capped"

    def __init__(self, count):
        super().__init__()
        self.knobs = tuple(Knob(f"count {i}", "", 0, 4) for i in range(count))
        self.observation_shape = (count,)

    def repair(self, values):
        fixed = np.clip(np.round(values), 0, 4)
        before = np.cumsum(fixed, axis=1) - fixed
        return np.minimum(fixed, np.maximum(5 - before, 0))
