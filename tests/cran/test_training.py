"""Networks and their training."""

import numpy as np
import pytest
import torch

from dnnexplain.systems.cran import CloudRan
from dnnexplain.systems.cran.networks import Alike, Report, dense
from dnnexplain.systems.cran.recordings import record
from dnnexplain.systems.cran.training import set_losses, toggle_losses, train


@pytest.mark.parametrize("action", ["toggle", "set"])
@pytest.mark.parametrize("antennas", [1, 2])
def test_a_network_that_treats_heads_alike_is_written_out_as_it_is(action, antennas):
    system = CloudRan(heads=4, users=2, antennas=antennas, action=action)
    module = Alike(system, (8, 6), seed=1)
    seen = torch.as_tensor(system.codec.observe(system.workloads("diurnal", 1, 0))[0, ::9])
    seen[:, system.codec.awake] = (torch.arange(4) % 2).float()
    assert torch.allclose(module(seen), module.dense()(seen), atol=1e-5)
    # exchanging two heads exchanges their outputs
    swapped = seen.clone()
    gain = seen[:, system.codec.gain].reshape(len(seen), 2, 4, antennas)
    swapped[:, system.codec.gain] = gain[:, :, [1, 0, 2, 3]].reshape(len(seen), -1)
    swapped[:, system.codec.awake] = seen[:, system.codec.awake][:, [1, 0, 2, 3]]
    first = 1 if action == "toggle" else 0
    order = [*range(first), first + 1, first, first + 2, first + 3]
    assert torch.allclose(module(swapped), module(seen)[:, order], atol=1e-5)


def test_a_report_leaves_out_places_and_phases(toggling):
    report = Report(toggling)
    seen = torch.as_tensor(toggling.codec.observe(toggling.workloads("diurnal", 1, 0))[0])
    changed = seen.clone()
    changed[:, toggling.codec.phase] = 0
    changed[:, toggling.codec.place] = 0
    assert torch.equal(report(seen), report(changed))
    assert report(seen).shape == (96, 1 + 2 + 10 + 5)
    assert report(seen).abs().max() < 5
    assert dense(toggling)(seen).shape == (96, 6)


def test_losses_are_means_over_drawn_actions():
    worse = torch.tensor([[0.0, 6.0, 3.0, 9.0]])
    outputs = torch.tensor([[1.0, 0.0, -1.0, 2.0]])
    likely = torch.exp(outputs) / torch.exp(outputs).sum()
    assert toggle_losses(outputs, worse)[1].item() == pytest.approx((likely * worse).sum().item())
    table = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    logits = torch.tensor([[0.5, -1.5]])
    p, q = torch.sigmoid(logits[0])
    expected = (1 - p) * (1 - q) * 0 + p * (1 - q) * 6 + (1 - p) * q * 3 + p * q * 9
    assert set_losses(table)(logits, worse)[1].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_recordings_know_what_any_policy_costs(action):
    system = CloudRan(heads=3, action=action)
    data = record(system, 5, 0, lambda *_: None)
    rule = system.rules()["greedy"]
    table = data.awake

    def decide(shown):
        rows = np.repeat(shown, 8, axis=0)
        rows[:, system.codec.awake] = np.tile(table, (len(shown), 1))
        from dnnexplain.systems.cran.actions import after

        before = np.tile(np.arange(8), len(shown))
        return after(system.output, before, system.output.decide(rule.outputs(rows))).reshape(-1, 8)

    value = data.value(decide, slice(None))
    from dnnexplain.systems.cran.days import draw_days
    from dnnexplain.systems.cran.recordings import FAMILIES

    days = [draw_days(system.scene, family, 1, [0, k])[0] for k, family in enumerate(FAMILIES)]
    costs = system.run(rule, days).cost
    best = system.run_optimum(days).cost
    assert (value[:, 0, 7] - data.ahead[:, 0, 7]) / 96 == pytest.approx(costs - best, abs=1e-3)


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_training_resumes_and_improves(action, tmp_path):
    system = CloudRan(heads=3, users=1, action=action)
    options = {"days": 80, "steps": 150, "rounds": 1}
    told = []
    module, story = train(system, options, tmp_path / "net.safetensors", lambda *row: told.append(row))
    again, _ = train(system, options, tmp_path / "net.safetensors", lambda *_: None)
    seen = torch.as_tensor(system.codec.observe(system.workloads("diurnal", 1, 0))[0])
    assert torch.equal(module(seen), again(seen))  # the checkpoint holds the end
    assert "80 generated days" in story["workload"]
    assert any("recorded" in text for *_, text in told)
