"""Sentences fit what is shown, whatever the numbers are."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnnexplain.contract import State
from dnnexplain.explain import Survey
from dnnexplain.explain.attribution.stages import Stages
from dnnexplain.explain.decisions.sweeps import Others, sweep_rows
from dnnexplain.explain.gray_box.regret import WorstRegret
from dnnexplain.explain.guards.evaluation import _words as guard_sentence
from dnnexplain.explain.regions.profile import _words as failure_words
from dnnexplain.registry import make_system
from dnnexplain.results import Question
from dnnexplain_widgets.panels.guard_words import figures_of
from dnnexplain_widgets.panels.training_words import sentence_of
from dnnexplain_widgets.panels.watch import pair_sentence
from tests.explain.networks import ManyObjects

shares = st.one_of(st.just(float("nan")), st.floats(0, 1), st.just(1.0))


@given(st.lists(shares, min_size=2, max_size=4), st.integers(1, 3))
def test_what_cancels_is_said_only_where_something_cancels(cancellation, states):
    count = len(cancellation)
    found = Survey(
        question=Question("world"), method="saliency", target="a minus b", baseline="", states=states,
        group_names=tuple(f"group {i}" for i in range(count)), positive=np.ones(count), negative=-np.ones(count),
        cancellation=np.array(cancellation), present=np.ones(count), top=np.full(count, 1 / count), actions=np.array([states]),
    )  # fmt: skip
    said = [found.sentence(), *(found.cancels(name) for name in found.group_names)]
    for text in said:
        assert "100% remains" not in text
        assert "nan" not in text
        assert "1 states" not in text


points = st.lists(st.one_of(st.just(float("nan")), st.floats(-5, 50)), min_size=1, max_size=5)


@example([2.2250738585e-308, 4.0])
@given(points)
def test_the_newest_known_cost_of_a_training_run_is_told_never_none(costs):
    run = SimpleNamespace(
        points=[{"iteration": at, "greedy": cost} for at, cost in enumerate(costs)], yardsticks={"sjf": 5.0},
        cost="slowdown", sets=10, name="a run",
    )  # fmt: skip
    said = sentence_of(run)
    assert "none" not in said.replace("no cost", "")
    assert "nan" not in said
    assert "1 iterations" not in said
    known = [at for at, cost in enumerate(costs) if np.isfinite(cost)]
    if len(known) > 1:
        assert said.startswith(f"After {known[-1]} iteration")


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=5, max_size=5), st.sampled_from(list(Others)))
def test_an_object_is_called_empty_in_this_state_only_where_it_is(values, others):
    system = ManyObjects()
    state = State(np.array(values, dtype=float))
    knobs = [knob.name for knob in system.knobs]
    for given_state in (state, None):
        found = sweep_rows(system, knobs, given_state, others, None)
        for place, note in zip(found.knobs, found.notes, strict=True):
            group = system.knobs[place].group
            low = all(state.values[i] == knob.low for i, knob in enumerate(system.knobs) if knob.group == group)
            assert "empty in this state" not in note or (given_state is not None and low)


def test_what_is_earned_is_no_share_of_a_cost() -> None:
    runs = [SimpleNamespace(policy=name, cost_name="minus QoE", cost=cost, metrics={}) for name, cost in (("guarded", -24.0), ("bare", 3.7))]  # fmt: skip
    pair: Any = SimpleNamespace(network=runs[0], rule=runs[1], beside="bare")
    assert pair_sentence(pair) == "QoE of guarded: 24 against bare's \N{MINUS SIGN}3.7."


def test_a_guard_s_figures_are_what_is_earned() -> None:
    report: Any = SimpleNamespace(
        gap_without=2.0, gap_with=1.0, network_without=-3.7, network_with=-24.0, rule_without=-105.0, rule_with=-106.0,
        nominal_without=-98.0, nominal_with=-97.0, stepped_in=0.2, changed=0.1, stepped_in_worst=0.3,
    )  # fmt: skip
    rows = figures_of(report, make_system("abr"))["rows"]
    texts = {row["label"]: [cell["text"] for cell in row["cells"]] for row in rows}
    assert texts["QoE on that workload"] == ["3.7", "24"]
    assert texts["of the best rule there"] == ["105", "106"]
    assert texts["usual QoE"] == ["98", "97"]
    figures = vars(report) | {"reduction": 0.5, "change": 1.0, "change_low": 0.5, "change_high": 2.0}
    assert "; QoE on usual workloads changes by -1 (-2 to -0.5); " in guard_sentence(
        figures, ratio=False, policy="net", cost="minus QoE"
    )
    assert "; slowdown on usual workloads changes by +100% (+50% to +200%); " in guard_sentence(
        figures, ratio=True, policy="net", cost="slowdown"
    )


def test_the_worst_workload_says_what_is_earned() -> None:
    found: Any = SimpleNamespace(
        certificate=None, upper=1.0, lower=1.0, question=SimpleNamespace(policy="net"), cost_name="minus QoE", cost=-45.2,
        rule_regret=2.0, rule="robust-mpc", evaluations=3, ended_by="rounds",
    )  # fmt: skip
    assert WorstRegret.sentence(found).startswith(
        "On the worst workload found, net has a QoE of 45.2: it loses 1 against"
    )


def test_what_counts_more_while_a_network_learns_is_said_only_where_something_does() -> None:
    shares = np.array([[0.4, 0.2], [0.3, 0.0]])
    dead, same = np.zeros(2, dtype=int), np.array([0.5, 1.0])
    less = Stages(("a", "b"), 10, ("length", "backlog"), shares, dead, same, np.zeros((2, 0)))
    assert (
        "rest most on length, at first and at last. No group counts for more at last than at first." in less.sentence()
    )
    none = replace(less, changed=np.array([[0.0, 0.3], [0.0, 0.0]])).sentence()
    assert "rest most on backlog at first and on no group at last." in none
    more = replace(less, changed=shares[::-1]).sentence()
    assert "Backlog gains most: 0% of decisions change with it at first, 20% at last." in more


def test_that_nothing_was_lost_is_said_of_what_was_looked_at() -> None:
    profile: Any = SimpleNamespace(share=0.0, regions=(), samples=1200, tried=0)
    assert (
        failure_words(profile, "net", "decisions")
        == "net: nothing is lost in any of 1,200 decisions, so no region stands out."
    )
    profile.share, profile.tried = 0.25, 1
    assert failure_words(profile, "net", "decisions").endswith("(the one found did not hold on the other half).")
