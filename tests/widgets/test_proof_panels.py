"""Panels about what is proved and where a network fails: verdicts, reasons, regions, guards."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import State
from dnnexplain.explain.guards import Guard, GuardRule
from dnnexplain.explain.proofs.sufficient import SufficientReason
from dnnexplain.explain.regions import FailureProfile, Region, Span, Where
from dnnexplain.policies import TorchPolicy, named_policy
from dnnexplain.registry import make_system
from dnnexplain.results import Question
from dnnexplain.rule_names import rule_label
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels import guarding as guarding_panel
from dnnexplain_widgets.panels.answering import SO_FAR, STOPPED_EMPTY
from dnnexplain_widgets.panels.failing import FailingPanel
from dnnexplain_widgets.panels.failing_map import loss_map
from dnnexplain_widgets.panels.guarding import GuardPanel
from dnnexplain_widgets.panels.never import NeverPanel
from dnnexplain_widgets.panels.reasons import ReasonPanel
from dnnexplain_widgets.panels.room import RoomPanel
from dnnexplain_widgets.panels.time_limit import TimeLimit
from tests.explain.test_proofs import every_state, jobs_only, networks, small


def ended(panel: Any) -> Any:
    assert panel.jobs.wait(240)
    assert not panel.busy
    assert not panel.error, panel.error
    return panel


@pytest.fixture(scope="module")
def world() -> Any:
    system = small()
    return system, TorchPolicy(networks(system)["plain"], system, masked=True)


def test_a_refuted_property_opens_its_witness() -> None:
    system = make_system("cellular")
    state = State(system.repair(np.array([[knob.start for knob in system.knobs]]))[0])
    panel = NeverPanel(system, named_policy(system, "default"), state, parts=20)
    panel.run()
    ended(panel)
    rows = panel.figure["cells"]["rows"]
    assert [row["label"] for row in rows] == [verdict.claim.text for verdict in panel.result.values()]
    for place, (name, verdict) in enumerate(panel.result.items()):
        panel.answers = {**panel.answers, "chosen": [place, 0]}
        assert verdict.claim.text in panel.sentence
        if verdict.witness is not None:
            assert np.allclose(panel.session.state.values, np.atleast_2d(verdict.witness)[0]), name
    assert any(one.verdict == "fails" for one in panel.result.values())


def test_a_reason_names_what_is_fixed_and_opens_what_flips_it(world: Any) -> None:
    system, policy = world
    state = State(every_state(system, jobs_only(system))[9])
    panel = ReasonPanel(system, policy, state)
    panel.run()
    ended(panel)
    found = panel.result
    assert isinstance(found, SufficientReason)
    shown = {row["label"]: row["cells"][1]["text"] for row in panel.figure["cells"]["rows"]}
    groups = {knob.name: knob.group or knob.name for knob in system.knobs}
    assert all(name.removeprefix(groups[name]).strip() in shown[groups[name]] for name in found.fixed)
    assert f"{len(found.fixed)} knob" in panel.sentence or not found.fixed
    assert found.flipped is not None
    panel.on_press("open")
    assert np.allclose(panel.session.state.values, found.flipped.values)


def test_a_reason_of_a_thousand_knobs_is_a_table_that_can_be_read() -> None:
    system = make_system("routing")
    panel = ReasonPanel(system, named_policy(system, "untrained"))
    fixed = {knob.name: 1.0 for knob in system.knobs}
    found = SufficientReason(
        decision="shortest", fixed=fixed, free=(), proved=True, minimal=False, minimum=False, flips=(), flipped=None,
        checked=0.0, seconds=0.0, queries=1, quantifies="",
    )  # fmt: skip
    panel._take(found)
    rows = panel.figure["cells"]["rows"]
    groups = {knob.group or knob.name for knob in system.knobs}
    assert rows[-1]["label"] == f"{len(groups) - 20} more groups"
    assert len(rows) == 21
    assert all(row["cells"][1]["text"].count(" = ") <= 4 for row in rows)
    panel.close()


def test_regions_are_ranked_and_told(world: Any) -> None:
    system, policy = world
    panel = FailingPanel(system, policy, sets=2, states=8)
    panel.run()
    ended(panel)
    assert panel.result.words in panel.sentence
    assert len(panel.figure["cells"]["rows"]) == len(panel.result.regions)


def test_a_region_has_a_map_of_what_is_lost_over_its_quantities() -> None:
    values = np.array([[x, y, 0.0] for x in range(4) for y in range(3)], dtype=float)
    losses = np.where((values[:, 0] > 1) & (values[:, 1] > 0), 2.0, 0.0)
    where = Where((Span("queue", 1.5), Span("work", 0.5)))
    region = Region(where, "queue is long", 4, 8, 1.0, 0.0, 2.0, 0.0, 1 / 3, 0.01, 0.01, 0, float("nan"), "")
    question = Question("gate", "", "lazy", "", "regions")
    profile = FailureProfile(
        question, "decisions", (region,), 1, 12, 1 / 3, 2 / 3, "steps", 1.0, ("queue", "work", "still"), values, losses
    )
    drawn = loss_map(profile, region, {"work": "units"})
    cells = np.frombuffer(drawn["sides"][0]["action"], dtype=np.float32).reshape(3, 4)
    assert np.array_equal(cells, losses.reshape(4, 3).T)
    assert [drawn[way]["values"] for way in ("across", "down")] == [[0, 1, 2, 3], [0, 1, 2]]
    assert np.allclose(drawn["box"], [0.5, 1.0, 1 / 3, 1.0])
    assert (drawn["down"]["unit"], drawn["names"], drawn["high"]) == ("units", ["steps"], 2.0)
    one = replace(region, where=Where((Span("work", 0.5),)))
    assert [loss_map(profile, one, {})[way]["name"] for way in ("across", "down")] == ["work", "queue"]
    unseen = loss_map(replace(profile, values=values[1:], losses=losses[1:]), region, {})
    assert np.isnan(np.frombuffer(unseen["sides"][0]["action"], dtype=np.float32)[0])


def test_a_search_for_regions_that_is_cancelled_shows_what_it_has(world: Any) -> None:
    system, policy = world
    panel = FailingPanel(system, policy, sets=3, states=60)
    judge, asked = system.judge, []

    def judged(state: State, **given: Any) -> Any:
        asked.append(state)
        if len(asked) == 30:
            panel.cancel()
        return judge(state, **given)

    system.judge = judged
    try:
        panel.run()
        ended(panel)
    finally:
        del system.judge
    assert 0 < panel.result.samples < 60
    assert any("Ended early" in one for one in panel.result.assumed)


@pytest.fixture(scope="module")
def guarding(world: Any) -> Any:
    system, policy = world
    panel = GuardPanel(system, policy, sets=3, rounds=1)
    guard = Guard("deeprm", (GuardRule(Where((Span("backlog", 0.5),)), "sjf"), GuardRule(Where(), "fcfs")))
    panel.on_file("guard", "guard.json", guard.to_json().encode())
    return ended(panel), guard


def test_a_guard_from_a_file_is_measured_and_kept(guarding: Any) -> None:
    panel, guard = guarding
    assert panel.result.stepped_in == 1.0
    assert panel.result.words in panel.sentence
    for rule in panel.guard.rules:
        assert f"do as {rule_label(rule.do)}." in panel.sentence
    panel.on_press("keep")
    assert Guard.from_json(panel.download["text"]).rules == guard.rules
    panel.set_answers(**{"as": "python"})
    panel.on_press("keep")
    assert panel.download["name"] == "guard.py"
    assert "def decides(features)" in panel.download["text"]


def test_an_episode_with_the_guard_says_of_each_decision_who_decides(guarding: Any) -> None:
    panel, _ = guarding
    panel.set_answers(episode="1")
    panel.on_press("watch")
    ended(panel)
    runs = panel.pair
    assert (runs.network.policy, runs.rule.policy) == (f"{panel.bare.name} with a guard", panel.bare.name)
    assert len(panel.figure["runs"]) == 2
    assert panel.figure["cells"]["rows"]
    for decision in range(len(runs.network.actions)):
        panel.set_answers(decision=decision)
        assert re.search(r"Rule [12] decides here, and in [1-9]\d* of \d+ decisions", panel.sentence)


def test_switched_on_the_whole_page_is_about_the_guarded_network(guarding: Any) -> None:
    panel, _ = guarding
    bare = panel.session.policy
    panel.set_answers(on=True)
    assert panel.session.policy.policy is bare
    assert panel.session.policy.why(panel.session.live.observation).startswith("Rule ")
    assert not panel.outdated
    assert panel.worker_policy().name == bare.name
    panel.set_answers(on=False)
    assert panel.session.policy is bare
    panel.session.policy = panel._guarded(bare)
    assert panel.answers["on"]
    panel.session.policy = bare
    assert not panel.answers["on"]


def test_a_rule_that_is_left_out_is_measured_without(guarding: Any) -> None:
    panel, guard = guarding
    panel.set_answers(rule="1")
    panel.on_press("leave")
    ended(panel)
    assert panel.guard.rules == guard.rules[:1]
    assert panel.result.stepped_in < 1.0


def test_a_guard_in_the_making_that_is_cancelled_is_kept_and_measured(world: Any) -> None:
    system, policy = world
    panel = GuardPanel(system, policy, sets=3, rounds=2, cycles=50, tries=4)
    pressed = []

    def watch(change: Any) -> None:
        if not pressed and "attacking guards" in change["new"].get("text", "").lower():
            pressed.append(True)
            panel.cancel()

    panel.observe(watch, "busy")
    panel.run()
    ended(panel)
    assert pressed
    assert panel.result.question.settings["rounds"] == 1
    assert panel.guard.rules
    assert panel.stopped == SO_FAR

    panel = GuardPanel(system, policy, sets=3, rounds=2, cycles=50, tries=100_000)
    panel.run()
    panel.cancel()
    ended(panel)
    assert (panel.guard, panel.stopped) == (None, STOPPED_EMPTY)  # before any guard was tried


def test_a_guard_is_made_and_measured_within_the_time_that_its_panel_promises(world: Any, monkeypatch: Any) -> None:
    system, policy = world
    monkeypatch.setitem(guarding_panel.SECONDS, "quick", 1.0)
    panel = GuardPanel(system, policy, sets=3, rounds=2, cycles=10**6, tries=10**5)
    told = []
    panel.observe(lambda change: told.append(change["new"].get("fraction")), "busy")
    began = time.process_time()
    panel.run()
    ended(panel)
    assert time.process_time() - began < 20.0
    assert panel.guard.ended_by == "seconds"
    assert panel.guard.notes[0] in panel.sentence
    known = [share for share in told if share is not None]
    assert known == sorted(known)
    assert known[-1] > 0.5


def test_the_time_left_that_is_told_is_never_more_than_there_is() -> None:
    told: list[tuple[float | None, str]] = []
    task = Task(report=lambda fraction, words: told.append((fraction, words)))
    limit = TimeLimit(task, 1000.0)
    limit.stage(0.0, 0.75)(1, 4, "half of it")
    task._last = 0.0
    limit._began -= 500.0  # half of the time is over
    tell = limit.stage(0.75, 1.0)
    assert 499 < limit.left <= 500
    tell(1, 2, "measuring")
    assert told == [(pytest.approx(0.1875, abs=1e-3), "Half of it"), (pytest.approx(0.875, abs=1e-3), "Measuring")]
    limit._began -= 600.0
    assert limit.left == 0.0
    task._last = 0.0
    limit.stage(0.75, 1.0)(0, 2, "late")
    assert told[-1] == (1.0, "Late")


def test_the_size_of_a_guards_attacks_is_chosen_and_the_code_says_it(world: Any) -> None:
    system, policy = world
    panel = GuardPanel(system, policy)
    sizes = next(one for one in panel.controls if one["name"] == "size")["options"]
    lines = []
    for name, label in sizes:
        panel.set_answers(size=name)
        lines.append(next(line for line in panel.code_lines() if "compile_guard(system" in line))
        assert f"rounds={label.split(': ')[1].split()[0]}" in lines[-1]
    assert len(set(lines)) == len(sizes) == 3


def test_the_gap_to_the_best_plan_is_split_in_a_row_for_each_level() -> None:
    system: Any = make_system("routing")
    panel = RoomPanel(system, named_policy(system, "default"), workers=1, oracle_seconds=1.0)
    panel.set_answers(sets=2, futures=1)
    panel.on_press("run")
    ended(panel)
    found, rows = panel.result, panel.figure["ranges"]["rows"]
    assert len(rows) == len(found.levels) >= 3
    for row, level in zip(rows, found.levels, strict=True):
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        assert level.words.lower().replace("-", " ") == row["name"].lower().replace("-", " ")
    costs = [row["value"] for row in rows]
    assert costs.index(min(costs)) == len(rows) - 1, "the best plan that is known beforehand costs least"
    assert found.short_sentence() in panel.sentence
    assert panel.figure["notes"] == list(found.assumed)
    assert panel.figure["cells"]["rows"] == [], "nothing is told apart here"
    assert all(reason in panel.sentence for reason in found.left_out)
