"""The system: states to the bit, days by rules, and what every result says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import (
    Acting,
    Costed,
    DnnExplainError,
    EpisodeSystem,
    Optimal,
    State,
    WorkloadReader,
    state_from_values,
)
from dnnexplain.contract.specs import load_reference
from dnnexplain.systems.cellular import CellularSystem
from dnnexplain.systems.cellular.families import DEFAULTS, KINDS
from dnnexplain.systems.cellular.rules import TITLES
from dnnexplain.systems.cellular.spec import SPEC


def test_it_has_the_abilities_that_commands_ask_for(cell_system):
    for ability in (EpisodeSystem, Costed, Optimal, Acting, WorkloadReader):
        assert isinstance(cell_system, ability)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_valid_values_survive_encoding_to_the_bit(cell_system, seed):
    rng = np.random.default_rng(seed)
    wild = rng.uniform(-3, 30, (4, len(cell_system.knobs)))
    values = cell_system.repair(wild)
    assert np.array_equal(cell_system.decode(cell_system.encode(values)), values)
    assert np.array_equal(cell_system.repair(values), values)
    low, high = (np.array([getattr(knob, end) for knob in cell_system.knobs]) for end in ("low", "high"))
    assert ((values >= low) & (values <= high)).all()


def test_states_that_a_run_meets_are_states_of_the_system(cell_system, days):
    seen, day = cell_system.visit(cell_system.rules()["headroom"], days)
    assert seen.shape == (6 * 720, len(cell_system.knobs))
    assert np.bincount(day).tolist() == [720] * 6
    values = cell_system.decode(seen)
    assert np.array_equal(cell_system.repair(values), values)


def test_what_is_seen_is_the_past_and_never_the_minute_itself(cell_system, days):
    run = cell_system._played(cell_system.rules()["headroom"], cell_system.stack(days[:1]), keep=True)
    day, at, t = days[0], cell_system.layout, 100
    seen = run.observations[0, t]
    minutes = [t - 1 - lag for lag in range(5)]
    assert seen[at.congestion] == pytest.approx([day.own[5 + m] + run.load[0, m] for m in minutes], rel=1e-6)
    assert seen[at.sessions] == pytest.approx([day.sessions[5 + m] for m in minutes], rel=1e-6)
    assert seen[at.efficiency] == pytest.approx([day.efficiency[5 + m] for m in minutes], rel=1e-6)
    assert seen[at.load] == pytest.approx(run.load[0, t - 1], rel=1e-6)
    assert seen[at.forecast] == pytest.approx(day.forecast[t], rel=1e-6)
    assert seen[at.time] == pytest.approx(8 + t / 60, rel=1e-6)


def test_a_run_is_what_playing_its_rates_gives(cell_system, days):
    run = cell_system.run(cell_system.rules()["threshold"], days)
    for place, day in enumerate(days[:2]):
        played = cell_system.play(day, run.detail.rates[place].tolist()).arrays
        assert played["reward"].sum() == pytest.approx(-run.cost[place])
        assert played["load"] == pytest.approx(run.detail.load[place])
    assert run.metrics["reward"] == pytest.approx(-run.cost)
    parts = run.metrics["volume term"] - run.metrics["user loss"] - run.metrics["limit penalty"]
    assert parts == pytest.approx(run.metrics["reward"])
    assert set(run.metrics) == {metric.name for metric in SPEC.metrics}


def test_a_played_day_is_told_with_its_figures(cell_system, days):
    played = cell_system.play(days[0], None, cell_system.rules()["always"])
    assert (played.arrays["rates"] == 1).all()
    assert played.summary["reward"] == pytest.approx(played.arrays["reward"].sum())
    assert "of delay-tolerant traffic gained in 720 minutes" in played.words
    with pytest.raises(DnnExplainError, match="needs rates, or a policy"):
        cell_system.play(days[0], None)


def test_nothing_sent_gains_nothing_and_pushes_no_minute_below_the_limit(cell_system, days):
    run = cell_system.run(cell_system.rules()["never"], days)
    for name in ("reward", "gained volume", "user loss", "minutes pushed below", "mean rate"):
        assert (run.metrics[name] == 0).all()
    alone = np.array([(20 * day.efficiency[5:] * np.maximum(1 - day.own[5:], 0.02) < 10).sum() for day in days])
    assert np.array_equal(run.metrics["minutes below the limit"], alone)


def test_no_rule_beats_the_bound_and_the_optimum_runs_as_bounded(cell_system, days):
    bounds = [cell_system.bound(day) for day in days]
    optimum = cell_system.run_optimum(days)
    assert optimum.cost == pytest.approx([bound.upper for bound in bounds])
    for policy in cell_system.rules().values():
        assert (cell_system.run(policy, days).cost >= [bound.lower for bound in bounds]).all()


def test_the_defaults_leave_room_above_the_best_fixed_threshold(cell_system):
    days = cell_system.workloads("mixed", 20, seed=99)
    threshold = cell_system.run(cell_system.rules()["threshold"], days).metrics["reward"].mean()
    assert cell_system.run_optimum(days).metrics["reward"].mean() >= 1.10 * threshold


def test_states_in_json_come_back_and_errors_name_the_field(cell_system):
    state = state_from_values(cell_system, {"our load": 0.2, "forecast 2 to 5 min": 0.7})
    assert cell_system.state_from_json(cell_system.state_to_json(state)) == state
    with pytest.raises(DnnExplainError, match=r"field of a state 'forcast'.*forecast"):
        cell_system.state_from_json({"forcast": [1]})
    with pytest.raises(DnnExplainError, match="'congestion' of a state must be a list of 5 numbers"):
        cell_system.state_from_json({"congestion": [0.1, 0.2]})
    with pytest.raises(DnnExplainError, match="'our load' of a state must be a number"):
        cell_system.state_from_json({"our load": "much"})


def test_a_state_is_told_in_a_sentence(cell_system):
    told = cell_system.describe(cell_system.state_from_json({"time of day": 9.5, "forecast": [0.3, 0.4, 0.5, 0.7]}))
    assert told.startswith("At 09:30 the cell was 57% full")
    assert "rises to 70% within 30 minutes" in told


def test_reference_states_change_what_they_say(cell_system):
    state = cell_system.state_from_json({"our load": 0.2, "efficiency": [0.7] * 5, "forecast": [0.1, 0.2, 0.3, 0.9]})
    at, found = cell_system.layout, cell_system.baselines(state)
    assert found["without our load"][0, at.load] == 0
    assert found["without our load"][0, at.congestion] == pytest.approx(state.values[at.congestion] - 0.2)
    assert len(set(found["forecast as now"][0, at.forecast])) == 1
    assert (found["typical radio conditions"][0, at.efficiency] == 1).all()
    assert len(found["typical minutes"]) == 32
    for rows in found.values():
        assert np.array_equal(cell_system.repair(rows.astype(np.float64)).astype(np.float32), rows)


def test_features_are_what_their_names_say(cell_system):
    state = cell_system.state_from_json({"our load": 0.2, "forecast": [0.3, 0.3, 0.4, 0.6], "time of day": 10.25})
    row = dict(zip(cell_system.features.names, cell_system.features(state.values[None])[0], strict=True))
    assert row["rise within half an hour"] == pytest.approx(0.3)
    assert row["forecast of half an hour"] == pytest.approx((0.3 + 4 * 0.3 + 10 * 0.4 + 15 * 0.6) / 30)
    through = 20 * (1 - 0.3 - 0.2 * np.exp(-1 / 15))
    assert row["throughput forecast"] == pytest.approx(through)
    assert row["throughput above the limit"] == pytest.approx(through - 10, rel=1e-5)
    assert row["hour"] == 10.25


def test_targets_follow_the_cell_and_carry_gradients(cell_system):
    torch = pytest.importorskip("torch")
    state = cell_system.state_from_json({"our load": 0.2})
    outputs = torch.tensor([[0.4]], requires_grad=True)
    seen = torch.tensor(cell_system.encode(state.values[None]))
    targets = cell_system.targets(state)
    load = cell_system.cell.keep * 0.2 + 0.03 * 0.4
    shown = targets["throughput of the next minute"].scalar(outputs, seen)
    assert shown.item() == pytest.approx(20 * (1 - state.values[cell_system.layout.forecast][0] - load), rel=1e-5)
    (pull,) = torch.autograd.grad(shown.sum(), outputs)
    assert pull.item() == pytest.approx(-20 * 0.03, rel=1e-5)
    assert targets["rate"].scalar(torch.tensor([[1.7]]), seen).item() == 1


def test_rules_follow_their_formulas(cell_system):
    at, rules = cell_system.layout, cell_system.rules()
    assert list(rules) == list(TITLES) == list(SPEC.rules)
    seen, _ = cell_system.visit(rules["proportional"], cell_system.workloads("mixed", 2, 5))
    values = {name: rules[name].parameters for name in ("threshold", "proportional", "headroom", "schedule")}
    first = seen[:, at.congestion.start].astype(np.float64)
    assert np.array_equal(rules["threshold"].outputs(seen)[:, 0], first < values["threshold"]["congestion"])
    wanted = np.clip(values["proportional"]["gain"] * (values["proportional"]["congestion"] - first), 0, 1)
    assert rules["proportional"].outputs(seen)[:, 0] == pytest.approx(wanted)
    hours = list(values["schedule"].values())
    assert rules["schedule"].outputs(seen[:720])[:, 0] == pytest.approx(np.repeat(hours, 60))


def test_rules_are_tuned_on_training_days(cell_system):
    from dnnexplain.systems.cellular.rules import proportional
    from dnnexplain.systems.cellular.system import TUNING_DAYS, TUNING_SEED

    days = cell_system.workloads("mixed", TUNING_DAYS, TUNING_SEED)
    tuned = cell_system.rules()["proportional"]
    best = cell_system.run(tuned, days).cost.mean()
    for shift, factor in itertools.product((-0.1, 0.1), (0.7, 1.4)):
        level, gain = tuned.parameters["congestion"] + shift, tuned.parameters["gain"] * factor
        assert cell_system.run(proportional(cell_system.layout, level, gain), days).cost.mean() > best


def test_the_compiled_rules_earn_what_the_rules_earn(cell_system):
    from dnnexplain.systems.cellular import rule_kernels
    from dnnexplain.systems.cellular.rules import _reward

    days = cell_system.workloads("mixed", 4, 12)
    for name in ("threshold", "proportional", "headroom", "schedule"):
        rule = cell_system.rules()[name]
        number = getattr(rule_kernels, name.upper())
        compiled = _reward(cell_system.cell, cell_system.stack(days), number, np.array(list(rule.parameters.values())))
        # What is seen is rounded to float32; a threshold may then fall on the other side.
        assert compiled == pytest.approx(cell_system.run(rule, days).metrics["reward"].mean(), rel=1e-3)


def test_the_spec_and_the_system_agree():
    system = load_reference(SPEC.make)()
    assert system.parameters == {parameter.name: parameter.default for parameter in SPEC.parameters}
    assert [family.name for family in SPEC.families] == list(KINDS)
    for family in SPEC.families:
        assert all(parameter.default == DEFAULTS[parameter.name] for parameter in family.parameters)
    assert any("14.7%" in caveat and "not reproduced" in caveat for caveat in SPEC.caveats)
    again = CellularSystem(**system.parameters)
    assert again.parameters == system.parameters


def test_wrong_parameters_are_refused_in_words(cell_system, short):
    with pytest.raises(DnnExplainError, match=r"no constant 'peek'.*peak"):
        CellularSystem(peek=3)
    with pytest.raises(DnnExplainError, match="a day starts at"):
        CellularSystem(minutes=0)
    with pytest.raises(DnnExplainError, match="history of 2 minutes, the system shows 5"):
        cell_system.run(cell_system.rules()["never"], short.workloads("quiet", 1, 0))
    with pytest.raises(DnnExplainError, match="needs as many rates from 0 to 1"):
        cell_system.play(cell_system.workloads("quiet", 1, 0)[0], [0.1, 0.2])
    with pytest.raises(DnnExplainError, match="must be a finite number"):
        cell_system.repair(np.full((1, len(cell_system.knobs)), np.nan))
    assert isinstance(State(np.zeros(2)), State)


def test_a_neuron_has_a_curve_over_a_quantity_that_no_other_group_has():
    torch = pytest.importorskip("torch")
    from dnnexplain.explain import curve
    from dnnexplain.policies import TorchPolicy
    from dnnexplain.systems.cellular.networks import actor_stack

    system = CellularSystem(minutes=30)
    module = actor_stack(len(system.knobs), (4,), seed=1)
    with torch.no_grad():
        module.hidden_1.weight[0] = 0.0
        module.hidden_1.weight[0, system.layout.forecast.start] = 2.0
        module.hidden_1.bias[0] = -0.5
    found = curve(system, TorchPolicy(module, system), 0, "forecast next minute")
    assert found.activation == pytest.approx(np.maximum(2 * found.values - 0.5, 0), abs=1e-5)


@pytest.mark.parametrize("constants", [{}, {"minutes": 5, "history": 2}])
def test_presets_are_minutes_of_days(constants):
    from dnnexplain.systems.cellular.presets import presets

    system = CellularSystem(**constants)
    start, offered = presets(system, None)
    assert start in offered.values()
    for state in offered.values():
        assert np.array_equal(system.encode(state.values[None], state.background)[0], state.background)
        assert system.describe(state)
    if not constants:
        layout = system.layout
        now = {title: state.values[layout.forecast.start] for title, state in offered.items()}
        assert now["The busiest minute of that day"] > now["The quietest minute of that day"] + 0.2
        assert offered["Radio conditions are bad"].values[layout.efficiency.start] < 0.7
