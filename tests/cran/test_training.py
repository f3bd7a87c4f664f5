"""Networks and their training."""

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.cran import CloudRan, training, visited_training
from dnnexplain.systems.cran.networks import TOLD, Alike, Report, dense
from dnnexplain.systems.cran.power import powers_of_sets, slot_power
from dnnexplain.systems.cran.recordings import record
from dnnexplain.systems.cran.training import _turned, set_losses, toggle_losses, train


@pytest.mark.parametrize("action", ["toggle", "set"])
@pytest.mark.parametrize(("users", "antennas"), [(1, 1), (2, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("told", TOLD)
def test_a_network_that_treats_heads_alike_is_written_out_as_it_is(action, users, antennas, told):
    system = CloudRan(heads=4, users=users, antennas=antennas, action=action)
    module = Alike(system, (8, 6), seed=1, told=told)
    seen = torch.as_tensor(system.codec.observe(system.workloads("diurnal", 1, 0))[0, ::9])
    seen[:, system.codec.awake] = (torch.arange(4) % 2).float()
    assert torch.allclose(module(seen), module.dense()(seen), atol=1e-5)
    # exchanging two heads exchanges their outputs
    swapped = seen.clone()
    for part in (system.codec.gain, system.codec.phase):
        links = seen[:, part].reshape(len(seen), users, 4, antennas)
        swapped[:, part] = links[:, :, [1, 0, 2, 3]].reshape(len(seen), -1)
    swapped[:, system.codec.awake] = seen[:, system.codec.awake][:, [1, 0, 2, 3]]
    first = 1 if action == "toggle" else 0
    order = [*range(first), first + 1, first, first + 2, first + 3]
    assert torch.allclose(module(swapped), module(seen)[:, order], atol=1e-5)


def test_a_report_of_gains_leaves_out_places_and_phases(toggling):
    report = Report(toggling, "gains")
    seen = torch.as_tensor(toggling.codec.observe(toggling.workloads("diurnal", 1, 0))[0])
    changed = seen.clone()
    changed[:, toggling.codec.phase] = 0
    changed[:, toggling.codec.place] = 0
    assert torch.equal(report(seen), report(changed))
    assert report(seen).shape == (96, 1 + 2 + 10 + 5)
    assert report(seen).abs().max() < 5
    assert dense(toggling)(seen).shape == (96, 6)
    with pytest.raises(DnnExplainError, match="told"):
        Report(toggling, "phases")


def test_a_report_of_channels_tells_how_the_phases_of_two_users_differ():
    system = CloudRan(heads=3, users=3, antennas=2)
    codec, day = system.codec, system.workloads("walk", 1, 0)[0]
    seen = torch.as_tensor(codec.observe([day])[0])
    told = Report(system, "channels")(seen)[:, len(Report(system, "gains").cells) :]
    turn = np.deg2rad(day.phase)  # [T, U, N]
    pairs = np.stack([turn[:, a] - turn[:, b] for a, b in ((0, 1), (0, 2), (1, 2))], axis=2).reshape(len(day), -1)
    assert np.allclose(told, np.concatenate([np.cos(pairs), np.sin(pairs)], axis=1), atol=1e-5)


def test_what_training_turns_changes_no_power():
    system = CloudRan(heads=3, users=3)
    codec = system.codec
    seen = torch.as_tensor(codec.observe(system.workloads("diurnal", 1, 0))[0, ::7])
    turned = _turned(system, seen, np.random.default_rng(5)).numpy()
    assert not np.array_equal(turned[:, codec.phase], seen.numpy()[:, codec.phase])
    powers = [
        powers_of_sets(system.scene, *codec.program(rows), np.arange(8)[None].repeat(len(seen), 0))
        for rows in (seen.numpy(), turned)
    ]
    assert np.allclose(*powers, rtol=1e-3)  # float32 phases


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
    led = data.follow(decide, slice(None))[1]
    sets = system.simulate(rule, days).sets
    assert (led[:, 0] == 7).all()
    np.testing.assert_array_equal(led[:, 1:], sets[:, :-1])


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_training_goes_on_where_it_stopped(action, tmp_path, monkeypatch):
    for name, value in {"CHECKPOINT": 20, "BATCH": 32, "UNITS": (8, 8), "VALIDATION": 2}.items():
        monkeypatch.setattr(training, name, value)
    system = CloudRan(heads=3, users=1, action=action)
    options = {"days": 4, "steps": 90, "rounds": 2, "outage_charge": 200.0, "told": "channels", "seed": 0}
    told = []

    def stop(done, total, text):
        told.append(text)
        if done == 80 and "steps" in text:  # in the last third, between two rounds of policy iteration
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(system, options, tmp_path / "net.safetensors", stop)
    again, story = train(system, options, tmp_path / "net.safetensors", lambda *row: told.append(row[-1]))
    whole, _ = train(system, options, tmp_path / "other.safetensors", lambda *_: None)
    seen = torch.as_tensor(system.codec.observe(system.workloads("diurnal", 1, 0))[0])
    assert torch.equal(again(seen), whole(seen))
    assert "4 generated days" in story["workload"]
    assert "resumed" in told
    with pytest.raises(DnnExplainError, match="other settings"):
        train(system, {**options, "seed": 1}, tmp_path / "net.safetensors", lambda *_: None)
    (tmp_path / "net.safetensors.progress").write_bytes(b"torn")
    with pytest.raises(DnnExplainError, match="--fresh"):
        train(system, options, tmp_path / "net.safetensors", lambda *_: None)


def test_training_lowers_the_cost(tmp_path):
    system = CloudRan(heads=3, users=1)
    options = {"days": 80, "steps": 300, "rounds": 1, "outage_charge": 200.0, "told": "gains", "seed": 0}
    module, _ = train(system, options, tmp_path / "net.safetensors", lambda *_: None)
    days = system.workloads("diurnal", 10, 99)
    trained = system.run(TorchPolicy(module, system), days).cost.mean()
    assert trained < 0.9 * system.run(TorchPolicy(dense(system), system), days).cost.mean()
    assert trained < system.run(system.rules()["all-on"], days).cost.mean()


def test_toggles_of_many_heads_are_learned_on_visited_states_and_go_on_where_they_stopped(tmp_path, monkeypatch):
    for name, value in {"CHECKPOINT": 100, "BATCH": 64, "VALIDATION": 4, "RECORDED": 2}.items():
        monkeypatch.setattr(visited_training, name, value)
    monkeypatch.setattr(training, "UNITS", (16, 16))
    monkeypatch.setattr(training, "RECORDED", 2)
    system = CloudRan(heads=3, users=1, slots=24)
    options = {"days": 16, "steps": 400, "rounds": 1, "outage_charge": 200.0, "told": "gains", "seed": 0}

    def stop(done, _total, _text):
        if done == 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(system, options, tmp_path / "net.safetensors", stop)
    again, _ = train(system, options, tmp_path / "net.safetensors", lambda *_: None)
    whole, _ = train(system, options, tmp_path / "other.safetensors", lambda *_: None)
    seen = torch.as_tensor(system.codec.observe(system.workloads("diurnal", 1, 0))[0])
    assert torch.equal(again(seen), whole(seen))
    days = system.workloads("diurnal", 10, 99)
    trained = system.run(TorchPolicy(again, system), days).cost.mean()
    assert trained < 0.9 * system.run(TorchPolicy(dense(system), system), days).cost.mean()
    with pytest.raises(DnnExplainError, match="--action toggle"):
        train(CloudRan(heads=3, users=1, action="set"), options, tmp_path / "net.safetensors", lambda *_: None)


def test_toggles_are_priced_as_if_the_slot_lasted():
    system = CloudRan(heads=4, users=2)
    shown = system.codec.observe(system.workloads("diurnal", 1, 5))[0][::17]
    shown[1::2, system.codec.awake] = [1, 0, 1, 0]
    for row, losses in zip(shown, visited_training.priced(system, shown), strict=True):
        channels, demand = system.codec.program(row[None])
        here = int(system.codec.awake_sets(row[None])[0])
        values = []
        for toggle in range(5):
            there = here ^ (1 << toggle - 1) if toggle else here
            sent = powers_of_sets(system.scene, channels, demand, np.array([[there]]))[0, 0]
            slot = float(slot_power(system.scene, there.bit_count(), sent))
            values.append(1.5 * slot + system.scene.switch_power * (toggle > 0))
        np.testing.assert_allclose(losses, np.array(values) - min(values), atol=1e-4)
