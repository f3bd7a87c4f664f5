"""A map of actions is, cell by cell, what the policy does in that state."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State, SweepAxis, SweepView
from dnnexplain.explain import sweep_map, sweep_of
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.explain.decisions.sweep_map import SweepMap
from dnnexplain.policies import TorchPolicy, mlp
from dnnexplain.registry import views_of
from dnnexplain.results import Question, Result
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.constant_link import constant_link_map
from tests.systems.fakes import Lamps, Piers, Valve


@pytest.mark.parametrize("make", [Piers, Valve])
def test_each_cell_is_the_decision_in_its_state(make):
    system = make()
    policy = TorchPolicy(mlp(system, (8,), seed=3), system)
    found = sweep_map(system, policy, views_of(system)[0])
    for row, down in enumerate(found.down_values):
        for column, across in enumerate(found.across_values):
            taken = decide(system, policy, State(system.repair(np.array([[across, down]]))[0])).taken
            assert found.action[row, column] == pytest.approx(np.ravel(taken)[0])
    assert Result.from_json(found.to_json()) == found


def test_what_is_taken_nowhere_and_what_turns_back_is_told():
    system = Piers()
    knows = system.rules()["knows"]
    found = sweep_map(system, knows, sweep_of(system, "tide", "wind"))
    np.testing.assert_array_equal(found.action, np.tile(np.arange(6), (len(found.down_values), 1)))
    assert found.missing == ()
    assert not found.turns_back.any()
    steady = sweep_map(system, system.rules()["steady"], sweep_of(system, "tide", "wind"))
    assert len(steady.missing) == 5
    assert "nowhere: pier 2" in steady.sentence()


def test_switches_are_counted_or_looked_at_one_by_one():
    system = Lamps()
    knows = system.rules()["knows"]
    view = sweep_of(system, "need 1", "need 2")
    state = State(np.array([0.0, 0.0, 9.0]))
    counted = sweep_map(system, knows, view, state)
    one = sweep_map(system, knows, view, state, output="lamp 2")
    on = np.arange(10) > 4
    np.testing.assert_array_equal(counted.action, 1.0 + on[None] + on[:, None])
    np.testing.assert_array_equal(one.action, np.repeat(on[:, None], 10, axis=1))


def test_a_player_s_map_is_that_of_constant_links():
    system = make_system("abr")
    view = views_of(system)[2]
    rule = system.rules()["rb"]
    found = sweep_map(system, rule, view)
    expected = constant_link_map(system, rule, found.across_values, found.down_values)
    np.testing.assert_array_equal(found.action, expected.T)
    assert found.question.state is None


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (lambda: sweep_of(Piers(), "tide", "tide"), "two different"),
        (lambda: sweep_of(Piers(), "tide", "moon"), "moon"),
        (
            lambda: sweep_map(
                Piers(),
                Piers().rules()["knows"],
                SweepView("x", SweepAxis("tide", ("tide",), 0.0, 9.0), SweepAxis("wind", ("wind",))),
            ),
            "goes from 0 to 9",
        ),
    ],
)
def test_what_cannot_be_mapped_is_told(view, said):
    with pytest.raises(DnnExplainError, match=said):
        view()


def test_a_map_is_made_in_blocks_that_take_a_bounded_memory(monkeypatch):
    system = Piers()
    policy = TorchPolicy(mlp(system, (8,), seed=3), system)
    view = sweep_of(system, "tide", "wind")
    whole = sweep_map(system, policy, view)
    asked, outputs = [], policy.outputs
    monkeypatch.setattr(policy, "outputs", lambda rows: asked.append(len(rows)) or outputs(rows))
    monkeypatch.setattr("dnnexplain.explain.decisions.sweep_map.BLOCK_BYTES", 4096)
    np.testing.assert_array_equal(sweep_map(system, policy, view).action, whole.action)
    assert sum(asked) == whole.action.size
    wide = len(system.knobs) + int(np.prod(system.observation_shape)) + len(system.output.names)
    assert 1 < max(asked) <= 4096 // (8 * wide)


def test_what_is_done_is_told_as_an_act():
    acts = ("waits", "picks pier 1")
    action = np.array([[0.0, 0.0, 1.0]])
    asked = Question("world", "", "network", "", "map")
    shown = SweepMap(
        asked,
        "map",
        "tide",
        "wind",
        "m",
        "m",
        "choice",
        ("wait", "pier 1"),
        np.arange(3.0),
        np.arange(1.0),
        action,
        acts=acts,
    )
    assert shown.words("It") == "It waits most often (66.7% of the map)."
