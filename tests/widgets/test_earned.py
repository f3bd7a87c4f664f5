"""What is earned is told as earned: a cost that is a reward with its sign changed is never shown to people."""

from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.explain.distillation import RuleComparison
from dnnexplain.explain.probing.intervention import CostEffect
from dnnexplain.explain.room.result import Level, Room
from dnnexplain.explain.transfer.result import Boundary
from dnnexplain.explain.transfer.words import words as sentence_of_grid
from dnnexplain.explain.verdict.standing import Compared, Standing
from dnnexplain.results import Question
from dnnexplain_widgets.panels.intervention_figures import cost_row
from dnnexplain_widgets.panels.room import _levels
from dnnexplain_widgets.panels.rules.view import cost_table
from dnnexplain_widgets.panels.stress_words import case_words
from dnnexplain_widgets.panels.transfer_words import cell_words, heat
from dnnexplain_widgets.panels.verdict_words import beside_rule

COST = "minus reward"
QUESTION = Question("world", "", "network", "", "asked")


def shown(*things):
    """All that is shown, as one text."""
    return " ".join(map(str, things))


def told_as_earned(text, *figures):
    assert "minus" not in text.lower(), text
    for figure in figures:
        assert figure in text, text
        assert f"-{figure}" not in text.replace("−", "-"), text


def test_of_a_standing():
    row = Compared("ordinary", "f", {}, 50, -45.2, "best", -44.1, -1.1, -1.6, -0.6, 0.1, 0, 0.4)
    standing = Standing(QUESTION, row, (), COST, "", ratio=False)
    told_as_earned(standing.sentence(), "45.2", "44.1", "+1.1", "+0.6 to +1.6")
    spec = SimpleNamespace(rules={}, workloads="runs", cost=SimpleNamespace(unit=""))
    item = beside_rule(standing, spec)
    told_as_earned(shown(item["words"], item["value"], item["note"]), "45.2", "44.1")


def test_of_a_neuron_that_is_held():
    before, after = np.array([-45.0, -47.0, -46.0]), np.array([-44.0, -45.5, -45.0])
    effect = CostEffect(QUESTION, "relu", 3, 0.0, COST, 1.1667, 0.45, 1.9, 0.95, before, after)
    told_as_earned(shown(effect.sentence(), effect.table(), cost_row(effect)), "46")
    assert "-1.17" in effect.sentence().replace("−", "-")  # it earns less


def test_of_a_gap_that_is_split():
    levels = (Level("rule", "Best rule: a", -44.1, -44.6, -43.6), Level("policy", "network", -45.2, -45.9, -44.5), Level("optimum", "Best plan", -48.0, -49.0, -47.0))  # fmt: skip
    room = Room(QUESTION, levels, (), -50.0, 9, 4, COST)
    told_as_earned(shown(_levels(room), room.table()), "45.2", "48", "47.0 to 49.0")


def test_of_rules_that_are_compared():
    cost = np.array([[-45.0, -46.0, -45.4], [-44.0, -44.5, -44.1]])
    comparison = RuleComparison(
        QUESTION, ("network", "mpc"), COST, cost, cost.min(axis=0) - 4, cost.min(axis=0) - 2, ratio=False
    )
    on = SimpleNamespace(decide=None, rules={"mpc": np.zeros(3)}, known=SimpleNamespace(action=np.zeros(3)))
    told_as_earned(shown(cost_table(comparison, on, {})), "45.5", "44.2", "47.5 to 49.5")


@pytest.mark.parametrize("words", ["case", "cell"])
def test_of_a_scenario_and_a_cell(words):
    if words == "case":
        scenario = SimpleNamespace(
            label="dips", sentence="It dips.", cost=-45.2, gap=0.02, gap_low=0.01, gap_high=0.03, best_rule="mpc", sets=9,
            standing="within 5%", why="", sure=True,
        )  # fmt: skip
        told_as_earned(case_words(scenario, COST), "Reward 45.2")
        return
    part = np.full((1, 1, 1), -1.1)
    cell = SimpleNamespace(
        best_rule=np.array([[1]]), relative=part, relative_low=part - 0.5, relative_high=part + 0.5, ratio=False,
        went_wrong=lambda *_: "", unsafe=lambda *_: False, rows=[SimpleNamespace(label="dips", family="f")],
        columns=[SimpleNamespace(label="as they come", family="")], cost_name=COST, policies=["network", "mpc"],
        cost=np.array([[[-45.2, -44.1]]]),
    )  # fmt: skip
    told_as_earned(cell_words(cell, 0, 0), "45.2", "44.1", "+0.6 to +1.6")
    turn = Boundary("dips", "network", "low", "high", wins_before=True, value=None)
    grid = SimpleNamespace(
        **vars(cell), done=np.array([[True]]), metrics=(), boundaries=(turn,), verdict=lambda *_: "even"
    )
    told_as_earned(sentence_of_grid(grid), "45.2", "44.1", "(+1.1)", "its mean falls below")
    drawn = heat(grid)
    assert drawn["caption"] == "reward of network relative to the best rule's"
    assert drawn["legend"] == ["network 1.1 above the best rule", "1.1 below"]


def test_of_a_worst_case_and_of_a_training_run():
    from dnnexplain_widgets.panels.training_runs import Lesson
    from dnnexplain_widgets.panels.training_words import chart_of, sentence_of
    from dnnexplain_widgets.panels.worst_case_words import badge_of

    case = SimpleNamespace(upper=1.0, lower=1.0, stopped="finished", interval=lambda: "certain", remarks=(), cost_name=COST, cost=-45.2, optimum=-48.1, rounds=3)  # fmt: skip
    told_as_earned(shown(badge_of(case)["figures"][:2]), "45.2", "48.1")
    run = Lesson("reward", "", {}, None)
    run.points = [{"iteration": 0, "greedy": -44.1}, {"iteration": 9, "greedy": -45.2}]
    run.yardsticks, run.sets, run.cost = {"best": -46.3}, 50, COST
    told_as_earned(sentence_of(run), "44.1", "45.2", "46.3")
    told_as_earned(shown(chart_of([run])), "44.1", "45.2", "46.3")
