"""What the app hands to the dashboard: options of panels, and presets that are what they claim to be."""

import re

import numpy as np
import pytest

from dnnexplain.app import UNTRAINED_TITLE, _menu, dashboard_parts
from dnnexplain.app.explorable import _figures, card_facts
from dnnexplain.cli.app import check
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.explain.transfer.grid import transfer
from dnnexplain.policies import named_policy
from dnnexplain.registry import BUILT_IN, known_systems, make_system, spec_of
from dnnexplain_widgets import Dashboard
from dnnexplain_widgets.python_code import panel_code


@pytest.fixture(scope="module")
def parts():
    return dashboard_parts("deeprm")


def test_figure_four_is_right_before_and_wrong_after_one_step_of_job_1(parts):
    system, policy, presets = parts["system"], parts["policy"], parts["presets"]
    before, after = presets["Figure 4, the right order"](), presets["Figure 4, job 1 a step shorter: wrong"]()
    moved = np.flatnonzero(before.values != after.values)
    assert [system.knobs[i].name for i in moved] == ["job 1 length"]
    assert before.values[moved] - after.values[moved] == 1
    chosen = [decide(system, policy, state).action for state in (before, after)]
    assert chosen[0] != chosen[1]
    assert chosen[0] in system.judge(before).best
    assert chosen[0] in system.judge(after).best
    assert system.judge(after).loss[chosen[1]] > 0


def test_every_grid_that_is_offered_can_be_run(parts):
    system = parts["system"]
    grids = parts["options"]["TransferPanel"]["grids"]
    assert {"share of long jobs", "length of long jobs", "demands", "balance of CPU and memory"} <= set(grids)
    for rows, columns in grids.values():
        found = transfer(system, {"sjf": system.rules()["sjf"]}, rows, columns[:1], rules=["packer"], sets=1, jobs=1)
        assert found.done.all()
        assert all(row.value is not None for row in rows)


def test_the_section_on_failure_has_its_three_panels_ready(parts):
    page = Dashboard(**parts, section="failure")
    names = [type(panel).__name__ for panel in page.panels]
    assert {"AdversarialPanel", "WorstSequencePanel", "TransferPanel"} <= set(names)
    panel = next(panel for panel in page.panels if type(panel).__name__ == "AdversarialPanel")
    assert set(panel.likelihood(page.session.state)) >= {"job 1", "job 2"}


def test_a_page_for_strangers_has_no_panel_that_trains(monkeypatch):
    from dnnexplain_widgets import Dashboard

    own = Dashboard(**dashboard_parts("deeprm"))
    assert "TrainingPanel" in [entry.name for entry in own.fitting["knowledge"]]
    monkeypatch.setenv("DNNEXPLAIN_SERVED", "1")
    served = Dashboard(**dashboard_parts("deeprm"))
    assert [entry.name for entry in served.fitting["knowledge"]] == ["RulesPanel", "GuardPanel"]


@pytest.mark.parametrize("policy", ["untrained", "always"])
def test_what_is_explained_first_may_be_named(policy):
    made = make_system("cellular")
    check({"system": "cellular", "policy": policy})
    first = next(iter(_menu(made, spec_of(made), policy).values()))()
    assert first.name == {"untrained": UNTRAINED_TITLE}.get(policy, policy)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_card_says_what_was_measured_of_whom_in_words(name):
    """All of a card's groups of figures are told, names of data nowhere, and what is less is better only of costs."""
    system = make_system(name)
    policy = named_policy(system, "default")
    facts = dict(card_facts(policy, system))
    told = " ".join(f"{title} {text}" for title, text in facts.items() if title != "Trained with")
    assert not re.search(r"[a-z]_[a-z]", told)
    for group in policy.metadata["figures"]:
        if group != "against rules":
            assert any(group.lower() in title.lower() for title in facts), group
    for title, text in facts.items():
        if text.endswith("(less is better)"):
            assert title.lower().startswith((system.cost_name.lower(), "beside the best rule"))


def test_figures_of_a_card_in_every_form_that_cards_have():
    figure = {"mean": 2.5, "low": 2.0, "high": 3.0}
    against = {"best_rule": "sjf", "best_rule_mean": 4.0, "relative_to_best_rule": {"network": {"mean": -0.125}}}
    told = dict(
        _figures(
            {
                "alone": figure,
                "sets": {"network": {"cost": figure, "starved": {"mean": 0.0}}, "sjf": {"cost": {"mean": 1.5}}},
                "QoE": {"network": figure, "median": 2.25},
                "ratios": {"gravity": {"network": {"mean": figure, "p95": 9.0}}},
                "against rules": against,
            },
            "slowdown",
        )
    )
    assert told == {
        "Alone": "2.5 (2 to 3)",
        "Slowdown, sets": "SJF 1.5; Network 2.5 (less is better)",
        "QoE": "Network 2.5 (2 to 3); Median 2.25",
        "Ratios, gravity": "Network 2.5 (2 to 3)",
        "Beside the best rule, SJF": "Network -12.5% (less is better)",
    }


def test_a_card_tells_what_is_earned_as_earned_and_odd_figures_as_they_are():
    told = dict(
        _figures(
            {
                "links": {"network": {"cost": {"mean": -45.2}}, "mpc": {"cost": {"mean": -29.0}}},
                "days": {"network": 2.5, "which": {"first": 3, "kind": "calm"}, "notes": ["short"]},
                "seeds": [1, 2],
            },
            "minus QoE",
        )
    )
    assert told == {
        "QoE, links": "Network 45.2; MPC 29 (more is better)",
        "Days": "Network 2.5; Which first 3, kind calm; Notes ['short']",
        "Seeds": "[1, 2]",
    }


@pytest.mark.parametrize("name", known_systems())
def test_a_notebooks_dashboard_opens_on_the_first_state_of_the_app(name):
    parts = dashboard_parts(name)
    board = Dashboard(parts["system"], parts["policy"])
    assert board.session.state == parts["state"]
    assert board.masthead.question == parts["title"]
    editor = next(panel for panel in board.live if isinstance(panel.presets, dict))
    offered = next(item for item in editor.controls if item["name"] == "preset")["options"]
    assert {entry[0] for entry in offered} >= set(parts["presets"])
    board.close()


@pytest.mark.parametrize(("word", "given"), [("CartPole-v1", {"frames": 2}), ("tests.fakes:FakeChoice", {})])
def test_a_dashboard_takes_an_environment_and_an_own_system_and_tells_how_to_make_it(word, given):
    check({"system": word, **given})
    parts = dashboard_parts(word, **given)
    board = Dashboard(**parts)
    panel = board.live[0]
    lines = panel_code(type(panel), panel.session).splitlines()
    made = [line for line in lines if line.startswith(("from dnnexplain.finding", "system = ", "state = "))]
    namespace: dict[str, object] = {}
    exec("\n".join(made), namespace)
    assert namespace["system"].observation_shape == parts["system"].observation_shape
    board.close()
    with pytest.raises(DnnExplainError, match="Your own is given as module:Class"):
        check({"system": "no-such-thing"})
