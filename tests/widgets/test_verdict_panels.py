"""The head of a page: the verdict, the guide with its three steps, the decision in a strip."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import state_from_values
from dnnexplain.contract.specs import Family
from dnnexplain.explain.verdict import Optimality
from dnnexplain.explain.verdict.standing import Compared
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, make_system, spec_of
from dnnexplain_widgets import Dashboard
from dnnexplain_widgets.panels.guide import GuidePanel, steps_of
from dnnexplain_widgets.panels.verdict import VerdictPanel
from dnnexplain_widgets.panels.verdict_words import loses
from dnnexplain_widgets.session import Session
from tests.systems.fakes import FAKES


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def session_of(name, policy="untrained"):
    system = FAKES[name]() if name in FAKES else make_system(name, **spec_of(name).board)
    return Session(system, named_policy(system, policy))


def items(panel):
    return {item["key"]: item for item in panel.figure["items"]}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_shipped_network_has_its_verdict_at_once(name):
    panel = VerdictPanel(session=session_of(name, "default"))
    found = items(panel)
    assert panel.standing is not None
    assert found["gain"]["level"] in {"good", "fair", "bad"}
    assert found["loses"]["words"]
    assert not panel.busy


def test_a_kind_of_workload_whose_name_says_nothing_has_a_title_in_the_headline():
    lost = Compared("g", "g", {}, 20, 3.0, "rule", 1.0, 2.0, 1.5, 2.5, 1.0, 0, 2.0, {}, {})
    standing = SimpleNamespace(shifts=(lost,), ratio=False, gap_words=lambda shift: "2 worse")
    spec = replace(spec_of("deeprm"), families=(Family("g", "Fast.", (), "fast links"),))
    assert loses(standing, spec)["value"] == "fast links"
    assert loses(standing, replace(spec, families=(Family("g", "Fast."),)))["value"] == "g"


@pytest.mark.parametrize("name", [*BUILT_IN, *FAKES])
def test_a_network_without_a_verdict_says_so_and_can_have_one(name):
    panel = VerdictPanel(session=session_of(name))
    assert panel.standing is None
    assert items(panel)["gain"]["value"] in {
        "not worked out yet",
        "no whole workloads to run here",
        "no rules to compare with",
    }
    assert all(item["value"] for item in items(panel).values())


def test_the_verdict_is_worked_out_once_and_kept(monkeypatch):
    monkeypatch.setattr("dnnexplain_widgets.panels.verdict.stand", _few)
    session = session_of("deeprm")
    panel = VerdictPanel(session=session)
    panel.on_press("run")
    assert panel.jobs.wait(60)
    assert panel.error == ""
    assert items(panel)["gain"]["value"] != "not worked out yet"
    again = VerdictPanel(session=session)
    assert again.standing == panel.standing
    panel.on_press("report")
    assert panel.download["text"].startswith("<!doctype html>")


def _few(system, policy, *, report):
    from dnnexplain.explain.verdict.standing import stand

    return stand(system, policy, sets=2, report=report)


def test_the_present_decision_is_judged_and_forgotten_with_its_state():
    session = session_of("deeprm")
    panel = VerdictPanel(session=session)
    heard = []
    panel.judged = heard.append
    panel.judge_now()
    assert panel._oracle.wait(60)
    assert heard == [panel.optimality]
    assert items(panel)["now"]["value"] != "…"
    values = session.state.values.copy()
    values[0] += 1
    session.move(values)
    assert items(panel)["now"]["value"] == "…"


def test_an_item_opens_the_panel_that_shows_it():
    session = session_of("deeprm")
    board = Dashboard(session.system, session.policy, section="decision")
    board.verdict.on_press("open TransferPanel")
    assert board.session.section == "failure"
    assert board.session.hub.goto == {"count": 1, "panel": "TransferPanel"}
    board.close()


@pytest.mark.parametrize("name", [*BUILT_IN, *FAKES])
def test_every_system_has_three_steps_to_try(name):
    session = session_of(name)
    steps = steps_of(session.system)
    assert 1 < len(steps) <= 3
    assert all(step.say.endswith((".", "?")) for step in steps)
    panel = GuidePanel(session=session)
    assert [step["done"] for step in panel.figure["steps"]] == [False] * len(steps)
    for _ in steps:
        panel.on_press("next")
    assert all(step["done"] for step in panel.figure["steps"])
    panel.on_press("again")
    assert not any(step["done"] for step in panel.figure["steps"])


def test_steps_are_seen_when_they_happen_and_not_before():
    session = session_of("deeprm", "default")
    panel = GuidePanel(session=session)
    untils = [step.until for step in panel.steps]
    assert untils[:2] == ["decision", "optimum"]
    panel.heard(Optimality(0.0, "steps", proved=True))  # too early: the first step comes first
    assert panel.learnt == []
    system = session.system
    before = session.live.decision.action
    for length in range(15, 0, -1):
        for job in range(5):
            session.state = state_from_values(
                system,
                {f"job {job + 1} length": length, f"job {job + 1} cpu": 2, f"job {job + 1} memory": 2},
                session.state,
            )
            if session.live.decision.action != before:
                break
        if panel.learnt:
            break
    assert len(panel.learnt) == 1
    assert "before, it would" in panel.learnt[0]
    panel.heard(Optimality(2.0, "steps", proved=True, best=("job 1",)))
    assert "costs 2 steps more" in panel.learnt[1]
    assert np.isfinite(session.state.values).all()
