"""Stress tests: verdicts from known costs, faults seen by the policy, resuming, reports, generated inputs."""

from __future__ import annotations

import html
import json
import re
import shlex
import threading
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Knob, Tabular, load_reference
from dnnexplain.explain.generate import Plausibility, hardest, propose
from dnnexplain.explain.stress import (
    FAULTS,
    FaultyInput,
    StressTest,
    battery,
    case_file,
    compare,
    distinct,
    parse_limit,
    read_case_file,
)
from dnnexplain.explain.stress import stress as run_stress
from dnnexplain.explain.stress.claims import settled
from dnnexplain.explain.stress.report import Commands, Subject, report_html
from dnnexplain.explain.stress.summaries import junit, summary_json
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of
from dnnexplain.systems import SmallSystem

RNG = np.random.default_rng(0)
RULE = RNG.uniform(4.0, 6.0, 30)
NOISE = RNG.uniform(0.99, 1.01, 30)


class Gate(SmallSystem):
    """Two queues; the longer one should go."""

    name = "gate"
    knobs = (Knob("left queue", "cars", 0, 9), Knob("right queue", "cars", 0, 9))
    actions = ("left", "right")
    cost_name = "waiting, car steps"
    steps = 12

    def begin(self, count, rng):
        return rng.integers(0, 10, size=(count, 2)).astype(float)

    def step(self, values, actions, rng):
        del rng
        return np.maximum(values - np.eye(2)[actions] * [2, 1], 0), values.sum(axis=1)

    def hand_written(self):
        return {
            "longer": lambda values: (values[:, 1] > values[:, 0]).astype(int),
            "always right": lambda v: np.ones(len(v), int),
        }


@pytest.fixture(scope="module")
def gate() -> StressTest:
    system = Gate()
    return run_stress(system, spec_of(system), system.rules()["longer"], budget=300, jobs=1)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.8, "better"), (1.0, "within 5%"), (1.03, "within 5%"), (1.2, "worse"), (1.7, "unsafe")]
)
def test_a_verdict_follows_from_the_gap(factor, verdict):
    found = compare(factor * RULE * NOISE, {"a": RULE, "b": 3 * RULE}, ratio=True)
    assert (found.verdict, found.best_rule) == (verdict, "a")
    assert found.gap.mean == pytest.approx(factor - 1, abs=0.01)


@pytest.mark.parametrize(("away", "verdict"), [(-0.5, "better"), (0.01, "within 5%"), (0.3, "worse"), (0.6, "unsafe")])
def test_without_a_ratio_scale_the_yardstick_is_from_the_best_to_the_worst_rule(away, verdict):
    best = RULE - 100.0  # costs below zero
    assert compare(best + away * 10.0 * NOISE, {"a": best, "b": best + 10.0}, ratio=False).verdict == verdict


def test_what_is_better_on_average_alone_is_not_told_as_within_five_per_cent(gate):
    nominal = replace(gate.scenarios[0], verdict="within 5%", gap=-0.104, gap_low=-0.3, gap_high=0.02)
    assert nominal.standing == "better, but not surely"
    assert replace(nominal, gap=-0.04).standing == "within 5%"
    assert replace(nominal, verdict="better", gap_high=-0.01).standing == "better"
    told = replace(gate, scenarios=(nominal, *gate.scenarios[1:]))
    page = report_html(told, "dnnexplain stress gate", {}, {}, Subject("Ours", "A gate", "What a gate is."))
    assert "<b>1</b> better, but not surely" in page, "counted as what the table calls it"
    assert "<h1>Ours</h1>" in page
    assert "What a gate is." in page
    assert told.table()[0]["verdict"].startswith("better, but not surely")
    assert summary_json(told, {}, {})["scenarios"][0]["verdict"] == "within 5%"


def test_what_went_wrong_is_unsafe_only_where_the_best_rule_does_better():
    cost = 0.5 * RULE
    assert compare(cost, {"a": RULE}, ratio=True, wrong={"jobs starved": (3.0, 0.0)}).verdict == "unsafe"
    assert compare(cost, {"a": RULE}, ratio=True, wrong={"jobs starved": (1.0, 0.0)}).why.startswith("1 job starved")
    assert compare(cost * NOISE, {"a": RULE}, ratio=True, wrong={"jobs starved": (3.0, 1.0)}).verdict == "better"
    assert compare(cost, {"a": RULE}, ratio=True, invalid=1).verdict == "unsafe"


class Seen:
    """A policy that records what it sees."""

    name = "seen"

    def __init__(self):
        self.rows = []

    def outputs(self, observations):
        self.rows.append(observations.copy())
        return observations[:, ::-1].astype(float)


@pytest.mark.parametrize(
    ("fault", "second"),
    [("stuck", [1, 4]), ("lost", [0, 4]), ("stale", [1, 2]), ("units-8", [24, 4]), ("units-1000", [3000, 4]),
     ("nan", [np.nan, 4]), ("out-of-range", [-1e6, 4])],
)  # fmt: skip
def test_a_fault_spoils_what_it_says_and_nothing_else(fault, second):
    seen = Seen()
    policy = FaultyInput(seen, FAULTS[fault], Gate(), group=0)
    policy.outputs(np.array([[1, 2]], dtype=np.float32))
    outputs = policy.outputs(np.array([[3, 4]], dtype=np.float32))
    assert np.array_equal(seen.rows[1][0], np.array(second, dtype=np.float32), equal_nan=True)
    assert np.isfinite(outputs).all()
    assert (policy.invalid > 0) == (fault == "nan")


def test_a_policy_that_refuses_an_input_gave_no_valid_output():
    class Refusing(Seen):
        def outputs(self, observations):
            raise ZeroDivisionError(str(observations))

    policy = FaultyInput(Refusing(), FAULTS["lost"], Gate(), 0)
    assert policy.outputs(np.zeros((2, 2), dtype=np.float32)).shape == (2, 2)
    assert policy.invalid == policy.decisions == 2


def test_of_many_inputs_one_that_the_policy_dies_of_is_no_others_fault():
    class Picky(Seen):
        def outputs(self, observations):
            if not np.isfinite(observations).all() or (observations[:, 1] < 0).any():
                raise ZeroDivisionError
            return observations.astype(float)

    policy = FaultyInput(Picky(), FAULTS["lost"], Gate(), 0)
    outputs = policy.outputs(np.array([[5, 1], [5, -1], [5, 3]], dtype=np.float32))
    assert outputs[[0, 2]].tolist() == [[0, 1], [0, 3]]
    assert policy.invalid == 1


def test_faulty_inputs_are_the_same_side_by_side_and_one_by_one(gate):
    system = Gate()
    one = next(one for one in gate.scenarios if one.name == "input-lost")
    workloads = system.workloads(spec_of(system).family().name, one.sets, 0)
    policy = system.rules()["longer"]
    costs = [
        system.run(FaultyInput(policy, FAULTS["lost"], system, place % 6), [workload], seed=0).cost[0]
        for place, workload in enumerate(workloads)
    ]
    assert one.sets > 6
    assert one.cost == pytest.approx(np.mean(costs))
    assert next(one for one in gate.scenarios if one.name == "input-stale").sets == 6


def test_scenarios_have_labels_for_people(gate):
    labels = {one.name: one.label for one in gate.scenarios}
    assert labels["input-out-of-range"] == "input out of range"
    assert labels["input-units-8"] == "input 8 times too large"
    assert replace(gate.scenarios[0], name="load: load 0.05", kind="shift").label == "load 0.05"
    assert replace(gate.scenarios[0], name="families: puffer-like", kind="shift").label == "puffer like"


def test_a_test_shows_a_row_and_a_bar_for_each_scenario(gate):
    assert [row["scenario"] for row in gate.table()] == [scenario.name for scenario in gate.scenarios]
    chart = gate.picture()
    assert chart.labels == tuple(scenario.label for scenario in gate.scenarios)
    assert chart.series[0].y.tolist() == [round(100 * scenario.gap, 1) for scenario in gate.scenarios]


def test_a_small_system_is_tested_with_what_it_has(gate):
    kinds = [one.kind for one in gate.scenarios]
    assert kinds[0] == "nominal"
    assert kinds.count("fault") == len(FAULTS)
    assert gate.scenarios[0].verdict == "within 5%"  # it is the best rule itself
    assert gate.scenarios[0].gap == 0.0
    assert gate.generated is None
    assert any("turn workloads into tables" in one for one in gate.left_out)


def test_an_ended_test_goes_on_to_the_same_result(gate, tmp_path):
    system, stop, kept = Gate(), threading.Event(), []

    def keep(make):
        kept.append(make())
        if len(kept) == 3:
            stop.set()

    given = {"budget": 300, "jobs": 1}
    first = run_stress(system, spec_of(system), system.rules()["longer"], keep=keep, cancel=stop, **given)
    assert not first.done
    assert len(first.scenarios) == 3
    first.save(tmp_path / "stress.json")
    earlier = StressTest.load(tmp_path / "stress.json")
    assert run_stress(system, spec_of(system), system.rules()["longer"], resume=earlier, **given) == gate
    with pytest.raises(DnnExplainError, match="another question"):
        run_stress(system, spec_of(system), system.rules()["always right"], resume=earlier, **given)


def test_reports_agree_with_the_result(gate):
    limits = {"unsafe > 100": "", "worse > 0": "it is <so>"}
    told = json.loads(json.dumps(summary_json(gate, {}, limits)))
    assert [one["verdict"] for one in told["scenarios"]] == [one.verdict for one in gate.scenarios]
    suite = ET.fromstring(junit(gate, limits))
    failures = suite.findall(".//failure")
    assert len(failures) == gate.count("unsafe") + 1 == int(suite.attrib["failures"])
    page = report_html(gate, "dnnexplain stress gate", {}, limits)
    assert "<script" not in page
    assert "http" not in page
    assert "it is &lt;so&gt;" in page
    assert all(one.label in page for one in gate.scenarios)


def test_a_short_log_is_tested_and_generated_inputs_are_then_like_ordinary_ones():
    system = make_system("deeprm", slots=3)
    log = list(system.workloads("uniform", 12, 3))
    found = run_stress(
        system, spec_of(system), system.rules()["fcfs"], recorded=log, budget=120, oracle_seconds=0.01, jobs=1
    )
    assert found.scenarios[1].kind == "log"
    assert found.generated is not None
    assert any("it has 12 job sets" in one and "like ordinary job sets instead" in one for one in found.left_out)


JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "skipped", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}
"""What the usual schema of JUnit files (Jenkins xUnit, junit-10.xsd) knows: attributes and children."""


def test_properties_are_settled_within_their_time_and_told_in_json_and_report(gate, monkeypatch):
    asked = []

    class Found:
        verdict, bound, seconds, limit = "open", 0.5, 0.1, "seconds"

        def sentence(self):
            return "Open: neither proved nor refuted in 1 of 2 cases; bound 0.5."

    def slow(system, policy, claim, *, budget, seed):
        asked.append((claim.name, budget.seconds))
        if len(asked) > 1:
            msg = "there is no program for this"
            raise DnnExplainError(msg)
        return Found()

    monkeypatch.setattr("dnnexplain.explain.stress.claims.prove", slow)
    world = make_system("deeprm")
    told, left = settled(world, spec_of("deeprm"), world.rules()["sjf"], seconds=0.25)
    names = [one.name for one in spec_of("deeprm").properties]
    assert [one["name"] for one in told] == names[:1]
    assert {seconds for _, seconds in asked} == {0.25}
    assert left == [f"Property {name}: there is no program for this." for name in names[1:]]
    whole, commands = replace(gate, properties=told), Commands("stress", "evaluate", {"proofs": "prove"})
    assert summary_json(whole, {}, {})["properties"] == told
    assert f"So far {names[0]}: Open: neither proved nor refuted" in report_html(whole, commands, {}, {})
    assert StressTest.from_json(whole.to_json()) == whole


def test_a_property_without_a_bound_within_its_seconds_can_be_kept():
    world = make_system("deeprm")
    words, _ = settled(world, spec_of("deeprm"), named_policy(world, "untrained"), seconds=1e-6)
    assert {row["verdict"] for row in words} == {"open"}
    assert all(row["bound"] is None for row in words)


def test_junit_has_the_form_that_pipelines_read_whatever_is_in_a_name(gate):
    odd = replace(gate, scenarios=(*gate.scenarios, replace(gate.scenarios[0], name="a\x00\x1b<&>\"'", why="\x08")))
    root = ET.fromstring(junit(odd, {"unsafe > 0 & <1>": "\x01 it is"}))
    for part in root.iter():
        attributes, children = JUNIT[part.tag]
        assert set(part.attrib) <= attributes
        assert {one.tag for one in part} <= children
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase")) == len(odd.scenarios) + 1


def test_each_generated_input_has_the_command_that_runs_it_again(tmp_path):
    system = make_system("deeprm", slots=3)
    log = list(system.workloads("uniform", 12, 3))
    found = run_stress(
        system, spec_of(system), system.rules()["fcfs"], recorded=log, budget=120, oracle_seconds=0.01, jobs=1
    )
    files = {item["workload"]["name"]: f"worst/it's {place}.json" for place, item in enumerate(found.generated.front)}
    page = report_html(found, Commands("again", "dnnexplain evaluate deeprm --slots 3 --policy fcfs"), files, {})
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    assert files
    for file in files.values():
        assert f"--policy {found.scenarios[0].best_rule} --workload {shlex.quote(file)}" in text
    assert "class=again" not in report_html(found, "dnnexplain stress deeprm", files, {}), "no command to run one by"


def test_what_is_earned_is_told_as_earned(gate):
    nominal = replace(gate.scenarios[0], cost=-18.9, rule_cost=-18.3, low=-21.9, high=-16.3, gap=-0.0176)
    worse = replace(nominal, name="worse", verdict="worse", cost=18.8, gap=0.962)
    told = replace(gate, scenarios=(nominal, worse), cost_name="negative reward", ratio=False, generated=None)
    text = re.sub(r"<[^>]+>", "", report_html(told, "dnnexplain stress gate", {}, {}))
    assert "its reward is 18.9, 1.76% better than" in told.sentence()
    assert "its reward is 18.9, 95% interval 16.3 to 21.9" in text
    assert "reward −18.8, 96.2% worse than" in text
    assert "negative reward" not in text


def test_a_report_has_a_section_for_what_an_operator_asks_and_the_commands_that_answer(gate):
    others = {"guard": "dnnexplain guard gate", "proofs": "dnnexplain prove gate"}
    commands = Commands("dnnexplain stress gate --out here", "dnnexplain evaluate gate --policy longer", others)
    page = report_html(gate, commands, {"nominal": "worst/nominal.json"}, {})
    text = re.sub(r"<[^>]+>", "", page)
    for asked in ("better than the best rule", "not be trusted", "never do", "not tested"):
        assert asked in text
    for command in (commands.again, *others.values()):
        assert command in text
    nominal = gate.scenarios[0]
    assert (
        f"evaluate gate --policy longer --policy {nominal.best_rule} --workload {nominal.family} --sets {nominal.sets}"
        in text
    )
    for one in gate.scenarios:
        if one.verdict in {"worse", "unsafe"}:
            assert text.count(one.name) >= 2


@pytest.mark.parametrize("text", ["worst regret", "speed > 2", "unsafe > many", "unsafe > 1.2.3", ""])
def test_a_limit_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(DnnExplainError, match=r"worst regret > 2|is no number"):
        parse_limit(text)


def test_a_limit_is_broken_by_what_it_says(gate):
    unsafe = gate.count("unsafe")
    assert parse_limit(f"unsafe >= {unsafe}").broken(gate)
    assert not parse_limit(f"unsafe > {unsafe}").broken(gate)
    assert not parse_limit("nominal gap > 5%").broken(gate)
    assert "not known" in parse_limit("worst regret > 2").broken(gate)


# --- built-in systems -------------------------------------------------------------------------------


def _world(name):
    spec = spec_of(name)
    return spec, make_system(name, **dict(spec.compared))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_workload_comes_back_from_its_table_and_any_table_becomes_one(name):
    spec, world = _world(name)
    assert isinstance(world, Tabular)
    rule = next(rule for key, rule in world.rules().items() if key not in spec.apart)
    one, two = world.workloads(spec.family().name, 2, 3)
    back = read_case_file(world, json.loads(json.dumps(case_file(world, one, "x"))))
    assert world.run(rule, [back]).cost == world.run(rule, [one]).cost
    assert np.array_equal(world.to_records(back), world.to_records(one))
    wild = world.to_records(two) + np.random.default_rng(1).normal(0, 1e4, world.to_records(two).shape)
    table = world.to_records(world.from_records(wild))
    assert (table >= [knob.low for knob in world.record_knobs]).all()
    assert (table <= [knob.high for knob in world.record_knobs]).all()
    wild[0, 0] = np.nan
    with pytest.raises(DnnExplainError, match="finite"):
        world.from_records(wild)


@pytest.mark.parametrize("name", BUILT_IN)
def test_field_scenarios_draw_the_same_whatever_their_number_and_differ_from_ordinary_ones(name):
    spec, world = _world(name)
    assert len(spec.scenarios) >= 4
    for scenario in spec.scenarios:
        draw = load_reference(scenario.draw)
        few, many = draw(world, 1, 5), draw(world, 2, 5)
        if name != "routing":  # its families draw all matrices from one stream
            assert np.array_equal(world.to_records(few[0]), world.to_records(many[0])), scenario.name
        assert len(many) == 2
        ordinary = world.to_records(world.workloads(spec.family().name, 1, 5)[0])
        table = world.to_records(few[0])
        assert table.shape != ordinary.shape or not np.array_equal(table, ordinary), scenario.name


def test_every_case_has_its_own_name():
    for name in BUILT_IN:
        names = [case.name for case in battery(spec_of(name))]
        assert len(names) == len(set(names)), name


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("seed", [3, 8])
def test_no_two_scenarios_of_a_battery_draw_the_same_workloads(name, seed):
    """A grid's own middle is the ordinary family under another name: deeprm counted it five times."""
    world, spec = make_system(name), spec_of(name)
    every = battery(spec)
    kept = distinct(world, every)
    tables = {
        case.name: (
            case.fault,
            *(np.asarray(world.to_records(one)).tobytes() for one in case.workloads(world, 3, seed)),
        )
        for case in kept
    }
    assert len(set(tables.values())) == len(kept)
    assert kept[0].kind == "nominal"
    assert {case.name for case in every if case.kind != "shift"} == {case.name for case in kept if case.kind != "shift"}


def test_plausibility_is_a_share_of_held_out_workloads():
    rng = np.random.default_rng(0)
    tables = [rng.normal(0, 1, (30, 2)) for _ in range(400)]
    law = Plausibility(tables)
    fresh = law([rng.normal(0, 1, (30, 2)) for _ in range(400)])
    assert 0.01 < (fresh < 0.05).mean() < 0.12
    assert law([rng.normal(3, 1, (30, 2))])[0] == 0.0
    assert law([rng.normal(0, 1, (31, 2))])[0] == 0.0  # there were always thirty records


@pytest.mark.parametrize("ordered", [True, False])
def test_what_is_proposed_lies_between_what_is_known(ordered):
    rng = np.random.default_rng(0)
    one, other = rng.uniform(0, 1, (20, 3)), rng.uniform(0, 1, (15, 3))
    for _ in range(50):
        table = propose(one, other, rng, ordered=ordered)
        assert table.shape == one.shape
        if not ordered:
            assert table.min() >= 0
            assert table.max() <= 1


def test_a_steered_search_finds_worse_likely_inputs_than_as_many_draws():
    _, world = _world("deeprm")
    drawn = world.workloads("deeprm", 200, 0)
    law = Plausibility([world.to_records(one) for one in drawn])
    rules = world.rules()

    def regret(workloads):
        return world.run(rules["fcfs"], workloads).cost - world.run(rules["sjf"], workloads).cost

    found = hardest(world, drawn, law, regret, count=200, seed=1)
    assert len(found.regret) == 200
    ten = np.array(found.likely(0.05)[:10])
    assert (np.array(found.plausibility)[ten] >= 0.05).all()
    assert np.array(found.regret)[ten].mean() > 1.1 * np.sort(regret(drawn))[-10:].mean()
    front = found.front(0.05)
    assert (np.diff(np.array(found.regret)[front]) < 0).all()
    assert (np.diff(np.array(found.plausibility)[front]) > 0).all()
