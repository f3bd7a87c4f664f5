"""Where is the room to improve: looking ahead, and the parts of the gap to the optimum."""

import json
from threading import Event

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.contract import Discrete, DnnExplainError, Episodes, Knob
from dnnexplain.explain.room import Forecast, Level, LookAhead, Part, Room, forecast, room
from dnnexplain.explain.room.room import _unproved
from dnnexplain.numbers import number
from dnnexplain.registry import fair_rules, spec_of
from dnnexplain.results import Question
from dnnexplain.systems.deeprm import DeepRM
from tests.fakes import FakeSystem

SIZES = {"slots": 2, "horizon": 8, "units": 4, "max_job_units": 4, "max_job_length": 5, "backlog": 8}
WORLD = DeepRM(**SIZES)
SPEC = spec_of("deeprm")


class Forks:
    """A state is one number; action ``a`` costs ``table[a]`` in every future, and a noise that is each future's own."""

    name, cost_name, continuing = "forks", "cost", "Nothing is assumed."
    knobs = (Knob("place", "", 0, 9),)
    observation_shape, groups, cell_group = (1,), ("place",), np.zeros(1, dtype=int)
    output = Discrete(("left", "middle", "right"))

    def __init__(self, table, noise=0.0):
        self.table, self.noise, self.asked = table, noise, []

    def encode(self, values, background=None):
        return np.asarray(values, dtype=np.float32)

    def decode(self, observations):
        return np.asarray(observations, dtype=np.float64)

    def repair(self, values):
        return values

    def valid_actions(self, observations):
        return np.tile([True, True, False], (len(observations), 1))

    def continued(self, state, policy, action, workloads, *, seed=0):
        self.asked.append((state.values[0], action))
        noise = [self.noise * np.sin(17 * one + 5 * action) for one in workloads]
        cost = np.array([self.table[action] + one for one in noise])
        return Episodes(policy.name, cost, "cost", {}, seed)

    def nothing(self, *_given, **_options):
        return {}

    baselines = targets = rules = state_to_json = state_from_json = describe = workloads = run = bound = nothing


class Left:
    name, masked = "left", True

    def outputs(self, observations):
        return np.tile([1.0, 0.0, 2.0], (len(observations), 1))


def test_it_takes_what_costs_least_of_what_is_valid():
    system = Forks([3.0, 2.0, 0.0])
    ahead = LookAhead(system, Left(), range(4))
    said = ahead.outputs(np.array([[1.0], [7.0]]))
    assert said.argmax(axis=1).tolist() == [1, 1]
    assert sorted(system.asked) == [(1.0, 0), (1.0, 1), (7.0, 0), (7.0, 1)]
    assert (ahead.decisions, ahead.changed) == (2, 2)


def test_it_stays_with_the_other_policy_where_nothing_is_surely_better():
    for table in ([2.0, 2.0, 0.0], [2.0, 3.0, 0.0]):
        assert LookAhead(Forks(table), Left(), range(4)).outputs(np.array([[1.0]])).argmax() == 0
    noisy = LookAhead(Forks([2.0, 1.99, 0.0], noise=5.0), Left(), range(8))
    assert noisy.outputs(np.array([[1.0]])).argmax() == 0


def test_looking_ahead_is_refused_in_words_without_states_to_go_on_from():
    with pytest.raises(DnnExplainError, match="go on from a state"):
        LookAhead(FakeSystem(), Left(), [1])
    with pytest.raises(DnnExplainError, match="at least one future"):
        LookAhead(Forks([0, 0, 0]), Left(), [])


@pytest.fixture(scope="module")
def found():
    sets = WORLD.workloads("deeprm", 3, 1, steps=8, rate=0.7)
    futures = WORLD.workloads("deeprm", 3, 99, steps=8, rate=0.7)
    return room(WORLD, SPEC, WORLD.rules()["fcfs"], sets, futures, oracle_seconds=0.5, seed=1, backend="inline"), sets


def test_parts_add_up_to_the_gap_and_levels_fall(found):
    told, sets = found
    costs = [told.level(name).cost for name in ("policy", "searched", "seen", "optimum")]
    assert costs[0] == pytest.approx(float(WORLD.run(WORLD.rules()["fcfs"], sets).cost.mean()))
    assert costs == sorted(costs, reverse=True)
    assert sum(one.size for one in told.parts) == pytest.approx(told.gap) == pytest.approx(costs[0] - costs[-1])
    assert sum(one.share for one in told.parts) == pytest.approx(1.0)
    assert [one.name for one in told.parts] == ["policy", "sight", "future"]
    bounds = [WORLD.bound(one, seconds=0.5) for one in sets]
    assert costs[-1] == pytest.approx(np.mean([one.upper for one in bounds]))
    assert told.lower <= costs[-1] + 1e-9
    assert told.level("rule").cost <= costs[0]


def test_the_result_shows_itself_and_comes_back_whole(found):
    told, _ = found
    assert Room.from_json(told.to_json()) == told
    chart = told.picture()
    assert len(chart.labels) == len(told.levels) == 5
    assert chart.levels == (("no plan can cost less", told.lower),)
    assert "fcfs" in told.sentence()


def test_where_nobody_can_look_ahead_the_gap_is_whole_and_it_says_why():
    system = FakeSystem()
    loads = system.workloads("calm", 3, 1)
    told = room(
        system, spec_of(system), next(iter(system.rules().values())), loads, oracle_seconds=1.0, backend="inline"
    )
    assert [one.name for one in told.parts] == ["gap"]
    assert "go on from a state" in told.left_out[0]


def _ended_after(runs, seed=1):
    """What is told where the test is ended after so many runs."""
    stop = Event()
    sets, futures = (WORLD.workloads("deeprm", 2, one, steps=6, rate=0.7) for one in (seed, 99))
    return room(
        WORLD, SPEC, WORLD.rules()["fcfs"], sets, futures, oracle_seconds=0.2, backend="inline", cancel=stop,
        progress=lambda done, _all: stop.set() if done == runs else None,
    )  # fmt: skip


def test_ended_while_it_looks_ahead_it_tells_the_gap_whole_and_before_that_nothing():
    needed = 1 + len(fair_rules(WORLD)) + 2
    told = _ended_after(needed)
    assert [one.name for one in told.parts] == ["gap"]
    assert [one.name for one in told.levels] == ["rule", "policy", "optimum"]
    assert told.left_out == ("The gap is not split: it was ended while it looked ahead.",)
    with pytest.raises(DnnExplainError, match="nothing can be told yet"):
        _ended_after(needed - 1)


def test_what_is_left_out_is_said_in_words_and_not_in_names_of_the_code():
    system = FakeSystem()
    loads = system.workloads("calm", 2, 1)
    told = room(system, spec_of(system), next(iter(system.rules().values())), loads, backend="inline")
    assert "dnnexplain." not in " ".join(told.left_out)
    assert f"Between them lie {number(told.gap)}" in told.sentence()
    assert "Of the" not in told.sentence()


def test_too_few_workloads_are_refused_in_words():
    with pytest.raises(DnnExplainError, match="at least 2 job sets, not from 1"):
        room(WORLD, SPEC, WORLD.rules()["sjf"], WORLD.workloads("deeprm", 1, 1))


def test_the_command_prints_levels_and_parts_and_draws_them(capsys, tmp_path):
    chart, kept = tmp_path / "room.svg", tmp_path / "room.json"
    words = [
        "room",
        "deeprm",
        "--slots",
        "2",
        "--policy",
        "sjf",
        "--sets",
        "2",
        "--futures",
        "2",
        "--steps",
        "10",
        "--oracle-seconds",
        "1",
        "--jobs",
        "1",
        "--json",
    ]
    assert main([*words, "--chart", str(chart), "--out", str(kept)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["parts"]] == ["policy", "sight", "future"]
    assert sum(one["size"] for one in told["parts"]) == pytest.approx(told["gap"])
    assert all(name in chart.read_text() for name in ("looking ahead", "all seen", "future known"))
    assert Room.load(kept).gap == pytest.approx(told["gap"])
    assert main(["room", "deeprm", "--futures", "0"]) == 2
    assert "--futures must be a count of at least 1" in capsys.readouterr().err


def test_how_long_it_will_take_is_reckoned_from_a_few_decisions():
    sets = WORLD.workloads("deeprm", 3, 1, steps=6)
    ahead = WORLD.workloads("deeprm", 2, 2, steps=6)
    policy = WORLD.rules()["sjf"]
    expected = forecast(WORLD, SPEC, policy, sets, ahead, jobs=2)
    seen = WORLD.visit(policy, sets[:1])[0]
    assert expected.decisions == 3 * 3 * (WORLD.valid_actions(seen).sum(axis=1) > 1).sum()
    assert 0 < expected.seconds < 60
    assert forecast(WORLD, SPEC, policy, sets, (), jobs=2) is None
    assert forecast(FakeSystem(), SPEC, policy, sets, ahead) is None
    words = Forecast(2580, 480.0, 2).words
    assert "2,580 decisions will take about 4 minutes" in words
    assert "2 processes" in words
    assert "about 30 seconds, as 5 of them took; what" in Forecast(100, 30.0, 1).words
    assert "as 5 of them took (20 seconds to 50 seconds by the quickest" in Forecast(100, 60.0, 2, 40.0, 100.0).words
    assert expected.least <= expected.seconds <= expected.most


def test_a_sentence_says_how_sure_each_part_is_and_what_bounds_the_best_plan():
    question = Question(system="forks", parameters={}, policy="net", checkpoint="", method="room", seed=0, settings={})
    levels = tuple(Level(name, "", cost, cost, cost) for name, cost in (("policy", -18.0), ("optimum", -20.0)))
    parts = (Part("policy", "a better policy", 1.5, 1.0, 2.0, 0.75), Part("future", "the future", 0.5, -0.1, 1.0, 0.25))
    found = Room(question, levels, parts, -20.5, 10, 8, "negative reward")
    words, short = found.sentence(), found.short_sentence()
    most = max(parts, key=lambda part: part.size)
    assert short.startswith(found.beginning())
    assert short.endswith(f"is {most.words}.")
    assert (
        "net has reward 18 and the best plan known beforehand 20 (by the oracle's bound, none is better than 20.5)."
        in words
    )
    assert (
        "Of the 2 between them (with 95% intervals over workloads): a better policy: 1.50 (1.00 to 2.00), 75%" in words
    )
    assert "the future: 0.500 (-0.100 to 1.00, so perhaps nothing), 25%" in words


def test_what_takes_long_is_said_before(monkeypatch, capsys):
    monkeypatch.setattr("dnnexplain.cli.room.QUICK", 0.0)
    small = ("--slots", "2", "--steps", "6", "--sets", "2", "--futures", "1", "--jobs", "1")
    assert main(["room", "deeprm", "--policy", "sjf", *small, "--json"]) == 0
    told = capsys.readouterr()
    assert "Looking ahead from about" in told.err
    assert json.loads(told.out)["futures"] == 1


def test_an_optimum_that_seconds_ended_is_said():
    spec = spec_of("deeprm")
    bounds = np.array([[1.0, 1.0, 0.0], [2.0, 2.5, 1.0], [3.0, 3.0 + 1e-12, 0.0], [4.0, 4.5, 0.0]])
    (said,) = _unproved(spec, bounds[:3], 10.0)
    assert said.startswith("The optimum of 1 of 3 job sets was not proved within 10 s")
    assert _unproved(spec, bounds[[0, 2]], 10.0) == []
    (bounded,) = _unproved(spec, bounds[[0, 3]], 10.0)  # as close as its program brings it, on every machine
    assert bounded.startswith("The optimum of 1 of 2 job sets is known within bounds")
