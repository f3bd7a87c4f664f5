"""What a stress test answers beside its verdicts: where it stops winning, what a guard helps, in which regions it fails."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.cli.stress import _guard
from dnnexplain.cli.system_options import SystemOptions
from dnnexplain.contract import Remembering, Spec, in_episodes
from dnnexplain.explain.guards import Guard, Guarded, GuardRule, Stay
from dnnexplain.explain.regions import Span, Where
from dnnexplain.explain.stress import FAULTS, FaultyInput, ScenarioResult, StressTest, battery
from dnnexplain.explain.stress import stress as run_stress
from dnnexplain.explain.stress.boundaries import boundaries
from dnnexplain.explain.stress.cases import Case, distinct, grids_of
from dnnexplain.explain.stress.helping import guard_words
from dnnexplain.explain.stress.report import report_html
from dnnexplain.explain.stress.summaries import summary_json
from dnnexplain.numbers import number, percent
from dnnexplain.registry import BUILT_IN, spec_of
from tests.explain.test_stress import Gate
from tests.fakes import FakeChoice, FakeRule


def result(case: Case, gap: float, verdict: str = "within 5%") -> ScenarioResult:
    return ScenarioResult(
        case.name, case.kind, "", verdict, "", sure=True, cost=1, low=1, high=1, best_rule="a", rule_cost=1, gap=gap,
        gap_low=gap, gap_high=gap, sets=9, family=case.family, parameters=case.parameters,
    )  # fmt: skip


def along(spec: Spec) -> list[tuple[Case, str, float]]:
    """Shifted scenarios of the first grid that varies a quantity, each with its line and its value; none if no grid does."""
    cases = {case.name: case for case in battery(spec)}
    for grid in grids_of(spec):
        lines = []
        for row in grid.rows:
            for column in grid.columns or (None,):
                name = f"{grid.name}: {f'{row.label}, {column.label}' if column else row.label}"
                moved = column if column is not None and column.value is not None else row
                line = row.label if moved is column else column.label if column else grid.name
                if moved.value is not None and name in cases:
                    lines.append((cases[name], line, moved.value))
        if lines:
            return lines
    return []


VARYING = [name for name in BUILT_IN if along(spec_of(name))]


@pytest.mark.parametrize("name", VARYING)
def test_where_a_mean_crosses_the_best_rules_is_told_along_every_line(name):
    spec = spec_of(name)
    cells = along(spec)
    values = sorted({value for _, _, value in cells})
    wanted = 0.3 * values[0] + 0.7 * values[-1]
    found = boundaries(spec, [result(case, value - wanted) for case, _, value in cells], "ours")
    assert {item.row for item in found} == {line for _, line, _ in cells}
    assert all(item.wins_before and item.value == pytest.approx(wanted) for item in found)
    assert found[0].words == (
        f"{found[0].row}: stops winning between {found[0].before} and {found[0].after} (at about {number(wanted)})"
    )
    assert not boundaries(spec, [result(case, -1.0) for case, _, _ in cells], "ours"), "it wins everywhere"


@pytest.mark.parametrize("name", VARYING)
def test_what_costs_less_only_because_work_went_wrong_is_no_boundary(name):
    spec = spec_of(name)
    cells = along(spec)
    largest = max(value for _, _, value in cells)
    mixed = [
        result(case, 0.5, "worse") if value < largest else result(case, -0.5, "unsafe") for case, _, value in cells
    ]
    assert not boundaries(spec, mixed, "ours")


@pytest.fixture(scope="module")
def guarded() -> tuple[StressTest, StressTest]:
    system: Any = Gate()
    bare = system.rules()["always right"]
    policy = Guarded(bare, Guard("gate", (GuardRule(Where((Span("left queue", above=4.0),)), "left"),)), system)
    return tuple(run_stress(system, spec_of(system), item, budget=700, jobs=1) for item in (policy, bare))


def test_a_guarded_policy_is_run_without_its_guard_beside_it(guarded):
    test, bare = guarded
    for ours, theirs in zip(test.scenarios, bare.scenarios, strict=True):
        assert ours.name == theirs.name
        assert ours.without["cost"] == pytest.approx(theirs.cost)
        assert ours.without["gap"] == pytest.approx(theirs.gap)
        assert ours.without["verdict"] == theirs.verdict
        assert not theirs.without
    assert not guard_words(bare)
    assert StressTest.from_json(test.to_json()) == test


def test_how_often_a_guard_stepped_in_is_counted_scenario_by_scenario(guarded):
    test, _ = guarded
    system: Any = Gate()
    drawn = {case.name: case for case in distinct(system, battery(spec_of(system), None), 0)}
    policy = Guarded(
        system.rules()["always right"],
        Guard("gate", (GuardRule(Where((Span("left queue", above=4.0),)), "left"),)),
        system,
    )
    seen = set()
    for item in test.scenarios:
        if item.kind == "fault":
            continue
        policy.forget()
        system.run(policy, drawn[item.name].workloads(system, item.sets, 0), seed=0)
        assert item.without["stepped_in"] == policy.steps_in.share
        assert item.without["changed"] == policy.steps_in.share_changed
        seen.add(item.without["stepped_in"])
    assert seen
    assert 0 < min(seen) < 1
    assert {item.without["stepped_in"] for item in test.scenarios} > seen, "a fault shows the guard something else"
    shares = {item.label: item.without["stepped_in"] for item in test.scenarios}
    most = max(shares, key=shares.get)
    assert f"It took {percent(shares[most])} of the decisions in {most} (" in guard_words(test)


def test_what_a_guard_helps_is_told_with_its_figures(guarded):
    test, bare = guarded
    words = guard_words(test)
    count = sum(item.verdict == "unsafe" for item in bare.scenarios)
    assert words.startswith(f"Without the guard it is unsafe in {count or 'none'} of {len(test.scenarios)} scenarios")
    assert f"{test.scenarios[0].cost:.3g} with it and {bare.scenarios[0].cost:.3g} without" in words
    told = json.loads(json.dumps(summary_json(test, {}, {})))
    assert told["guard_helps"] == words
    assert told["scenarios"][0]["without_guard"]["verdict"] == bare.scenarios[0].verdict
    assert "Without the guard it is unsafe" in report_html(test, "dnnexplain stress gate", {}, {})


def test_regions_of_ordinary_workloads_are_part_of_it_and_of_its_count(guarded):
    bare = guarded[1]
    region = bare.regions["regions"][0]
    assert "left queue" in region["rule"], "always right fails where many wait on the left"
    assert region["loss"] > region["loss_outside"]
    assert region["p"] < 0.05
    assert bare.regions["words"].startswith("Something is lost in ")
    assert bare.runs == sum(item.sets for item in bare.scenarios) + 2 * bare.regions["sets"] <= 700
    page = report_html(bare, "dnnexplain stress gate", {}, {})
    assert "Where does it stop winning?" in page
    assert "left queue" in page
    small = run_stress(Gate(), spec_of(Gate()), Gate().rules()["always right"], budget=300, jobs=1)
    assert not small.regions
    assert any("Regions of" in item and "600 is enough" in item for item in small.left_out)


GATE: Any = FakeChoice()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_policy_keeps_its_memory_while_its_input_has_a_fault(fault):
    lazy = FakeRule("lazy", GATE.decode, lambda values: np.tile([2.0, 1.0, 0.0], (len(values), 1)))
    rule = GuardRule(Where((Span("right queue", above=1.0),)), "wait", after=2, stay=Stay(decisions=3))
    policy = Guarded(lazy, Guard("fake-gate", (rule,)), GATE)
    walks = np.random.default_rng(3).integers(0, [6, 4], size=(30, 5, 2)).astype(float)
    seen = [GATE.encode(step) for step in walks]
    faulty = FaultyInput(policy, FAULTS[fault], GATE, 0)
    assert isinstance(faulty, Remembering)
    course, together = in_episodes(faulty, 5), []
    for step in seen:
        said = course.outputs(step, keep=False)
        together.append(course.outputs(step))
        assert np.array_equal(said, together[-1])
    assert faulty.decisions == 30 * 5
    for episode in range(5):
        plain = in_episodes(policy, 1)
        first = before = seen[0][episode : episode + 1]
        for at, step in enumerate(seen):
            now = step[episode : episode + 1]
            outputs = plain.outputs(FAULTS[fault].spoil(now, before, first, faulty._cells))
            wanted = outputs if np.isfinite(outputs).all() else np.zeros_like(outputs)
            assert np.array_equal(together[at][episode], wanted[0])
            before = now


def test_one_without_a_memory_is_asked_as_ever():
    assert not isinstance(FaultyInput(GATE.rules()["right first"], FAULTS["lost"], GATE, 0), Remembering)


def test_the_report_names_the_rules_of_the_guard(tmp_path):
    options = SystemOptions(spec_of("deeprm"), guard=tmp_path / "guard.json")
    rule = GuardRule(Where((Span("right queue", above=1.0),)), "wait")
    lazy = FakeRule("lazy", GATE.decode, lambda values: np.tile([2.0, 1.0, 0.0], (len(values), 1)))
    words = _guard(Guarded(lazy, Guard("fake-gate", (rule,)), GATE), options)
    assert words.startswith(
        "Every run had the guard guard.json around the policy: where right queue is at least 2 cars"
    )
    assert "wait" in words
    assert "it has no rule" in _guard(Guarded(lazy, Guard("fake-gate"), GATE), options)


def test_no_scheduler_at_an_address_is_said(capsys, tmp_path):
    line = ["stress", "--budget", "20", "--dask", "tcp://127.0.0.1:9", "--out", str(tmp_path / "report")]
    assert main(line) == 2
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err
