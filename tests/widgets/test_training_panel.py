"""The training panel: runs that start, stop and go on, their curves, and the network that comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnexplain.app import train_worker
from dnnexplain.app.options import panel_options
from dnnexplain.app.training import School
from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy, load_shipped, mlp
from dnnexplain.registry import fair_rules
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard, TrainingPanel
from dnnexplain_widgets.panels.training_runs import Lessons


def point(iteration: int, greedy: float, agreement: float) -> dict[str, float]:
    return {"iteration": iteration, "greedy": greedy, "agreement": agreement}


class FakeCourse:
    """Six iterations with a point after every second; can be stopped after any of them."""

    def __init__(self, policy: Any, lesson: Mapping[str, Any]) -> None:
        self.begun_from, self.lesson, self.done, self.stopped = policy, lesson, 0, False
        self.stop_at: int | None = None

    def follow(self, tell: Callable[[Mapping[str, Any]], None]) -> bool:
        points = [point(i, 5 + 0.1 * i, 0.9 + 0.01 * i) for i in range(0, self.done + 1, 2)]
        tell({"kind": "begin", "points": points, "yardsticks": {"sjf": 7.5}, "sets": 60, "cost": "mean slowdown"})
        while self.done < 6:
            if self.done == self.stop_at:
                self.stop_at = None
                return False
            self.done += 1
            if self.done % 2 == 0:
                tell({"kind": "point", "point": point(self.done, 5 + 0.1 * self.done, 0.9 + 0.01 * self.done)})
            tell({"kind": "step", "iteration": self.done, "total": 6, "seconds": 1.0})
        tell({"kind": "end"})
        return True

    def stop(self) -> None:
        self.stopped = True

    def policy(self) -> Any:
        return self.begun_from

    def save(self, file: str) -> Path:
        path = Path(file)
        path.write_bytes(b"weights")
        return path


class FakeSchool:
    teachers: Mapping[str, str] = {"sjf": "do as SJF does", "never-hold": "never hold a job that fits"}
    workloads: Mapping[str, str] = {"home": "the training workload", "mix": "a mix"}

    def __init__(self) -> None:
        self.courses: list[FakeCourse] = []

    def code(self, lesson: Mapping[str, Any]) -> tuple[str, ...]:
        return (f"lesson = {dict(lesson)!r}",)

    def course(self, policy: Any, lesson: Mapping[str, Any]) -> FakeCourse:
        self.courses.append(FakeCourse(policy, lesson))
        return self.courses[-1]


@pytest.fixture(scope="module")
def system() -> Any:
    return make_system("deeprm", slots=3)


@pytest.fixture
def panel(system: Any) -> TrainingPanel:
    return TrainingPanel(system, TorchPolicy(mlp(system), system, name="mine"), school=FakeSchool())


def press(panel: TrainingPanel, name: str) -> None:
    panel.presses = {**panel.presses, name: panel.presses.get(name, 0) + 1}
    assert panel.jobs.wait(60)


def disabled(panel: TrainingPanel) -> set[str]:
    return {one["name"] for one in panel.controls if one.get("disabled")}


def test_a_run_gives_curves_a_sentence_and_a_network(panel: TrainingPanel) -> None:
    assert disabled(panel) == {"more", "explain", "save", "clear"}
    panel.answers = {**panel.answers, "teacher": "never-hold", "weight": 0.5}
    press(panel, "train")
    assert panel.error == ""
    course = panel.school.courses[0]
    assert (course.lesson["teacher"], course.lesson["weight"], course.lesson["iterations"]) == ("never-hold", 0.5, 40)
    cost, agreement = panel.figure["lessons"]["charts"]
    assert cost["series"][0]["points"] == [[0, 5], [2, 5.2], [4, 5.4], [6, pytest.approx(5.6)]]
    assert cost["levels"] == [{"name": "SJF", "value": 7.5}]
    assert agreement["series"][0]["points"][-1] == [6, pytest.approx(96)]
    assert (
        "After 6 iterations (never hold a job that fits, strength 3), mean slowdown is 5.6 on 60 held-out workloads"
        in panel.sentence
    )
    assert "12.0% worse (before: 5; SJF 7.5)" in panel.sentence
    assert "obeyed in 96.0% of decisions that have a choice (before: 90.0%)" in panel.sentence
    (run,) = panel.result.runs
    assert run["ended"]
    assert run["asked"]["teacher"] == "never-hold"
    assert Lessons.from_json(panel.result.to_json()) == panel.result
    assert "more" in disabled(panel)


def test_a_stopped_run_goes_on_where_it_was(panel: TrainingPanel) -> None:
    course_of = panel.school.course

    def stopping(policy: Any, lesson: Mapping[str, Any]) -> FakeCourse:
        course = course_of(policy, lesson)
        course.stop_at = 3
        return course

    panel.school.course = stopping  # type: ignore[method-assign]
    press(panel, "train")
    assert "more" not in disabled(panel)
    assert [p[0] for p in panel.figure["lessons"]["charts"][0]["series"][0]["points"]] == [0, 2]
    press(panel, "more")
    assert [p[0] for p in panel.figure["lessons"]["charts"][0]["series"][0]["points"]] == [0, 2, 4, 6]
    assert len(panel.school.courses) == 1


def test_runs_are_kept_side_by_side_and_cleared(panel: TrainingPanel) -> None:
    press(panel, "train")
    panel.answers = {**panel.answers, "weight": 0}
    press(panel, "train")
    names = [one["name"] for one in panel.figure["lessons"]["charts"][0]["series"]]
    assert names == ["do as SJF does, strength 3", "rewards only"]
    press(panel, "clear")
    assert panel.figure["lessons"]["charts"] == []
    assert panel.sentence == ""


def test_the_network_is_explained_at_once_and_can_be_chosen(system: Any) -> None:
    first = TorchPolicy(mlp(system), system, name="mine")
    board = Dashboard(system, first, options={"TrainingPanel": {"school": FakeSchool()}})
    panel = board.panel("TrainingPanel")
    press(panel, "train")
    taught = TorchPolicy(mlp(system), system, name="taught")
    panel.school.courses[0].begun_from = taught
    press(panel, "explain")
    assert panel.error == ""
    named = "do as SJF does, strength 3, 6 iterations"  # the menu's name, which all results then have
    assert board.masthead.answers["policy"] == board.session.policy.name == named
    assert board.session.policy.module is taught.module
    assert taught.name == "taught"
    board.masthead.use("mine")
    assert board.session.policy is first
    press(panel, "train")
    assert panel.school.courses[1].begun_from is not first  # a network of its own: the page's is not trained


def test_alone_it_explains_in_its_own_session(panel: TrainingPanel, tmp_path: Path) -> None:
    press(panel, "train")
    press(panel, "explain")
    assert panel.session.policy is panel.school.courses[0].begun_from
    panel.answers = {**panel.answers, "file": str(tmp_path / "out.safetensors")}
    press(panel, "save")
    assert (tmp_path / "out.safetensors").read_bytes() == b"weights"
    assert "Saved to" in panel.sentence


def test_a_tree_can_be_the_teacher(panel: TrainingPanel) -> None:
    panel.upload = {"name": "tree", "file": "rules.txt", "content": b"if ..."}
    assert "is no tree of rules" in panel.error
    panel.upload = {"name": "tree", "file": "rules.json", "content": b'{"nodes": {}}'}
    assert panel.answers["teacher"] == "tree"
    press(panel, "train")
    assert panel.school.courses[0].lesson["tree"] == '{"nodes": {}}'
    assert panel.result.runs[0]["name"] == "the rules in rules.json, strength 3"


def test_a_dashboard_that_is_given_no_school_has_no_such_panel(system: Any) -> None:
    board = Dashboard(system, TorchPolicy(mlp(system), system), section="knowledge")
    assert "TrainingPanel" not in {type(panel).__name__ for panel in board.panels}
    with pytest.raises(DnnExplainError, match="TrainingPanel"):
        board.panel("TrainingPanel")


def test_what_goes_wrong_is_said(system: Any, panel: TrainingPanel) -> None:
    with pytest.raises(DnnExplainError, match="needs to be given a school"):
        TrainingPanel(system, TorchPolicy(mlp(system), system))
    for name, said in (("explain", "o network was trained yet"), ("more", "here is no run to go on with")):
        press(panel, name)
        assert said in panel.error
    panel.answers = {**panel.answers, "teacher": "sfj"}
    press(panel, "train")
    assert "Did you mean 'sjf'" in panel.error


# --- the process ---

LESSON = {
    "teacher": "sjf", "strength": 3.0, "weight": 1.0, "decay": 0.9, "workload": "home", "iterations": 3, "seed": 2,
}  # fmt: skip


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Any], list[dict[str, Any]]]:
    """Runs a course's worker in this process instead of one of its own; returns what it said."""
    monkeypatch.setattr(train_worker.os, "nice", lambda _: None)

    def run(course: Any) -> list[dict[str, Any]]:
        assert train_worker.main(course.folder) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"kind"' in line]

    return run


def test_a_process_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(system: Any, here: Any) -> None:
    school = School(system)
    start = TorchPolicy(mlp(system), system, name="mine")
    before = start.checkpoint
    whole, broken = school.course(start, LESSON), school.course(start, LESSON)
    heard = here(whole)
    assert [one["kind"] for one in heard] == ["begin", "step", "point", "step", "point", "step", "end"]
    assert heard[0]["points"][0]["iteration"] == 0
    yardsticks = heard[0]["yardsticks"]
    assert len(yardsticks) == 2
    assert set(yardsticks) <= set(fair_rules(system))
    assert heard[0]["beside"] in system.rules()
    assert 0 < heard[0]["points"][0]["agreement"] < 1
    with pytest.raises(DnnExplainError, match="has learned nothing yet"):
        broken.policy()

    def stopper(said: Mapping[str, Any]) -> None:
        if said["kind"] == "step" and said["iteration"] == 1:
            broken.stop()

    assert not broken.follow(stopper)
    assert here(broken)[-1] == {"kind": "end"}
    one, two = whole.policy(), broken.policy()
    assert one.checkpoint == two.checkpoint != before
    assert start.checkpoint == before
    assert np.isfinite(one.outputs(system.reachable[:2])).all()


def test_the_panel_as_python_trains_to_the_same_network(system: Any, here: Any) -> None:
    start = load_shipped(make_system("deeprm"))
    whole = start.system
    panel = TrainingPanel(whole, start, school=School(whole))
    panel.answers = {**panel.answers, "teacher": "never-hold", "iterations": 2}
    code = panel.copy_as_python()
    assert "school=School(system))" in code
    names: dict[str, Any] = {"policy": start}
    exec(code.replace("policy = ...", "policy = policy  # ..."), names)
    course = panel.school.course(start, panel._options())
    here(course)
    assert names["taught"].checkpoint == course.policy().checkpoint != start.checkpoint


def test_what_the_process_refuses_is_said_in_its_words(system: Any, here: Any) -> None:
    school = School(system)
    start = TorchPolicy(mlp(system), system, name="mine")
    (said,) = here(school.course(start, {**LESSON, "teacher": "sfj"}))
    assert said["kind"] == "error"
    assert "Did you mean 'sjf'" in said["text"]
    with pytest.raises(DnnExplainError, match="is not a network"):
        school.course(system.rules()["sjf"], LESSON)


def test_the_app_gives_its_panels_a_school() -> None:
    school = panel_options(make_system("deeprm"), {})["TrainingPanel"]["school"]
    assert isinstance(school, School)
    assert next(iter(school.teachers)) == "sjf"
