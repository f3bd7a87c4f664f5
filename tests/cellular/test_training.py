"""The cell in torch, and training through it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dnnexplain.contract import DnnExplainError  # noqa: E402 - torch first
from dnnexplain.systems.cellular import CellularSystem  # noqa: E402
from dnnexplain.systems.cellular.networks import Whitened, actor_stack  # noqa: E402
from dnnexplain.systems.cellular.teachers import Ceiling, read_teachers  # noqa: E402
from dnnexplain.systems.cellular.tensors import TorchCell, TorchDays, between  # noqa: E402
from dnnexplain.systems.cellular.training import train  # noqa: E402

OPTIONS = {"iterations": 8, "days": 4, "batch": 8, "learning_rate": 0.01, "family": "mixed", "seed": 1}


@pytest.fixture(scope="module")
def small():
    return CellularSystem(minutes=90, decay=4.0, added=0.1)


class Actor:
    """A module as a policy."""

    name = "actor"

    def __init__(self, module):
        self.module = module

    def outputs(self, observations):
        with torch.no_grad():
            return self.module(torch.as_tensor(observations)).double().numpy()


def whole(system, actor, days, count):
    zero = torch.zeros(count, dtype=torch.long)
    loads = torch.zeros(count, system.layout.history)
    return system.tensors.play(actor, days, torch.arange(count), zero, loads, system.layout.minutes)


def constant(rate):
    return lambda seen: rate.expand(len(seen), 1)


@pytest.mark.parametrize(
    "constants",
    [{}, {"throughput": "inverse"}, {"users_follow": True, "limit_weight": 3.0}, {"snapping": True, "decay": 0.0}],
)
def test_days_in_torch_bring_what_the_simulator_says(constants):
    system = CellularSystem(minutes=60, **constants)
    days = system.workloads("mixed", 3, 1)
    network = actor_stack(len(system.knobs), (8,), seed=2)
    run = system.run(Actor(network), days)
    rewards, rates, loads = whole(system, network, TorchDays(system.stack(days), system.layout), 3)
    assert rewards.sum(dim=1).detach().numpy() == pytest.approx(run.metrics["reward"], rel=1e-4)
    assert rates.detach().numpy() == pytest.approx(run.detail.rates, abs=1e-4)
    assert loads.detach().numpy() == pytest.approx(run.detail.load, abs=1e-4)


def test_gradients_through_days_are_differences_of_rewards():
    system = CellularSystem(minutes=20)
    days = TorchDays(system.stack(system.workloads("mixed", 1, 1)), system.layout)

    def reward(rate):
        return whole(system, constant(rate), days, 1)[0].sum()

    rate = torch.tensor(0.3, requires_grad=True)
    reward(rate).backward()
    slope = (reward(torch.tensor(0.31)) - reward(torch.tensor(0.29))) / 0.02
    assert rate.grad.item() == pytest.approx(slope.item(), rel=0.02)


@pytest.mark.parametrize("constants", [{}, {"throughput": "inverse"}, {"snapping": True, "decay": 0.0}])
def test_the_remainder_of_more_load_is_what_the_minutes_have_of_it(constants):
    system = CellularSystem(minutes=20, **constants)
    c = TorchCell(system.cell)
    rng = np.random.default_rng(2)
    own, efficiency, rates = (torch.as_tensor(rng.uniform(0.2, 0.9, (2, 12)).astype(np.float32)) for _ in range(3))
    rates[:, 7] = 0.0
    more = torch.tensor([0.1, -0.05])

    def minutes(load):
        rewards, loads = [], []
        for t in range(12):
            load = c.added_load(load, rates[:, t])
            loads.append(load)
            rewards.append(c.reward(own[:, t], efficiency[:, t], load, rates[:, t]))
        return torch.stack(rewards, dim=1), torch.stack(loads, dim=1)

    start = torch.tensor([0.2, 0.2])
    _, plain = minutes(start)
    wanted, _ = minutes(start + more)
    found = c.reward(own, efficiency, plain + c.remainder(more, rates), rates)
    assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-4, abs=1e-6)


def test_rates_are_cut_off_but_can_be_led_back():
    raw = torch.tensor([-0.5, 0.5, 1.5], requires_grad=True)
    (between(raw) * torch.tensor([-1.0, 2.0, 3.0])).sum().backward()
    assert between(raw).tolist() == [0, 0.5, 1]
    assert raw.grad.tolist() == [-1, 2, 3]
    raw.grad = None
    (between(raw) * torch.tensor([1.0, 2.0, -3.0])).sum().backward()
    assert raw.grad.tolist() == [0, 2, 0]


def test_a_folded_network_is_the_same_function_and_whitened_inputs_differ_alike(small):
    seen, _ = small.visit(small.rules()["proportional"], small.workloads("mixed", 6, 4))
    network = Whitened(actor_stack(len(small.knobs), (6, 5), seed=3), seen)
    with torch.no_grad():
        wanted = network(torch.as_tensor(seen)).numpy()
        assert network.folded()(torch.as_tensor(seen)).numpy() == pytest.approx(wanted, abs=1e-3)
        white = ((torch.as_tensor(seen) - network.middle) @ network.matrix.T).numpy()
    assert np.abs(white.mean(axis=0)).max() < 0.01
    sizes = np.linalg.eigvalsh(np.cov(white, rowvar=False))
    assert sizes.max() == pytest.approx(1, abs=0.01)


def test_a_watching_unit_is_a_line_of_one_input(small):
    seen, _ = small.visit(small.rules()["proportional"], small.workloads("mixed", 6, 4))
    network = Whitened(actor_stack(len(small.knobs), (6, 5), seed=3), seen)
    end = small.layout.start + small.layout.minutes / 60
    network.watch(2, small.layout.time, end - 0.25, 4.0)
    with torch.no_grad():
        found = network.folded().hidden_1(torch.as_tensor(seen))[:, 2].numpy()
    assert found == pytest.approx(4.0 * (seen[:, small.layout.time] - (end - 0.25)), abs=1e-3)


def test_training_improves_and_is_the_same_for_a_seed(small):
    options = {**OPTIONS, "iterations": 16}
    module, story = train(small, options, None)
    again, _ = train(small, options, None)
    for one, other in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    days = small.workloads("mixed", 6, 77)
    untrained = actor_stack(len(small.knobs), (48, 48), seed=1)
    assert small.run(Actor(module), days).cost.mean() < small.run(Actor(untrained), days).cost.mean()
    assert small.run(Actor(module), days).cost.mean() < small.run(small.rules()["always"], days).cost.mean()
    assert "14.7%" in story["limits"]


def test_a_ceiling_counts_what_our_load_adds_above_it():
    own, load = torch.tensor([0.5, 0.7, 0.9, 0.5]), torch.tensor([0.2, 0.2, 0.1, 0.0])
    assert Ceiling(0.8, 2.0).penalty(own, load).tolist() == pytest.approx([0.0, 0.2, 0.2, 0.0], abs=1e-6)
    assert read_teachers(["utilisation:0.7:5", "utilisation:0.8"]) == (Ceiling(0.7, 5.0), Ceiling(0.8, 3.0))
    assert read_teachers(None) == ()
    for wrong in ("utilisation", "utilisation:80", "utilisation:0.8:-1", "utilisation:0.8:nan", "utilisation:x"):
        with pytest.raises(DnnExplainError, match=r"utilisation:0\.8:3"):
            read_teachers([wrong])
    with pytest.raises(DnnExplainError, match="utilisation"):
        read_teachers(["utilization:0.8"])


def test_a_taught_network_keeps_below_the_ceiling(small):
    options = {**OPTIONS, "iterations": 40, "batch": 16}
    days = small.workloads("mixed", 6, 77)

    def above(module):
        run = small.run(Actor(module), days)
        own = small.stack(days).own[:, small.layout.history :]
        return np.maximum(run.detail.load - np.maximum(0.6 - own, 0), 0).sum()

    free, _ = train(small, options, None)
    taught, story = train(small, {**options, "teacher": ["utilisation:0.6:20"]}, None)
    assert above(taught) < 0.5 * above(free)
    assert story["teacher"] == "keep utilisation below 60% (strength 20)"


def test_an_unfinished_run_is_taken_up_where_it_was(small, tmp_path):
    whole, _ = train(small, OPTIONS, None)

    class Stop(Exception):  # noqa: N818 - no error
        pass

    def stop(done, _total, _text):
        if done == 5:
            raise Stop

    out = tmp_path / "mine.safetensors"
    with pytest.raises(Stop):
        train(small, OPTIONS, out, stop)
    progress = tmp_path / "mine.progress.safetensors"
    assert progress.exists()
    with pytest.raises(DnnExplainError, match="unfinished run with other settings"):
        train(small, {**OPTIONS, "seed": 2}, out)
    steps = []
    resumed, _ = train(small, OPTIONS, out, lambda done, _total, _text: steps.append(done))
    assert steps[0] == 5
    assert not progress.exists()
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    assert np.isfinite([parameter.sum().item() for parameter in resumed.parameters()]).all()
