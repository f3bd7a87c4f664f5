"""The cell in torch, and training through it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dnnexplain.contract import DnnExplainError  # noqa: E402 - torch first
from dnnexplain.systems.cellular import CellularSystem  # noqa: E402
from dnnexplain.systems.cellular.networks import Scaled, actor_stack  # noqa: E402
from dnnexplain.systems.cellular.tensors import TorchCell, TorchDays, between  # noqa: E402
from dnnexplain.systems.cellular.training import train  # noqa: E402

OPTIONS = {"iterations": 8, "days": 4, "batch": 8, "learning_rate": 0.01, "family": "mixed", "seed": 1}


@pytest.fixture(scope="module")
def small():
    return CellularSystem(minutes=90, decay=4.0, added=0.1)


@pytest.mark.parametrize(
    "constants",
    [{}, {"throughput": "inverse"}, {"users_follow": True, "limit_weight": 3.0}, {"snapping": True, "decay": 0.0}],
)
def test_days_in_torch_bring_what_the_simulator_says(constants):
    system = CellularSystem(minutes=60, **constants)
    days = system.workloads("mixed", 3, 1)
    network = Scaled(actor_stack(len(system.knobs), (8,), seed=2), system.knobs)

    class Actor:
        name = "actor"

        def outputs(self, observations):
            with torch.no_grad():
                return network(torch.as_tensor(observations)).double().numpy()

    run = system.run(Actor(), days)
    tensors = TorchDays(system.stack(days), system.layout)
    zero = torch.zeros(3, dtype=torch.long)
    rewards = TorchCell(system.cell).play(network, tensors, torch.arange(3), zero, torch.zeros(3), 60)
    assert rewards.sum(dim=1).detach().numpy() == pytest.approx(run.metrics["reward"], rel=1e-4)


def test_gradients_through_days_are_differences_of_rewards():
    system = CellularSystem(minutes=20)
    tensors = TorchDays(system.stack(system.workloads("mixed", 1, 1)), system.layout)
    zero = torch.zeros(1, dtype=torch.long)

    def reward(rate):
        return system.tensors.play(
            lambda seen: rate.expand(len(seen), 1), tensors, zero, zero, torch.zeros(1), 20
        ).sum()

    rate = torch.tensor(0.3, requires_grad=True)
    reward(rate).backward()
    slope = (reward(torch.tensor(0.31)) - reward(torch.tensor(0.29))) / 0.02
    assert rate.grad.item() == pytest.approx(slope.item(), rel=0.02)


def test_in_the_tail_only_consequences_have_a_gradient():
    system = CellularSystem(minutes=20)
    tensors = TorchDays(system.stack(system.workloads("mixed", 1, 1)), system.layout)
    zero = torch.zeros(1, dtype=torch.long)
    rate = torch.tensor(0.3, requires_grad=True)
    rewards = system.tensors.play(
        lambda seen: rate.expand(len(seen), 1), tensors, zero, zero, torch.zeros(1), 5, tail=4
    )
    rewards.sum().backward()
    first = torch.tensor(0.3, requires_grad=True)
    fixed = torch.full((1, 1), 0.3)
    calls = iter([first.expand(1, 1), fixed, fixed, fixed, fixed])
    system.tensors.play(lambda _: next(calls), tensors, zero, zero, torch.zeros(1), 5).sum().backward()
    assert rate.grad.item() == pytest.approx(first.grad.item(), rel=1e-5)


def test_rates_are_cut_off_but_can_be_led_back():
    raw = torch.tensor([-0.5, 0.5, 1.5], requires_grad=True)
    (between(raw) * torch.tensor([-1.0, 2.0, 3.0])).sum().backward()
    assert between(raw).tolist() == [0, 0.5, 1]
    assert raw.grad.tolist() == [-1, 2, 3]
    raw.grad = None
    (between(raw) * torch.tensor([1.0, 2.0, -3.0])).sum().backward()
    assert raw.grad.tolist() == [0, 2, 0]


def test_a_folded_network_is_the_same_function(small):
    network = Scaled(actor_stack(len(small.knobs), (6, 5), seed=3), small.knobs)
    seen, _ = small.visit(small.rules()["proportional"], small.workloads("mixed", 2, 4))
    with torch.no_grad():
        wanted = network(torch.as_tensor(seen)).numpy()
        assert network.folded()(torch.as_tensor(seen)).numpy() == pytest.approx(wanted, abs=1e-4)


def test_training_improves_and_is_the_same_for_a_seed(small):
    options = {**OPTIONS, "iterations": 24}
    module, story = train(small, options, None)
    again, _ = train(small, options, None)
    for one, other in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    days = small.workloads("mixed", 6, 77)

    class Actor:
        name = "actor"

        def __init__(self, network):
            self.network = network

        def outputs(self, observations):
            with torch.no_grad():
                return self.network(torch.as_tensor(observations)).double().numpy()

    untrained = Scaled(actor_stack(len(small.knobs), (48, 48), seed=1), small.knobs).folded()
    assert small.run(Actor(module), days).cost.mean() < small.run(Actor(untrained), days).cost.mean()
    assert "14.7%" in story["limits"]


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
