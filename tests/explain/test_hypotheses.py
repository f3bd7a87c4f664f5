"""Statements about a policy: said rightly where they are right, refused where they are wrong, corrected for their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.hypotheses import (
    Hypotheses,
    Statement,
    assess,
    changed_states,
    generated,
    hypothesise,
    parse_statement,
)
from dnnexplain.explain.regions import Where
from tests.explain.test_guards_compiled import GATE, draw
from tests.fakes import FakeRule, FakeSystem

EVERY = np.array([[left, right] for left in range(6) for right in range(4)], dtype=np.float64)
SEEN = np.repeat(GATE.encode(EVERY), 4, axis=0)


def by_left() -> FakeRule:
    """Left first from three cars on the left, else right: what the right queue holds changes it only by what is valid."""
    return FakeRule(
        "by left", GATE.decode, lambda values: np.where(values[:, :1] > 2, [[2.0, 1.0, 0.0]], [[1.0, 2.0, 0.0]])
    )


def verdicts(*lines: str, policy: Any = None) -> dict[str, Any]:
    statements = [parse_statement(GATE, line) for line in lines]
    found = assess(GATE, policy or by_left(), statements, SEEN, changed_states(GATE, SEEN, 200, seed=1))
    return dict(zip(lines, found, strict=True))


def test_right_and_wrong_statements() -> None:
    found = verdicts("left queue > 2: left", "left queue > 2: right", "always: wait", "ignores: left")
    right, wrong = found["left queue > 2: left"], found["left queue > 2: right"]
    assert (right.verdict, right.agrees, right.counterexamples) == ("holds", 1.0, ())
    assert right.applies == pytest.approx(0.5)
    assert right.explains == pytest.approx(0.5)
    assert right.effect > 0.3
    assert right.effect_low < right.effect < right.effect_high
    assert (wrong.verdict, wrong.agrees) == ("does not hold", 0.0)
    assert len(wrong.counterexamples) == 2
    assert "left queue" in wrong.counterexamples[0]
    assert found["always: wait"].verdict == "does not hold"
    assert found["ignores: left"].verdict == "does not hold"


def test_what_is_ignored() -> None:
    from dnnexplain.contract import Discrete

    class Free(type(GATE)):  # type: ignore[misc]
        output = Discrete(("left", "right", "wait"))

        def valid_actions(self, observations: Any) -> Any:
            return np.ones((len(observations), 3), dtype=bool)

    world: Any = Free()
    statement = parse_statement(world, "ignores: right")
    found = assess(world, by_left(), [statement], SEEN, changed_states(world, SEEN, 300, seed=1))[0]
    assert (found.verdict, found.agrees) == ("holds", 1.0)
    assert found.pairs > 100
    assert found.low == pytest.approx(0.025 ** (1 / found.pairs))  # Clopper and Pearson without a miss


def test_changes_touch_one_group_alone() -> None:
    changed = changed_states(GATE, SEEN, 50, seed=2)
    before, after = GATE.decode(changed.before), GATE.decode(changed.after)
    for column, group in enumerate(("left", "right")):
        here = changed.group == group
        assert here.any()
        assert (before[here, column] != after[here, column]).all()
        assert (before[here, 1 - column] == after[here, 1 - column]).all()


def test_p_is_corrected_for_how_many_were_tried() -> None:
    one = verdicts("left queue > 2: left")["left queue > 2: left"].p
    many = verdicts("left queue > 2: left", "always: left", "always: right", "always: wait")["left queue > 2: left"].p
    assert one < many <= 4 * one * (1 + 1e-9)


def test_the_short_list_is_the_policy() -> None:
    found = hypothesise(GATE, by_left(), draw, sets=60, states=400, pairs=40)
    assert found.explained > 0.95
    assert found.explained + found.unexplained == pytest.approx(1.0)
    assert found.tried == len(found.statements)
    assert 1 <= len(found.short) <= 5
    assert Hypotheses.from_json(found.to_json()) == found
    ranked = [one.explains for one in found.statements if one.verdict == "holds"]
    assert ranked == sorted(ranked, reverse=True)


def test_a_rule_is_found_to_be_itself() -> None:
    rule = GATE.rules()["right first"]
    found = hypothesise(GATE, rule, draw, sets=40, states=300, pairs=40, own=["always: right first"])
    itself = next(one for one in found.statements if one.statement == Statement("does", Where(), "right first"))
    assert (itself.agrees, itself.verdict, itself.effect) == (1.0, "holds", 1.0)
    assert found.explained == 1.0


def test_vectors_are_told_by_rules() -> None:
    world: Any = FakeSystem()
    rng = np.random.default_rng(0)
    seen = world.encode(world.repair(rng.uniform([-1, 0], [1, 10], size=(100, 2))))
    policy = world.rules()["half"]
    statements = [
        one for one in generated(world, seen, world.output.decide(policy.outputs(seen))) if not one.where.spans
    ]
    found = assess(world, policy, statements, seen, changed_states(world, seen, 50))
    told = {one.words: one.verdict for one in found}
    assert told["it does as half"] == "holds"
    assert told["it does not look at angle"] == "does not hold"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("left queue is long", "a statement is"),
        ("left queue about 3: left", "a condition is"),
        ("rain > 3: left", "rain"),
        ("always: fly", "fly"),
        ("ignores: rain", "rain"),
    ],
)
def test_lines_that_are_no_statement(line: str, says: str) -> None:
    with pytest.raises(DnnExplainError, match=says):
        parse_statement(GATE, line)


def test_lines_are_read_as_they_are_said() -> None:
    found = parse_statement(GATE, "left queue > 1 and left queue <= 3 and right queue <= 2: longest")
    assert found.words(GATE) == (
        "where left queue is 2 or 3 cars and right queue is at most 2 cars, it does as longest"
    )


@pytest.mark.parametrize("name", ["abr", "cellular", "cran", "deeprm", "routing"])
def test_the_example_of_a_statement_is_one_of_the_system(name):
    from dnnexplain.systems import make_system

    system = make_system(name)
    with pytest.raises(DnnExplainError) as refused:
        parse_statement(system, "nonsense")
    example = str(refused.value).partition("such as '")[2].partition("'")[0]
    assert parse_statement(system, example).kind == "does"
