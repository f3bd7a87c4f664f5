"""Guards with a memory: rules that begin once a sign has lasted, and that go on until another one."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Remembering, in_episodes
from dnnexplain.explain.guards import Guard, Guarded, GuardRule, Stay, export_guard
from dnnexplain.explain.guards.memories import with_memory
from dnnexplain.explain.guards.polishing import Ladder
from dnnexplain.explain.regions import Span, Where
from dnnexplain.registry import make_system
from tests.fakes import FakeChoice, FakeRule

GATE: Any = FakeChoice()
RIGHT = Where((Span("right queue", above=1.0),))
LEFT = Where((Span("left queue", above=3.0),))
GUARD = Guard(
    "fake-gate",
    (
        GuardRule(RIGHT, "right first", after=2, stay=Stay(LEFT)),
        GuardRule(LEFT, "wait", stay=Stay(decisions=3)),
        GuardRule(Where((Span("left queue", None, 2.0),)), "right first", after=3),
        GuardRule(Where((Span("right queue", above=2.0), Span("left queue", above=4.0))), "wait", stay=Stay()),
    ),
)
PLAIN = Guard("fake-gate", (GuardRule(RIGHT, "wait"),))


def lazy() -> FakeRule:
    return FakeRule("lazy", GATE.decode, lambda values: np.tile([2.0, 1.0, 0.0], (len(values), 1)))


def walks(episodes: int = 7, steps: int = 40) -> np.ndarray[Any, Any]:
    """Knob values ``[T, E, 2]``."""
    return np.random.default_rng(3).integers(0, [6, 4], size=(steps, episodes, 2)).astype(np.float64)


def told_one_by_one(guard: Guard, values: np.ndarray[Any, Any]) -> list[int]:
    """What decides in one episode ``[T, 2]``, from the words alone."""

    def holds(where: Where, left: float, right: float) -> bool:
        at = {"left queue": left, "right queue": right}
        return all(span.low < at[span.feature] <= span.high for span in where.spans)

    decides = []
    for now in range(len(values)):
        acting = -1
        for place, rule in reversed(list(enumerate(guard.rules))):
            begins = [
                end
                for end in range(now + 1)
                if end + 1 >= rule.after
                and all(holds(rule.when, *values[at]) for at in range(end + 1 - rule.after, end + 1))
            ]
            if rule.stay is None:
                acts = now in begins
            else:
                ends = [at for at in range(now + 1) if rule.stay.until and holds(rule.stay.until, *values[at])]
                since = [end for end in begins if not any(end <= at <= now for at in ends)]
                acts = bool(since) and (not rule.stay.decisions or now - max(since) < rule.stay.decisions)
            acting = place if acts else acting
        decides.append(acting)
    return decides


def test_each_episode_remembers_for_itself_as_the_words_say() -> None:
    values = walks()
    guarded = Guarded(lazy(), GUARD, GATE)
    memory, rng = guarded.memory(values.shape[1]), np.random.default_rng(0)
    for episode in range(values.shape[1]):
        through = guarded.deciding_through(GATE.encode(values[:, episode]))
        assert through.tolist() == told_one_by_one(GUARD, values[:, episode])
    for step in values:
        rows = rng.permutation(values.shape[1])
        before = guarded.deciding_in(memory, GATE.encode(step[rows]), rows, keep=False)
        assert np.array_equal(guarded.deciding_in(memory, GATE.encode(step[rows]), rows), before)
    every = [told_one_by_one(GUARD, values[:, episode]) for episode in range(values.shape[1])]
    assert {place for one in every for place in one} == {-1, 0, 1, 2, 3}


def test_a_course_decides_and_counts_as_its_memory_says() -> None:
    values = walks()
    guarded = Guarded(lazy(), GUARD, GATE)
    assert isinstance(guarded, Remembering)
    assert not isinstance(Guarded(lazy(), PLAIN, GATE), Remembering)
    course = in_episodes(guarded, values.shape[1])
    doing = np.stack([course.outputs(GATE.encode(step)).argmax(axis=1) for step in values], axis=1)
    sources = {-1: 0, **{place: 1 if rule.do == "right first" else 2 for place, rule in enumerate(GUARD.rules)}}
    right = GATE.rules()["right first"]
    for episode, row in enumerate(doing):
        said = told_one_by_one(GUARD, values[:, episode])
        ruled = right.outputs(GATE.encode(values[:, episode])).argmax(axis=1)
        wanted = [{0: 0, 1: ruled[at], 2: 2}[sources[place]] for at, place in enumerate(said)]
        assert row.tolist() == wanted
    counts = np.bincount(
        [place for e in range(values.shape[1]) for place in told_one_by_one(GUARD, values[:, e]) if place >= 0]
    )
    assert guarded.steps_in.by_rule == tuple(counts)


def test_asked_alone_every_state_is_the_first_of_an_episode() -> None:
    seen = GATE.encode(walks()[0])
    guarded = Guarded(lazy(), GUARD, GATE)
    firsts = [int(guarded.deciding_through(seen[at : at + 1])[0]) for at in range(len(seen))]
    assert guarded.deciding(seen).tolist() == firsts
    assert "by what came before" in guarded.why(GATE.encode(np.array([[1.0, 0.0]]))[0])


def test_words_round_trip_and_digest(tmp_path: Any) -> None:
    guarded = Guarded(lazy(), GUARD, GATE)
    assert "in 2 decisions on end, and from then until left queue is at least 4 cars" in guarded.rule_words[0]
    assert "and for 3 decisions from then: do as wait" in guarded.rule_words[1]
    assert guarded.rule_words[2].endswith("in 3 decisions on end: do as right first")
    assert "and from then to the end of the episode" in guarded.rule_words[3]
    assert Guard.load(GUARD.save(tmp_path / "guard.json")) == GUARD
    assert json.loads(GUARD.to_json())["rules"][1]["stay"] == {"decisions": 3}
    assert "stay" not in json.loads(PLAIN.to_json())["rules"][0]
    bare = Guard("fake-gate", tuple(GuardRule(rule.when, rule.do) for rule in GUARD.rules))
    assert len({GUARD.digest, bare.digest, PLAIN.digest}) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"after": 0}, '"after" must be a whole number from 1'),
        ({"after": True}, '"after" must be a whole number'),
        ({"stay": "for ever"}, "'stay' must be an object"),
        ({"stay": {"til": []}}, "'stay' must be an object"),
        ({"stay": {"until": []}}, '"until" must have a bound'),
        ({"stay": {"decisions": -1}}, '"decisions" must be a whole number from 0'),
    ],
)
def test_damaged_memories_are_refused_in_words(change: Any, says: str) -> None:
    data = json.loads(PLAIN.to_json())
    data["rules"][0] |= change
    with pytest.raises(DnnExplainError, match=f"rule 1 of the guard: .*{says}"):
        Guard.from_json(json.dumps(data))


def test_an_end_that_asks_about_nothing_known_is_refused() -> None:
    unknown = Guard("fake-gate", (GuardRule(RIGHT, "wait", stay=Stay(Where((Span("weather", above=1.0),)))),))
    with pytest.raises(DnnExplainError, match="weather"):
        Guarded(lazy(), unknown, GATE)


def exported() -> list[list[int]]:
    sources = ["the network", *dict.fromkeys(rule.do for rule in GUARD.rules)]
    values = walks()
    return [
        [
            0 if place < 0 else sources.index(GUARD.rules[place].do)
            for place in told_one_by_one(GUARD, values[:, episode])
        ]
        for episode in range(values.shape[1])
    ]


def test_python_export_remembers_the_same() -> None:
    space: dict[str, Any] = {}
    exec(export_guard(GUARD, "python", GATE), space)
    for episode, wanted in enumerate(exported()):
        memory = [0] * space["MEMORY"]
        assert [space["decides"](list(row), memory) for row in walks()[:, episode]] == wanted


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_c_export_remembers_the_same(tmp_path: Any) -> None:
    rows = ",".join("{" + ",".join(map(str, row)) + "}" for row in walks()[:, 0])
    main = (
        "#include <stdio.h>\nint main(void) {\ndouble rows[][2] = {" + rows + "};\nlong memory[MEMORY] = {0};\n"
        'for (int i = 0; i < 40; i++)\n printf("%d ", decides(rows[i], memory));\nreturn 0;\n}\n'
    )
    (tmp_path / "guard.c").write_text(export_guard(GUARD, "c", GATE) + main)
    subprocess.run(["cc", "-Wall", "-Werror", "-o", "guard", "guard.c"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "guard"], capture_output=True, text=True, check=True).stdout
    assert list(map(int, said.split())) == exported()[0]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_javascript_export_remembers_the_same(tmp_path: Any) -> None:
    (tmp_path / "guard.js").write_text(export_guard(GUARD, "javascript", GATE))
    asks = "const g = require('./guard.js'); const m = Array(g.MEMORY).fill(0);"
    code = f"{asks} console.log(JSON.stringify({json.dumps(walks()[:, 0].tolist())}.map((row) => g.decides(row, m))))"
    said = subprocess.run(["node", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == exported()[0]


def test_rules_get_memories_of_every_kind_and_one_that_holds_everywhere_none() -> None:
    ladder = Ladder(GATE_NAMES, tuple(np.arange(0.5, 5.0) for _ in GATE_NAMES), np.full(2, 0.5))
    made = list(with_memory([GuardRule(RIGHT, "wait"), GuardRule(Where(), "wait")], ladder))
    assert {rule.do for rule in made} == {"wait"}
    assert len(set(made)) == len(made)
    assert {rule.after for rule in made} == {1, 3}
    ends = [rule.stay.until for rule in made if rule.stay is not None and rule.stay.until is not None]
    assert ends == [Where((Span("right queue", None, 0.5),))]


GATE_NAMES = ("left queue", "right queue")


@pytest.mark.parametrize(
    ("system", "rule", "other"),
    [("deeprm", "sjf", "fcfs"), ("abr", "rb", "bola"), ("cran", "nearest", "all-on")],
)
def test_from_the_second_decision_on_it_is_another_rule_in_every_episode(system: str, rule: str, other: str) -> None:
    world: Any = make_system(system)
    policy = world.rules()[other]
    workloads = world.workloads(next(iter(world.workload_names)), 2, 1)
    later = Guarded(policy, Guard(system, (GuardRule(Where(), rule, after=2),)), world, compare=False)
    world.run(later, workloads)
    assert later.steps_in.decisions - sum(later.steps_in.by_rule) == 2


class Idle:
    """Never places a job, though one fits into the idle cluster."""

    name, masked = "idle", False

    def __init__(self, action: int = 5) -> None:
        self.action = action

    def outputs(self, observations: Any) -> Any:
        return np.tile(np.eye(6)[self.action], (len(observations), 1))


@pytest.mark.parametrize("action", [0, 4, 5])
def test_an_episode_ends_however_time_is_let_pass_whether_the_guard_has_a_memory_or_none(action: int) -> None:
    """Naming an empty slot for ever lets time pass as waiting does."""
    world: Any = make_system("deeprm")
    workloads = world.workloads("deeprm", 3, 1)
    never = GuardRule(Where((Span("jobs waiting", above=99.0),)), "sjf", stay=Stay(decisions=5))
    policy = Idle(action)
    without = world.run(policy, workloads)
    assert without.metrics["starved"].min() > 0
    guarded = world.run(Guarded(policy, Guard("deeprm", (never,)), world), workloads)
    np.testing.assert_array_equal(guarded.metrics["starved"], without.metrics["starved"])


def test_a_rule_that_acts_only_after_a_while_still_saves_what_would_starve() -> None:
    world: Any = make_system("deeprm")
    workloads = world.workloads("deeprm", 2, 1)
    never = Where((Span("jobs waiting", above=99.0),))

    def starved(*rules: GuardRule) -> Any:
        return world.run(Guarded(Idle(), Guard("deeprm", rules), world), workloads).metrics["starved"]

    assert starved().min() > 0
    assert starved(GuardRule(Where(), "sjf", after=40)).max() == 0
    assert np.array_equal(starved(GuardRule(never, "sjf", stay=Stay(decisions=5))), starved())
