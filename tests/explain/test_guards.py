"""Guards: where they step in, what they do there, how they are counted, saved, exported."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, MultiBinary
from dnnexplain.explain.guards import Guard, Guarded, GuardRule, export_guard, told_steps
from dnnexplain.explain.regions import Span, Where
from tests.fakes import FakeChoice, FakeRule, FakeSystem

GATE: Any = FakeChoice()
VEHICLE: Any = FakeSystem()
EVERY = np.array([[left, right] for left in range(6) for right in range(4)], dtype=np.float64)
LONG_RIGHT = Where((Span("right queue", above=1.0), Span("left queue", above=0.0, at_most=4.0)))
GUARD = Guard(
    "fake-gate",
    (GuardRule(LONG_RIGHT, "right first", "It forgets the right queue."), GuardRule(Where(), "wait")),
)


def lazy() -> FakeRule:
    """Lets the left queue pass, as a network would say it: logits."""
    return FakeRule("lazy", GATE.decode, lambda values: np.tile([2.0, 1.0, 0.0], (len(values), 1)))


def test_first_rule_that_holds_decides_and_else_the_policy() -> None:
    guarded = Guarded(lazy(), Guard("fake-gate", GUARD.rules[:1]), GATE)
    seen = GATE.encode(EVERY)
    inside = (EVERY[:, 1] > 1) & (EVERY[:, 0] > 0) & (EVERY[:, 0] <= 4)
    assert np.array_equal(guarded.deciding(seen) == 0, inside)
    outputs = guarded.outputs(seen)
    assert np.array_equal(outputs[~inside], lazy().outputs(seen)[~inside])
    assert set(GATE.output.decide(outputs, GATE.valid_actions(seen))[inside]) == {1}
    both = Guarded(lazy(), GUARD, GATE)
    assert np.array_equal(both.deciding(seen), np.where(inside, 0, 1))


def test_what_it_chooses_is_also_what_is_drawn() -> None:
    guarded = Guarded(lazy(), GUARD, GATE)
    likely = GATE.output.probabilities(guarded.outputs(GATE.encode(EVERY)), None)
    assert np.array_equal(likely.max(axis=1), np.ones(len(EVERY)))


def test_counts_and_words() -> None:
    guarded = Guarded(lazy(), Guard("fake-gate", GUARD.rules[:1]), GATE)
    guarded.outputs(GATE.encode(EVERY))
    told = guarded.steps_in
    assert (told.decisions, told.by_rule, told.changed) == (24, (8,), 8)
    assert told.share == pytest.approx(8 / 24)
    assert "right queue is at least 2 cars" in told.words
    assert told_steps(guarded) == told.to_json()
    assert told_steps(lazy()) is None
    guarded.forget()
    assert guarded.steps_in.words == "The guard was never asked."
    agreeing = Guarded(GATE.rules()["right first"], Guard("fake-gate", GUARD.rules[:1]), GATE)
    agreeing.outputs(GATE.encode(EVERY))
    assert (agreeing.steps_in.share, agreeing.steps_in.share_changed) == (pytest.approx(8 / 24), 0.0)


def test_words_of_rules_by_their_old_name() -> None:
    guarded = Guarded(lazy(), GUARD, GATE)
    for one, kind in ((guarded, "Guarded"), (guarded.steps_in, "StepsIn")):
        with pytest.warns(DeprecationWarning, match=f"{kind}.told goes in the next release; write rule_words"):
            assert one.told == guarded.rule_words


def test_says_why() -> None:
    guarded = Guarded(lazy(), Guard("fake-gate", GUARD.rules[:1]), GATE)
    assert "It forgets the right queue." in guarded.why(GATE.encode(np.array([[2.0, 3.0]]))[0])
    assert guarded.why(GATE.encode(np.array([[2.0, 0.0]]))[0]).startswith(
        "No rule of the guard holds here, so lazy decides"
    )


def test_a_guard_everywhere_is_the_rule() -> None:
    rule = GATE.rules()["longest"]
    guarded = Guarded(lazy(), Guard("fake-gate", (GuardRule(Where(), "longest"),)), GATE)
    starts = GATE.workloads("any", 12, 0)
    assert np.array_equal(GATE.run(guarded, starts).cost, GATE.run(rule, starts).cost)
    empty = Guarded(lazy(), Guard("fake-gate"), GATE)
    assert np.array_equal(GATE.run(empty, starts).cost, GATE.run(lazy(), starts).cost)


def test_vectors_take_the_numbers_of_the_rule() -> None:
    fast = Where((Span("speed", above=5.0),))
    policy = FakeRule("still", VEHICLE.decode, lambda values: 0.1 * values)
    guarded = Guarded(policy, Guard("fake-vehicle", (GuardRule(fast, "half"),)), VEHICLE)
    values = np.array([[0.2, 4.0], [0.2, 8.0]])
    assert np.allclose(guarded.outputs(VEHICLE.encode(values)), [[0.02, 0.4], [0.1, 0.4]], atol=1e-6)


def test_switches_are_firm() -> None:
    class Switches(FakeChoice):
        output = MultiBinary(("left", "right", "wait"))

        def rules(self) -> Any:
            return {"left": FakeRule("left", self.decode, lambda values: np.tile([1.0, -1.0, -1.0], (len(values), 1)))}

        def valid_actions(self, observations: Any) -> Any:
            return np.ones((len(observations), 3), dtype=bool)

    world: Any = Switches()
    guarded = Guarded(lazy(), Guard("fake-gate", (GuardRule(Where(), "left"),)), world)
    likely = world.output.probabilities(guarded.outputs(world.encode(EVERY)))
    assert np.array_equal(likely, np.tile([1.0, 0.0, 0.0], (len(EVERY), 1)))


def test_round_trip_and_digest(tmp_path: Any) -> None:
    path = GUARD.save(tmp_path / "guard.json")
    assert Guard.load(path) == GUARD
    assert Guard.load(path).digest == GUARD.digest != Guard("fake-gate", GUARD.rules[:1]).digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rules": [{"do": ""}]}, "rule 1 of the guard must say"),
        ({"rules": [{"when": {"feature": "x"}, "do": "wait"}]}, "'when' must be a list of bounds"),
        ({"rules": [{"when": [{"feature": "x", "above": "2"}], "do": "wait"}]}, "must be numbers"),
        ({"rules": [{"when": [{"feature": "x", "above": 2, "at_most": 1}], "do": "wait"}]}, "holds nowhere"),
        ({"rules": [{"when": [{"feature": "x"}], "do": "wait"}]}, "must be numbers"),
        ({"rules": 3}, '"rules" of a guard must be a list'),
        ({"system": 3}, "a guard is a JSON object"),
    ],
)
def test_damaged_files_are_refused_in_words(change: Any, says: str) -> None:
    data = {**json.loads(GUARD.to_json()), **change}
    with pytest.raises(DnnExplainError, match=says):
        Guard.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("guard", "says"),
    [
        (Guard("abr"), "made for abr, not for fake-gate"),
        (Guard("fake-gate", (GuardRule(Where((Span("rain", above=1.0),)), "wait"),)), "rain"),
        (Guard("fake-gate", (GuardRule(Where(), "fly"),)), "fly"),
    ],
)
def test_guards_of_something_else_are_refused(guard: Guard, says: str) -> None:
    with pytest.raises(DnnExplainError, match=says):
        Guarded(lazy(), guard, GATE)


def test_another_network_is_said() -> None:
    policy: Any = lazy()
    policy.checkpoint = "b"
    assert "another network" in Guarded(policy, Guard("fake-gate", checkpoint="a"), GATE).assumed[0]
    assert Guarded(policy, Guard("fake-gate", checkpoint="b"), GATE).assumed == ()


def expected_sources() -> list[int]:
    return [int(place) + 1 for place in Guarded(lazy(), GUARD, GATE).deciding(GATE.encode(EVERY))]


def test_python_export_decides_the_same() -> None:
    scope: dict[str, Any] = {}
    exec(export_guard(GUARD, "python", GATE), scope)
    assert [scope["decides"](row) for row in EVERY.tolist()] == expected_sources()
    assert scope["SOURCES"] == ("the network", "right first", "wait")


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_c_export_decides_the_same(tmp_path: Any) -> None:
    calls = "".join(f'printf("%d ", decides((double[]){{{a!r}, {b!r}}}));' for a, b in EVERY.tolist())
    source = f"#include <stdio.h>\n{export_guard(GUARD, 'c', GATE)}\nint main(void) {{ {calls} return 0; }}\n"
    (tmp_path / "guard.c").write_text(source)
    subprocess.run(["cc", "-Wall", "-Werror", "-o", tmp_path / "guard", tmp_path / "guard.c"], check=True)
    told = subprocess.run([tmp_path / "guard"], check=True, capture_output=True, text=True).stdout
    assert [int(word) for word in told.split()] == expected_sources()


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_javascript_export_decides_the_same(tmp_path: Any) -> None:
    program = f"{export_guard(GUARD, 'javascript', GATE)}\nconsole.log(JSON.stringify({EVERY.tolist()}.map(decides)))\n"
    (tmp_path / "guard.js").write_text(program)
    told = subprocess.run(["node", tmp_path / "guard.js"], check=True, capture_output=True, text=True).stdout
    assert json.loads(told) == expected_sources()


def test_other_exports() -> None:
    assert Guard.from_json(export_guard(GUARD, "json", GATE)) == GUARD
    assert export_guard(GUARD, "text", GATE).splitlines()[-1] == "elsewhere: do as the network"
    with pytest.raises(DnnExplainError, match="fortran"):
        export_guard(GUARD, "fortran", GATE)
