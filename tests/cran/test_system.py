"""Knobs, words, actions, rules and judgements."""

import inspect
import json
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError, State
from dnnexplain.systems.cran import CloudRan, draw_days
from dnnexplain.systems.cran.actions import after
from dnnexplain.systems.cran.days import DRAWN
from dnnexplain.systems.cran.judge import HORIZON
from dnnexplain.systems.cran.rules import Situation, nearest
from dnnexplain.systems.cran.tables import PowerTables


def start(system, **changes):
    values = np.array([knob.start for knob in system.knobs])
    names = [knob.name for knob in system.knobs]
    for name, value in changes.items():
        values[names.index(name.replace("_", " "))] = value
    return State(system.repair(values[None])[0])


SYSTEM = CloudRan(heads=3, users=2, antennas=2)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), beyond=st.floats(0.9, 1.3))
def test_knobs_survive_painting_and_reading(seed, beyond):
    rng = np.random.default_rng(seed)
    low, high = (np.array([getattr(knob, end) for knob in SYSTEM.knobs]) for end in ("low", "high"))
    middle = (low + high) / 2
    values = SYSTEM.repair(middle + beyond * (rng.random((4, len(low))) - 0.5) * (high - low))
    assert (values >= low).all()
    assert (values <= high).all()
    assert np.array_equal(SYSTEM.repair(values), values)
    assert np.array_equal(SYSTEM.decode(SYSTEM.encode(values)), values)


def test_observations_of_days_come_back_to_the_bit(toggling, days):
    seen = toggling.codec.observe(days).reshape(-1, toggling.codec.size)
    assert np.array_equal(toggling.encode(toggling.decode(seen)), seen)
    assert np.array_equal(toggling.encode(toggling.decode(seen[:1]), seen[0]), seen[:1])


def test_a_user_who_moves_takes_its_shadowing_along(toggling):
    here = start(toggling, user_1_x=400.0, user_1_y=400.0)
    there = start(toggling, user_1_x=1600.0, user_1_y=400.0)
    gain = [toggling.encode(state.values[None])[0, toggling.codec.gain].reshape(2, 5) for state in (here, there)]
    expected = toggling.scene.mean_gain([[1600.0, 400.0]]) - toggling.scene.mean_gain([[400.0, 400.0]])
    assert gain[1][0] - gain[0][0] == pytest.approx(expected[0], abs=1e-4)
    assert np.array_equal(gain[1][1], gain[0][1])


def test_path_loss_is_the_stated_formula(toggling):
    head = toggling.scene.positions[0]
    gain = toggling.scene.mean_gain([[*head[:1], head[1] + 100.0]])[0, 0]
    assert gain == pytest.approx(9 - 128.1 - 37.6 * np.log10(0.1))
    assert toggling.scene.mean_gain([head])[0, 0] == pytest.approx(9 - 128.1 - 37.6 * np.log10(0.035))
    assert abs(toggling.scene.channels(-102.0, 90.0)) == pytest.approx(10**1.5)  # 30 dBm - 102 dB over -102 dBm


def test_capacity_at_the_needed_ratio_is_the_demand(toggling):
    assert 10 * np.log2(1 + toggling.scene.needed_ratio([5.0, 20.0])) == pytest.approx([5.0, 20.0])


@pytest.mark.parametrize("antennas", [1, 2])
def test_words_survive_the_way_to_json_and_back(antennas):
    system = CloudRan(antennas=antennas)
    rng = np.random.default_rng(2)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    state = State(system.repair((low + rng.random(len(low)) * (high - low))[None])[0])
    assert system.state_from_json(system.state_to_json(state)) == state


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"users": {"user 9": {}}}, "no user 'user 9'"),
        ({"users": {"user 1": {"demand": "much"}}}, "user 1 demand must be a finite number"),
        ({"users": [1]}, "'users' must be an object of objects"),
        ({"awake": "head 1"}, "'awake' must be a list"),
        ({"awake": ["head 7"]}, "no head 'head 7'"),
        ({"links": {"user 1 - head 8": {}}}, "no link"),
        ({"hour": 3}, "no field of a state 'hour'"),
    ],
)
def test_words_that_mean_nothing_are_refused(toggling, data, says):
    with pytest.raises(DnnExplainError, match=says):
        toggling.state_from_json(data)


def test_a_state_is_told_in_one_sentence(toggling):
    state = toggling.state_from_json({"time": 7.25, "awake": ["head 2"], "users": {"user 1": {"demand": 0.0}}})
    assert toggling.describe(state).startswith(
        "At 07:15 user 1 wants 0.0 Mb/s and user 2 10.0 Mb/s; head 2 of 5 is awake"
    )
    nobody = toggling.state_from_json({"awake": []})
    assert toggling.describe(nobody).endswith("no head is awake and cannot serve all of that.")


def test_actions_toggle_or_set(toggling, setting):
    sets = np.array([0b00101, 0b11111])
    assert after(toggling.output, sets, np.array([0, 3])).tolist() == [0b00101, 0b11011]
    assert after(setting.output, sets, np.eye(5, dtype=bool)[[1, 4]]).tolist() == [0b00010, 0b10000]
    assert toggling.output.names[:2] == ("no change", "toggle head 1")
    assert toggling.next_heads(start(toggling), 2).tolist() == [True, False, True, True, True]


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_runs_follow_actions_and_add_up(action, days):
    system = CloudRan(action=action)
    run = system.simulate(system.rules()["tuned-hysteresis"], days)
    before = np.concatenate([np.full((3, 1), 31), run.sets[:, :-1]], axis=1)
    assert np.array_equal(run.changes, np.bitwise_count(before ^ run.sets))
    seen = run.observations[..., system.codec.awake].astype(np.int64)
    assert np.array_equal((seen << np.arange(5)).sum(axis=-1), before)
    priced = [system.oracle.priced(day, sets).power for day, sets in zip(days, run.sets, strict=True)]
    assert run.power == pytest.approx(np.array(priced), abs=1e-9)
    if action == "toggle":
        assert run.changes.max() <= 1
    episodes = system.run(system.rules()["tuned-hysteresis"], days)
    assert episodes.cost == pytest.approx(run.power.mean(axis=1))
    unserved = episodes.metrics["unserved slots"]
    assert episodes.metrics["watts"] + 100 * unserved / 96 == pytest.approx(episodes.cost)
    full = system.run(system.rules()["all-on"], days)
    assert episodes.metrics["saving"] == pytest.approx(100 * (1 - episodes.cost / full.cost))
    assert full.metrics["saving"] == pytest.approx(0, abs=1e-9)
    assert full.metrics["switches"].tolist() == [0, 0, 0]


def test_a_jumping_plan_needs_the_space_of_sets(toggling, setting, days):
    plan = np.tile(np.array([3, 28]), (1, 48))
    assert setting.follow(days[:1], plan).sets.tolist() == plan.tolist()
    with pytest.raises(DnnExplainError, match="action='set'"):
        toggling.follow(days[:1], plan)


def test_rules_do_what_they_say(setting, days):
    seen = setting.codec.observe(days).reshape(-1, setting.codec.size)[::7]
    situation = Situation.read(setting.codec, seen)
    chosen = {name: rule.wanted(situation) for name, rule in setting.rules().items()}
    assert (chosen["all-on"] == 31).all()
    assert (np.bitwise_count(nearest(situation)) == 2).all()
    served = np.isfinite(situation.radiated(chosen["greedy"][:, None])[:, 0])
    assert served[np.isfinite(situation.radiated(chosen["all-on"][:, None])[:, 0])].all()
    # nothing more can be switched off with a gain
    fewer = situation.toggled(chosen["greedy"])
    power = np.where(fewer < chosen["greedy"][:, None], situation.power(fewer), np.inf)
    assert (power.min(axis=1) >= situation.power(chosen["greedy"][:, None])[:, 0] - 1e-9).all()
    # with all heads on, hysteresis switches off only what demands raised by its factor do not need
    assert np.isfinite(situation.radiated(chosen["tuned-hysteresis"][:, None], 1.1)[served]).mean() > 0.95


def test_rules_toggle_toward_what_they_want(toggling, days):
    for name, rule in toggling.rules().items():
        run = toggling.simulate(rule, days[:1])
        situation = Situation.read(toggling.codec, run.observations[0])
        wanted = rule.wanted(situation)
        nearer = np.bitwise_count(situation.awake ^ wanted).astype(int) - np.bitwise_count(run.sets[0] ^ wanted)
        assert ((nearer == 1) | (situation.awake == wanted)).all(), name


def test_judgement_is_the_best_of_two_like_hours(toggling):
    state = start(toggling, user_1_demand=3.0, user_2_demand=2.0)
    judged = toggling.judge(state)
    costs = np.repeat(toggling.judging.costs(toggling.encode(state.values[None]))[None], HORIZON, axis=0)
    total, before = toggling.judging.oracle.values(costs)
    toggles = [31] + [31 ^ (1 << head) for head in range(5)]
    expected = total[0, toggles] + np.array([0] + [3.0] * 5) - before[0, 31]
    assert judged.loss == pytest.approx(expected)
    assert min(judged.loss) == 0
    assert toggling.best_action(state) in judged.best
    assert toggling.losses(state, np.array([toggling.best_action(state)])) == pytest.approx([0])


def test_sets_are_judged_one_by_one(setting):
    state = start(setting)
    best = setting.best_action(state)
    loss = setting.losses(state, np.stack([best, np.ones(5, dtype=bool), np.zeros(5, dtype=bool)]))
    assert loss[0] == pytest.approx(0, abs=1e-9)
    assert loss[1] > 0
    assert loss[2] > 50
    with pytest.raises(DnnExplainError, match="too many sets"):
        setting.judge(state)


def test_days_are_drawn_from_their_seed(toggling):
    scene = toggling.scene
    for family in ("diurnal", "flash", "walk"):
        one, other = draw_days(scene, family, 2, 5), draw_days(scene, family, 3, 5)
        assert all(
            np.array_equal(a.gain, b.gain) and np.array_equal(a.demand, b.demand)
            for a, b in zip(one, other[:2], strict=True)
        )
        assert not np.array_equal(one[0].demand, one[1].demand)
        assert one[0].demand.min() >= 2
        assert one[0].demand.max() <= 40
    walk = draw_days(scene, "walk", 1, 5)[0]
    assert np.ptp(walk.place[:, 0, 0]) > 0
    assert np.ptp(draw_days(scene, "diurnal", 1, 5)[0].place[:, 0, 0]) == 0
    flash = draw_days(scene, "flash", 1, 5, high=30.0)[0]
    assert (flash.demand == 30.0).all(axis=1).any() or (flash.demand == 30.0).sum() >= 8
    still = draw_days(scene, "diurnal", 1, 5, fading=1.0)[0]
    assert np.ptp(still.gain, axis=0).max() == 0


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({"low": 9.0, "high": 3.0}, "low <= high"), ({"fading": 1.5}, "correlation from 0 to 1")],
)
def test_days_that_mean_nothing_are_refused(toggling, parameters, says):
    with pytest.raises(DnnExplainError, match=says):
        toggling.workloads("diurnal", 1, 0, **parameters)


def test_systems_that_mean_nothing_are_refused():
    with pytest.raises(DnnExplainError, match="no action 'all'"):
        CloudRan(action="all")
    with pytest.raises(DnnExplainError, match="heads must be from 1 to 12"):
        CloudRan(heads=13)
    with pytest.raises(DnnExplainError, match="no parameter of the scene 'widht'"):
        CloudRan(widht=3)


def test_baselines_and_targets_fit(toggling, setting):
    import torch

    state = start(toggling, head_3_awake=0.0)
    for name, rows in toggling.baselines(state).items():
        assert rows.shape[1:] == toggling.observation_shape, name
    assert len(toggling.baselines(state)["typical slots"]) == 32
    seen = torch.as_tensor(toggling.encode(state.values[None]))
    outputs = torch.arange(6.0)[None]
    targets = toggling.targets(state)
    assert targets["head 3 on against off"].scalar(outputs, seen).item() == 3.0  # asleep: toggling switches on
    assert targets["head 2 on against off"].scalar(outputs, seen).item() == -2.0
    assert setting.targets(state)["head 2 on against off"].scalar(torch.arange(5.0)[None], seen).item() == 1.0


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_a_replay_shows_when_each_head_was_awake(action, days):
    system = CloudRan(action=action)
    replay = system.replay(system.rules()["greedy"], days[0])
    run = system.simulate(system.rules()["greedy"], days[:1])
    awake = np.zeros((96, 5), dtype=int)
    for (start, end, *_), head in zip(replay.bars, replay.bar_track, strict=True):
        awake[round(start * 4) : round(end * 4), head] += 1
    assert np.array_equal((awake << np.arange(5)).sum(axis=1), run.sets[0])
    assert replay.cost == pytest.approx(run.power.mean())
    assert system.replay_optimum(days[0]).cost == pytest.approx(system.bound(days[0]).upper, abs=1e-9)
    for slot in range(1, 96):
        if replay.chosen[slot] >= 0:
            assert round(replay.start[replay.chosen[slot]] * 4) == slot


def test_a_table_of_all_sets_changes_no_feature_or_move(days, monkeypatch):
    system = CloudRan()
    features = system.features
    seen = system.codec.observe(days[:1])[0][::7]
    other = seen.copy()
    other[:, system.codec.awake] = 1 - other[:, system.codec.awake]
    tabled = [(features(one), features.actions(one)) for one in (seen, other, seen)]
    assert system.features is features
    assert len(system.codec.tables) == len(seen)  # whoever is awake in a slot
    assert len(pickle.loads(pickle.dumps(system)).codec.tables) == 0
    monkeypatch.setitem(system.codec.__dict__, "tables", None)
    for one, (quantities, moves) in zip((seen, other, seen), tabled, strict=True):
        np.testing.assert_array_equal(features(one), quantities)
        np.testing.assert_array_equal(features.actions(one), moves)


def test_tables_forget_all_when_there_are_too_many_and_change_no_rule(days, monkeypatch):
    system = CloudRan()
    seen = system.codec.observe(days[:1])[0][::5]
    system.codec.__dict__["tables"] = PowerTables(system.scene, most=25)
    told = {
        name: [rule.outputs(part) for part in (seen[:13], seen, seen[3:9])] for name, rule in system.rules().items()
    }
    assert 6 <= len(system.codec.tables) <= 25
    monkeypatch.setitem(system.codec.__dict__, "tables", None)
    for name, rule in system.rules().items():
        for part, was in zip((seen[:13], seen, seen[3:9]), told[name], strict=True):
            np.testing.assert_array_equal(rule.outputs(part), was)


def test_tables_asked_by_several_threads_answer_as_to_one(days):
    system = CloudRan()
    seen = system.codec.observe(days[:1])[0]
    rule = system.rules()["greedy"]
    alone = rule.outputs(seen)
    system.codec.__dict__["tables"] = PowerTables(system.scene, most=40)
    parts = [seen[start : start + 12] for start in range(0, 84, 3)]
    with ThreadPoolExecutor(4) as pool:
        for start, told in zip(range(0, 84, 3), pool.map(rule.outputs, parts), strict=True):
            np.testing.assert_array_equal(told, alone[start : start + 12])


def test_features_and_moves_mean_what_they_say(toggling, days):
    seen, episode = toggling.visit(toggling.rules()["greedy"], days[:2])
    assert seen.shape == (192, toggling.codec.size)
    assert np.bincount(episode).tolist() == [96, 96]
    features = toggling.features
    values = dict(zip(features.names, features(seen).T, strict=True))
    assert set(features.units) == set(features.names)
    assert np.array_equal(values["heads awake"], seen[:, toggling.codec.awake].sum(axis=1))
    assert values["total demand"] == pytest.approx(seen[:, toggling.codec.demand].sum(axis=1), rel=1e-6)
    assert (
        values["antennas needed"][values["demands are served"] == 1]
        < values["heads awake"][values["demands are served"] == 1]
    ).all()
    moves = dict(zip(features.moves, features.actions(seen).T, strict=True))
    assert np.array_equal(
        moves["toggle toward the greedy set"], toggling.rules()["greedy"].outputs(seen).argmax(axis=1)
    )
    assert (moves["toggle head 3"] == 3).all()
    asleep = moves["wake the strongest head asleep"]
    rows = np.flatnonzero(asleep)
    assert (seen[rows, toggling.codec.awake.start + asleep[rows] - 1] == 0).all()


def test_presets_are_states_of_generated_days(toggling):
    from dnnexplain.systems.cran.presets import presets

    start, offered = presets(toggling, None)
    assert start in offered.values()
    demand = {title: state.values[toggling.codec.demand].sum() for title, state in offered.items()}
    assert demand["The quietest slot of that day"] < demand["The busiest slot of that day"]
    assert offered["Noon, with all heads awake"].values[toggling.codec.awake].all()


def test_rules_for_sets_have_a_tree_for_each_head(capsys):
    line = ["distill", "cran", "--action", "set", "--policy", "greedy", "--sets", "2", "--unseen", "2", "--seeds", "1"]
    assert main([*line, "--rounds", "1", "--leaves", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["output"] == "switches"
    assert len(told["leaves_of_each"]) == len(told["fidelity_each"]) == 5
    assert max(told["leaves_of_each"]) == told["leaves"] <= 3
    assert told["fidelity"] <= min(told["fidelity_each"].values())
    assert told["mean_absolute_error"] is None
    assert told["rules"].startswith("head 1:\n")


def test_the_parameters_of_a_day_are_those_that_it_takes_and_others_are_refused():
    taken = [name for name, one in inspect.signature(draw_days).parameters.items() if one.kind is one.KEYWORD_ONLY]
    assert taken == list(DRAWN)
    with pytest.raises(DnnExplainError, match=r"no parameter of a day 'nois'; .*Did you mean 'noise'"):
        CloudRan().workloads("diurnal", 1, seed=0, nois=0.1)


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_a_day_is_played_by_the_actions_that_a_policy_took_as_by_the_policy(action, tmp_path):
    system = CloudRan(heads=3, users=1, action=action)
    day = system.workloads("walk", 1, 4)[0]
    rule = system.rules()["greedy"]
    whole = system.play(day, None, rule)
    assert whole.summary["cost"] == pytest.approx(float(system.run(rule, [day]).cost[0]))
    assert whole.arrays["awake"].shape == (96, 3)
    again = system.play(day, json.loads(json.dumps(whole.arrays["actions"].tolist())))
    assert {name: np.array_equal(kept, again.arrays[name]) for name, kept in whole.arrays.items()} == dict.fromkeys(
        whole.arrays, True
    )
    file = tmp_path / "day.json"
    file.write_text(json.dumps({"workload": system.workload_to_json(day)}))
    assert system.play(system.read_played(file)[0], None, rule).summary["cost"] == pytest.approx(whole.summary["cost"])
    for wrong in ([0] * 95, [7] * 96, ["x"] * 96, [[0]] * 96, [1.5] * 96, [[1, 0, 2]] * 96):
        with pytest.raises(DnnExplainError, match=r"slot.* (a number from 0 to 3|a list of 3 switches)"):
            system.play(day, wrong)
    right = [0] * 95 if action == "toggle" else [[0, 1, 0]] * 95
    for wrong in (-1, "x", 1.5, [[0, 1]], [0, 1, 2], 10**30):
        with pytest.raises(DnnExplainError, match=r"slot 61 is " + re.escape(str(wrong))):
            system.play(day, [*right[:60], wrong, *right[60:]])
    with pytest.raises(DnnExplainError, match="needs actions, or a policy"):
        system.play(day, None)
