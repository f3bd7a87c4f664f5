"""Claims about every valid state of a region or statement: held against all states, by list and by bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dnnexplain.contract import State
from dnnexplain.explain.hypotheses.proving import proved
from dnnexplain.explain.hypotheses.statement import parse_statement
from dnnexplain.explain.hypotheses.testing import assess, changed_states
from dnnexplain.explain.proofs.throughout import (
    BRIEF,
    follows_throughout,
    ignores_throughout,
    states_of,
    taken_throughout,
)
from dnnexplain.explain.proofs.verdicts import ProofBudget
from dnnexplain.explain.regions import Span, Where
from dnnexplain.explain.regions.deciding import decided, usual_decision
from dnnexplain.explain.regions.evidence import Evidence
from dnnexplain.explain.regions.profile import Region
from dnnexplain.policies import TorchPolicy
from tests.explain.test_guards_compiled import GATE
from tests.fakes import FakeRule

EVERY = np.array([[left, right] for left in range(6) for right in range(4)], dtype=float)
BY_BOUNDS = ProofBudget(listed=0, samples=32, rounds=1, checked=32, parts=400, program=False)


class Cars:
    """The left queue, which is a knob, and how many cars there are in all, which is none."""

    names, units = ("left queue", "cars"), {"left queue": "cars", "cars": "cars"}

    def __call__(self, observations: Any) -> Any:
        values = GATE.decode(observations)
        return np.column_stack([values[:, 0], values.sum(axis=1)])


QUANTITIES = Cars()


def network() -> TorchPolicy:
    """Left counts its cars, right counts each of its own twice, waiting is worth half a car."""
    layer = nn.Linear(35, 3)
    with torch.no_grad():
        weights = np.zeros((3, 5, 7))
        weights[0, :, 0], weights[1, :, 3:6] = 1.0, 0.4
        layer.weight.copy_(torch.tensor(weights.reshape(3, 35)))
        layer.bias.copy_(torch.tensor([0.0, 0.0, 0.5]))
    return TorchPolicy(nn.Sequential(nn.Flatten(), layer), GATE, masked=False)


NETWORK = network()
TAKEN = NETWORK.outputs(GATE.encode(EVERY)).argmax(axis=1)


def inside(where: Where) -> Any:
    return where.holds(QUANTITIES.names, QUANTITIES(GATE.encode(EVERY)))


@pytest.mark.parametrize("budget", [BRIEF, BY_BOUNDS], ids=["list", "bounds"])
@pytest.mark.parametrize("span", [(3.5, None), (4.5, None), (None, 0.5), (1.5, 3.5), (None, None)])
def test_a_decision_is_taken_throughout_where_all_states_say_so(span: Any, budget: Any) -> None:
    where = Where(() if span == (None, None) else (Span("left queue", *span),))
    for action in range(3):
        found = taken_throughout(GATE, NETWORK, where, QUANTITIES, action, budget=budget)
        every = bool((TAKEN[inside(where)] == action).all())
        if every:
            assert found.verdict == "holds"
        else:
            assert found.verdict == "fails"
            row = GATE.state_from_json(found.witness).values
            assert where.holds(QUANTITIES.names, QUANTITIES(GATE.encode(row[None])))[0]
            assert NETWORK.outputs(GATE.encode(row[None])).argmax() != action


def test_a_bound_on_what_is_no_knob_is_asked_of_witnesses_and_said() -> None:
    where = Where((Span("left queue", 3.5), Span("cars", None, 5.5)))
    assert (TAKEN[inside(where)] == 0).all()
    assert taken_throughout(GATE, NETWORK, where, QUANTITIES, 0).verdict == "holds"  # all states were listed
    found = taken_throughout(GATE, NETWORK, where, QUANTITIES, 0, budget=BY_BOUNDS)
    assert found.verdict == "open"  # a bound speaks of more cars, too, and there it is wrong
    assert "cars is no knob" in found.words
    states = states_of(GATE, where, QUANTITIES)
    assert np.array_equal(states.holds(GATE, EVERY), inside(where))


def test_a_bound_proves_what_is_so_in_more_states() -> None:
    where = Where((Span("left queue", None, 0.5), Span("cars", 0.5)))
    assert taken_throughout(GATE, NETWORK, where, QUANTITIES, 1, budget=BY_BOUNDS).verdict == "open"
    assert taken_throughout(GATE, NETWORK, where, QUANTITIES, 1).verdict == "holds"


def test_what_is_no_network_is_open_and_says_why() -> None:
    rule = FakeRule("left", GATE.decode, lambda values: np.tile([1.0, 0.0, 0.0], (len(values), 1)))
    found = taken_throughout(GATE, rule, Where((Span("left queue", 0.5),)), QUANTITIES, 0, budget=BY_BOUNDS)
    assert found.verdict == "open"
    assert found.words.startswith("Not asked:")


def test_a_rule_is_followed_throughout_or_a_state_shows_that_it_is_not() -> None:
    longest = GATE.rules()["longest"]

    def said(seen: Any) -> Any:
        return GATE.output.decide(longest.outputs(seen), None)

    far = Where((Span("left queue", 4.5), Span("cars", None, 7.5)))
    assert follows_throughout(GATE, NETWORK, far, QUANTITIES, said).verdict == "holds"
    found = follows_throughout(GATE, NETWORK, Where(()), QUANTITIES, said)
    assert found.verdict == "fails"
    seen = GATE.encode(GATE.state_from_json(found.witness).values[None])
    assert NETWORK.outputs(seen).argmax() != said(seen)[0]


def test_a_knob_that_changes_no_decision_is_ignored_throughout() -> None:
    layer = nn.Linear(35, 3)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0] = 1.0  # the first cell of the left queue
        layer.bias.copy_(torch.tensor([0.0, -1.0, 0.5]))
    blind = TorchPolicy(nn.Sequential(nn.Flatten(), layer), GATE, masked=False)
    assert ignores_throughout(GATE, blind, "right").verdict == "holds"
    found = ignores_throughout(GATE, blind, "left")
    assert found.verdict == "fails"
    assert "a change of it alone" in found.words
    assert ignores_throughout(GATE, NETWORK, "right").verdict == "fails"


def test_usual_decisions_of_each_kind() -> None:
    assert usual_decision(GATE.output, np.array([2, 0, 2]))[1:] == ("wait", pytest.approx(2 / 3))
    with pytest.raises(ValueError, match="no action"):
        usual_decision(GATE.output, np.array([]))


def test_a_region_says_what_is_decided_there_and_whether_throughout() -> None:
    where = Where((Span("left queue", 3.5),))
    values, loss = QUANTITIES(GATE.encode(EVERY)), np.where(EVERY[:, 1] < 2, 1.0, 0.0)
    evidence = Evidence(QUANTITIES.names, values, loss, actions=TAKEN)
    region = Region(where, "left queue is long", 8, 16, 0.5, 0.5, 1.0, 1.0, 0.3, 0.01, 0.01, 0, float("nan"), "Here.")
    world: Any = type("World", (type(GATE),), {"features": QUANTITIES})()
    found = decided(world, NETWORK, region, evidence, floor=0.5, seed=0)
    assert (found.decision, found.decision_share) == ("left", 1.0)
    assert found.throughout.verdict == "fails"  # three cars on the right count six
    assert "it decides left in 100% of them, but not in every valid state there" in found.words
    assert State(GATE.state_from_json(found.throughout.witness).values).values[1] == 3


def test_statements_say_whether_they_are_so_throughout() -> None:
    lines = ["left queue > 3.5 and right queue <= 1.5: left", "always: wait", "left queue > 4.5: left"]
    seen = GATE.encode(np.tile(EVERY[EVERY[:, 1] < 2], (4, 1)))
    tested = assess(GATE, NETWORK, [parse_statement(GATE, one) for one in lines], seen, changed_states(GATE, seen, 5))
    assert [bool(one.counterexamples) for one in tested] == [False, True, False]
    sure, met, unmet = proved(GATE, NETWORK, tested)
    assert sure.throughout.verdict == "holds"
    assert met.throughout.verdict == "fails"
    assert met.counterexamples[0] in met.throughout.words
    assert unmet.throughout.verdict == "fails"
    assert GATE.state_from_json(unmet.throughout.witness).values[1] == 3  # which was never met
    assert [one.throughout.verdict for one in proved(GATE, NETWORK, tested, most=1)] == ["holds", "fails", "open"]
