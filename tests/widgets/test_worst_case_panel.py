"""The worst-case panel: searches end, are drawn, kept, saved, go on; failures are told and lose nothing."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain import SearchComparison, compare_searches, problem_of
from dnnexplain.explain.decisions.flows import compare_flows
from dnnexplain.systems.routing.problem import RoutingProblem
from dnnexplain_widgets import TopologyPanel, WorstCasePanel
from dnnexplain_widgets.panels.worst_case_words import TITLES
from tests.widgets.rings import CASES, RING, answer, drawn_router, press


def searched(panel, **answers):
    answer(panel, budget=0.5, **answers)
    press(panel, "search")
    assert panel.error == ""
    assert panel.jobs.wait(60)
    return panel.result


def test_searches_are_drawn_and_their_cases_open_in_the_editor(seeing_history, tmp_path):
    editor, panel = TopologyPanel(session=seeing_history), WorstCasePanel(session=seeing_history)
    press(panel, "open")
    assert panel.error == "Search first; there is no case yet."
    found = searched(panel, **{"method gray-box": True, "method random": True, "method simulated-annealing": False})
    assert [case.method for case in found.cases] == ["gray-box", "random"]
    assert found.best.sentence("Gray-box gradients") in panel.sentence
    names = [one["name"] for one in panel.figure["race"]["series"]]
    assert names == [TITLES["gray-box"], TITLES["random"]]
    answer(panel, chosen=[1, 0])
    assert panel.error == ""
    assert editor.result.ratio == pytest.approx(found.case("random").ratio, rel=1e-6)
    press(panel, "open")
    assert panel.shown == "random"
    np.testing.assert_array_equal(np.frombuffer(panel.figure["graph"]["marks"], np.int8), editor.result.marks)
    answer(panel, chosen=[7, 0])
    assert "no case '7'" in panel.error
    assert "compare_searches(problem, ['gray-box', 'random']" in panel.copy_as_python()
    again = WorstCasePanel(session=seeing_history)
    again.load(found.save(tmp_path / "worst.json"))
    assert again.result == found
    again.upload = {"name": "load", "file": "x.json", "content": b"\xff\xfe"}
    assert "it is not text" in again.error
    assert again.result == found


def test_cancel_keeps_what_was_found_and_go_on_continues(seeing_now):
    panel = WorstCasePanel(session=seeing_now, methods=["random-sparse"])
    answer(panel, budget=60)
    press(panel, "search")
    for _ in range(600):
        if panel.under_way.get("random-sparse"):
            break
        panel.jobs.wait(0.05)
    press(panel, "cancel")
    assert panel.jobs.wait(60)
    kept = panel.result
    assert not kept.complete
    assert kept.best.stopped == "cancelled"
    assert panel.badge["level"] == "amber"
    answer(panel, budget=0.5)
    press(panel, "more")
    assert panel.jobs.wait(60)
    more = panel.result
    assert more.best.lower >= kept.best.lower
    assert more.best.cpu_seconds >= kept.best.cpu_seconds + 0.5


def test_with_the_matrix_fixed_only_the_history_is_searched(seeing_history):
    panel = WorstCasePanel(session=seeing_history, methods=["gray-box"])
    routed = seeing_history.state.values[CASES.graph.knobs]
    found = searched(panel, chooses="seen")
    assert len(found.best.x) == 24
    panel.open_case()
    np.testing.assert_array_equal(seeing_history.state.values[CASES.graph.knobs], routed)
    assert compare_flows(CASES, seeing_history.policy, seeing_history.state).ratio == pytest.approx(
        found.best.ratio, rel=1e-6
    )


def test_another_network_s_case_is_not_opened_as_this_one_s(seeing_history):
    panel = WorstCasePanel(session=seeing_history, methods=["random"])
    searched(panel)
    state = seeing_history.state
    seeing_history.policy = CASES.seen_by(drawn_router(2, seed=8))
    press(panel, "open")
    assert "another network" in panel.error
    assert seeing_history.state is state


def test_the_box_is_drawn_around_the_case(seeing_now):
    panel = WorstCasePanel(session=seeing_now, methods=["gray-box"])
    found = searched(panel)
    press(panel, "box")
    assert panel.jobs.wait(120)
    assert panel.error == ""
    box = panel.box
    assert box.ratio == pytest.approx(found.best.ratio, rel=1e-4)
    assert (box.low <= found.best.x + 1e-9).all()
    assert (found.best.x <= box.high + 1e-9).all()
    assert box.sentence() in panel.sentence
    rows = panel.figure["ranges"]["rows"]
    assert len(rows) == 12
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    problem = problem_of(RING, seeing_now.policy)
    drawn = np.random.default_rng(5).uniform(box.low, box.high, (64, 12))
    assert (problem.ratio(problem.domain.valid(drawn)) >= box.threshold).mean() > 0.8


def test_a_solver_that_fails_in_a_search_is_told(seeing_now, monkeypatch):
    panel = WorstCasePanel(session=seeing_now, methods=["random"])

    def fail(self, x):
        msg = "HiGHS did not solve the routing"
        raise DnnExplainError(msg)

    monkeypatch.setattr(RoutingProblem, "optimum", fail)
    answer(panel, budget=0.5)
    press(panel, "search")
    assert panel.jobs.wait(60)
    assert "HiGHS did not solve the routing" in panel.error


def test_a_solver_that_fails_later_keeps_what_was_found(seeing_now, monkeypatch):
    panel = WorstCasePanel(session=seeing_now, methods=["random"])
    solve, calls = RoutingProblem.optimum, []

    def fail_later(self, x):
        calls.append(len(x))
        if len(calls) > 3:
            msg = "HiGHS did not solve the routing"
            raise DnnExplainError(msg)
        return solve(self, x)

    monkeypatch.setattr(RoutingProblem, "optimum", fail_later)
    found = searched(panel)
    assert "HiGHS did not solve" in found.best.stopped
    assert found.best.ratio > 1
    assert panel.badge["level"] == "amber"


def test_a_comparison_asks_for_methods_that_exist(seeing_now):
    problem = problem_of(RING, seeing_now.policy)
    for methods, message in ((["grey-box"], "gray-box"), ([], "at least one"), (["random", "random"], "each once")):
        with pytest.raises(DnnExplainError, match=message):
            compare_searches(problem, methods)
    panel = WorstCasePanel(session=seeing_now)
    answer(panel, **{f"method {name}": False for name in TITLES})
    press(panel, "search")
    assert panel.error == "Tick at least one search."


def test_a_method_that_fails_leaves_the_others(seeing_now, tmp_path):
    problem = problem_of(RING, seeing_now.policy)
    found = compare_searches(problem, ["exact-inner", "random"], budget=0.3)
    assert [case.method for case in found.cases] == ["random"]
    assert "no part of its input" in found.failures["exact-inner"]
    assert SearchComparison.load(found.save(tmp_path / "c.json")) == found
    assert [row["method"] for row in found.table()] == ["random"]
