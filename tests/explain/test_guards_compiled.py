"""Guards compiled from failures: a planted failure is found, mended, and measured by an attack that knows the guard."""

from __future__ import annotations

import json
from threading import Event
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Knob
from dnnexplain.explain.guards import Guard, Guarded, GuardReport, compile_guard, evaluate_guard, worst_workloads
from dnnexplain.explain.guards.adversary import behind
from dnnexplain.explain.guards.candidates import simple
from dnnexplain.explain.guards.contest import Bench
from dnnexplain.explain.guards.tournament import Attacks, Tournament
from dnnexplain.explain.regions import Where
from dnnexplain.systems import SmallSystem
from tests.fakes import FakeChoice, FakeRule


class Watched(FakeChoice):
    """A gate whose episodes tell which states they meet."""

    def visit(self, policy: Any, workloads: Any, *, seed: int = 0) -> Any:
        del seed
        seen, cars = [], np.stack(list(workloads)).astype(float)
        for _ in range(8):
            pictures = self.encode(cars)
            action = self.output.decide(policy.outputs(pictures), self.valid_actions(pictures))
            seen.append(pictures)
            cars = np.maximum(cars - np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])[action], 0.0)
        return np.concatenate(seen), np.tile(np.arange(len(cars)), 8)

    @property
    def features(self) -> Any:
        from dnnexplain.explain.regions.where import KnobQuantities

        return KnobQuantities(self)


GATE: Any = Watched()


def forgetful() -> FakeRule:
    """As the longest queue, but waits for ever where both queues have three cars or more."""
    rule = GATE.rules()["longest"]

    def act(values: Any) -> Any:
        own = rule.act(values)
        stuck = (values >= 3).all(axis=1)
        return np.where(stuck[:, None], [0.0, 0.0, 1.0], own)

    return FakeRule("forgetful", GATE.decode, act)


def draw(count: int, seed: int) -> Any:
    return GATE.workloads("any", count, seed)


def made(**options: Any) -> Guard:
    small = {"rules": GATE.rules(), "sets": 20, "rounds": 1, "cycles": 2, "tries": 2, "seed": 0}
    return compile_guard(GATE, forgetful(), draw, **{**small, **options})


def test_a_policy_that_is_never_behind_needs_no_guard_and_no_tournament(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[int] = []
    monkeypatch.setattr(Tournament, "play", lambda _self, cycle: played.append(cycle) or False)
    rule = GATE.rules()["longest"]
    guard = compile_guard(GATE, rule, draw, rules={"longest": rule}, sets=20, rounds=1, cycles=2, tries=2, seed=0)
    assert guard.rules == ()
    assert guard.notes[-1].startswith("On no workload that was found is the policy behind the best rule")
    assert not played
    assert made(cycles=1).notes[-1] != guard.notes[-1]
    assert played == [0], "where it is behind, guards are tried"


def test_a_planted_failure_is_mended_and_the_nominal_cost_kept() -> None:
    guard = made()
    assert 1 <= len(guard.rules) <= 4
    report = evaluate_guard(GATE, forgetful(), guard, draw, rules=GATE.rules(), sets=60, rounds=1)
    assert report.gap_without > 100  # cars that wait for ever are charged
    assert report.reduction > 0.9
    assert report.nominal_with <= report.nominal_without
    assert report.stepped_in > 0
    usual = draw(60, 1)
    guarded = Guarded(forgetful(), guard, GATE)
    assert report.nominal_with == pytest.approx(GATE.run(guarded, usual).cost.mean())
    assert report.nominal_without == pytest.approx(GATE.run(forgetful(), usual).cost.mean())


def test_a_making_that_is_ended_while_it_chooses_measures_no_candidate_more(monkeypatch: Any) -> None:
    world, stop, after = Watched(), Event(), []
    run = world.run

    def counting(*given: Any, **named: Any) -> Any:
        after.extend([1] * stop.is_set())
        return run(*given, **named)

    def told(_done: float, _total: float, words: str) -> None:
        if words.startswith("choosing among"):
            stop.set()

    monkeypatch.setattr(world, "run", counting)
    small = {"rules": world.rules(), "sets": 10, "rounds": 1, "cycles": 9, "tries": 1000}
    guard = compile_guard(world, forgetful(), draw, stop=stop, progress=told, **small)
    assert guard.rules == ()
    assert guard.notes[0].startswith("Making it was ended")
    assert guard.ended_by == "cancelled"
    assert len(after) < 20  # there are hundreds of candidates


def test_limits_are_kept_and_said() -> None:
    ended = made(seconds=0.0)
    assert ended.rules == ()
    assert "by its limit of seconds" in ended.notes[0]
    assert ended.ended_by == "seconds"
    few = made(runs=1)
    assert few.notes[-1].endswith("ended at the limit of 1 run, with the best that were known by then.")
    assert few.ended_by == "runs"
    whole = made()
    assert not any("limit" in note for note in whole.notes)
    assert whole.ended_by == ""


def test_what_is_done_instead_may_be_others_than_the_rules_that_gaps_are_to() -> None:
    rules = GATE.rules()
    guard = made()
    assert guard.rules
    for name in sorted({rule.do for rule in guard.rules}):
        choices = {name: rules[name]}
        against = {key: rule for key, rule in rules.items() if key != name}
        other = made(rules=against, choices=choices)
        assert {rule.do for rule in other.rules} <= {name}
        assert f"Gaps are to the best of {', '.join(against)} on" in other.notes[1]
        assert other.rules


def test_a_policy_without_failure_gets_no_rule() -> None:
    class Optimal:
        name = "optimal"

        def outputs(self, observations: Any) -> Any:
            from dnnexplain.contract import State

            best = [GATE.judge(State(row)).best[0] for row in GATE.decode(observations)]
            return np.eye(3)[best]

    guard = compile_guard(GATE, Optimal(), draw, rules=GATE.rules(), sets=10, rounds=1, cycles=1, tries=2)
    assert guard.rules == ()


def test_a_rule_of_one_bound_enters_alone_and_with_a_rule_for_all_else() -> None:
    bench = Bench(GATE, forgetful(), GATE.rules(), list(draw(10, 0)), 0.01)
    bench.learn(draw(20, 2))
    attacks = Attacks(GATE, draw, GATE.rules(), 0, Event(), lambda *_: None, 9)
    for most, longest in ((1, 1), (2, 2)):
        tournament = Tournament(bench, attacks, np.random.default_rng(0), rounds=1, most=most, tries=2)
        tournament.begin([])
        entered = [standing.rules for standing in tournament.contest.known.values()]
        assert max(map(len, entered)) == longest
        pairs = [rules for rules in entered if len(rules) == 2]
        assert all(last.when == Where(()) and last.do != first.do for first, last in pairs)
        assert all((first,) in entered for first, _ in pairs)
    assert pairs


def test_regions_are_candidates() -> None:
    where = Where.from_json([{"feature": "left queue", "above": 2.5}, {"feature": "right queue", "above": 2.5}])
    guard = made(regions=[where], cycles=1, most=1)
    stuck = GATE.encode(np.array([[3.0, 3.0], [4.0, 3.0], [5.0, 3.0]]))
    assert (Guarded(forgetful(), guard, GATE).deciding(stuck) == 0).all()


def test_the_adversary_reports_what_it_ran() -> None:
    found = worst_workloads(GATE, forgetful(), draw, GATE.rules(), rounds=1, seed=4)
    assert np.array_equal(found.own, GATE.run(forgetful(), list(found.workloads)).cost)
    best = np.min([GATE.run(rule, list(found.workloads)).cost for rule in GATE.rules().values()], axis=0)
    assert np.array_equal(found.rule, best)
    assert np.array_equal(found.gaps, found.own - best)  # the fake's cost is no ratio scale
    assert (np.diff(found.gaps) <= 0).all()
    assert "drawn" in found.how


class Moving(SmallSystem):
    """A queue and a gate; its workloads can be changed bit by bit."""

    name = "moving"
    knobs = (Knob("queue", "cars", 0, 9),)
    actions = ("open", "wait")
    cost_name = "waiting, car steps"
    steps = 3

    def begin(self, count: int, rng: Any) -> Any:
        return rng.integers(0, 10, size=(count, 1)).astype(float)

    def step(self, values: Any, actions: Any, rng: Any) -> Any:
        del rng
        return np.maximum(values - 2.0 * (actions[:, None] == 0), 0.0), values[:, 0]

    def hand_written(self) -> Any:
        return {
            "open": lambda values: np.zeros(len(values), dtype=int),
            "wait": lambda values: np.ones(len(values), int),
        }


def test_attacks_that_were_ended_do_not_say_that_they_were_done() -> None:
    world, stop = Moving(), Event()
    stop.set()
    rules = world.rules()

    def drawn(count: int, seed: int) -> Any:
        return world.workloads("episodes", count, seed)

    found = worst_workloads(world, rules["wait"], drawn, rules, rounds=7, seed=0, stop=stop)
    assert "before the search was ended, of 7 batches" in found.how
    assert "evolved for" not in found.how
    guard = compile_guard(world, rules["wait"], drawn, rules=rules, sets=4, rounds=7, cycles=1, tries=0, stop=stop)
    assert guard.notes[0].startswith("Making it was ended before all attacks were done")
    report = evaluate_guard(world, rules["wait"], guard, drawn, rules=rules, sets=4, rounds=7, stop=stop)
    assert "before the search was ended" in report.assumed[-1]
    assert report.words.endswith("Measuring it was ended before all attacks were done, on request.")


def test_a_limit_of_seconds_that_is_far_away_leaves_the_guard_as_it_is() -> None:
    world = Moving()
    rules = world.rules()

    def compiled(seconds: float) -> Guard:
        return compile_guard(
            world, rules["wait"], lambda count, seed: world.workloads("episodes", count, seed), rules=rules, sets=4, rounds=2,
            cycles=1, tries=3, seconds=seconds,
        )  # fmt: skip

    free, limited = compiled(float("inf")), compiled(10_000.0)
    assert free.rules
    assert limited.rules == free.rules
    assert limited.ended_by == ""


def test_measuring_a_guard_keeps_its_limit_of_seconds_and_says_so() -> None:
    world = Moving()
    rules = world.rules()
    guard = Guard(world.name, (), "wait", "", ())
    shares: list[float] = []

    def drawn(count: int, seed: int) -> Any:
        return world.workloads("episodes", count, seed)

    def measured(seconds: float) -> GuardReport:
        shares.clear()
        return evaluate_guard(
            world, rules["wait"], guard, drawn, rules=rules, sets=4, rounds=2, seconds=seconds,
            progress=lambda done, total, _words: shares.append(done / total),
        )  # fmt: skip

    assert "ended" not in measured(float("inf")).words
    assert shares[-1] == 1.0
    assert measured(0.0).words.endswith("Measuring it was ended before all attacks were done, by its limit of seconds.")
    assert not shares


def test_a_rule_is_chosen_that_stands_attacks_not_one_that_fits_what_they_first_found() -> None:
    """What is asked of the making: the worst gap under attacks that know the guard is small, on seeds of neither half."""
    world = Moving()
    rules = world.rules()

    def drawn(count: int, seed: int) -> Any:
        return world.workloads("episodes", count, seed)

    guard = compile_guard(world, rules["wait"], drawn, rules=rules, sets=4, rounds=2, cycles=1, tries=3)
    found = worst_workloads(world, Guarded(rules["wait"], guard, world), drawn, rules, rounds=3, seed=77)
    assert worst_workloads(world, rules["wait"], drawn, rules, rounds=3, seed=77).gaps[0] > 5
    assert found.gaps[0] <= 0


def test_what_an_attack_evolves_from_counts_and_no_workload_is_held_twice() -> None:
    world = Moving()
    rules = world.rules()
    beside = world.workloads("episodes", 5, 3)
    found = worst_workloads(
        world, rules["wait"], lambda count, seed: world.workloads("episodes", count, seed), rules, rounds=2, seed=1, beside=[*beside, *beside],
    )  # fmt: skip
    own = world.run(rules["wait"], list(found.workloads)).cost
    best = np.min([world.run(rule, list(found.workloads)).cost for rule in rules.values()], axis=0)
    assert np.array_equal(found.gaps, own - best)
    assert (np.diff(found.gaps) < 0).all()
    known = world.run(rules["wait"], beside).cost - np.min([world.run(rule, beside).cost for rule in rules.values()], 0)
    assert found.gaps[0] >= known.max()


@pytest.mark.parametrize("rounds", [0, -1, 10**9])
def test_an_attack_without_rounds_or_with_more_than_memory_holds_is_refused(rounds: int) -> None:
    with pytest.raises(DnnExplainError, match="batches of 96 workloads, at least 1, and at most 1,041"):
        worst_workloads(GATE, forgetful(), draw, GATE.rules(), rounds=rounds, seed=4)
    with pytest.raises(DnnExplainError, match="at least 1; not 0"):
        worst_workloads(Moving(), Moving().rules()["wait"], draw, Moving().rules(), rounds=0, seed=4)


def test_gaps_are_shares_where_the_cost_is_a_ratio() -> None:
    class Ratio:
        cost_is_ratio = True

    own, rule = np.array([3.0, np.nan]), np.array([2.0, 1.0])
    assert behind(Ratio(), own, rule).tolist() == [0.5, -np.inf]
    assert behind(GATE, own, rule)[0] == 1.0


def test_report_round_trip(tmp_path: Any) -> None:
    report = evaluate_guard(GATE, forgetful(), made(cycles=1), draw, rules=GATE.rules(), sets=10, rounds=1)
    assert GuardReport.load(report.save(tmp_path / "report.json")) == report
    assert json.loads(report.to_json())


def test_progress_never_goes_back_and_says_what_is_done() -> None:
    told: list[tuple[float, float, str]] = []
    guard = made(progress=lambda *step: told.append(step), sets=10, tries=3)
    evaluate_guard(GATE, forgetful(), guard, draw, rules=GATE.rules(), sets=10, rounds=1, progress=lambda *_: None)
    shares = [done / total for done, total, _ in told]
    assert shares == sorted(shares)
    assert 0.0 == shares[0] < shares[-1] <= 1.0
    words = [words for *_, words in told]
    assert any("fall back" in one for one in words)
    assert any(one.startswith("choosing among") for one in words)


def test_each_quantity_has_bounds_that_many_hard_states_keep() -> None:
    hard = np.column_stack([np.arange(20.0), np.full(20, 3.0), np.r_[np.full(19, 1.0), np.inf]])
    usual = np.array([[25.0, 3.0, 1.0]])  # beyond what hard states show
    values, label = np.concatenate([hard, usual]), np.arange(21) < 20
    scored = simple(("waiting", "same", "far"), values, np.ones(21, dtype=bool), label, "sjf", "network")
    found = [rule for _, rule in scored]
    held = [rule.when.holds(("waiting", "same", "far"), values) for rule in found]
    shares = np.array([[one[:20].mean(), one[20:].mean()] for one in held])
    middle = shares.mean(axis=1)
    assert [score for score, _ in scored] == pytest.approx(
        (shares[:, 0] - shares[:, 1]) / np.sqrt(middle * (1 - middle))
    )
    spans = {(span.feature, span.above is None) for rule in found for span in rule.when.spans}
    assert spans == {("waiting", True), ("waiting", False), ("far", True)}, "no bound on what never changes"
    kept = {rule.when.spans[0].feature: [] for rule in found}
    for rule in found:
        kept[rule.when.spans[0].feature].append(float(rule.when.holds(("waiting", "same", "far"), hard).mean()))
    assert sorted(kept["waiting"]) == pytest.approx(sorted([0.1, 0.25, 0.5, 0.75, 0.9] * 2), abs=0.051)
    assert kept["far"] == pytest.approx([0.95]), "where it is there at all"
    assert {rule.do for rule in found} == {"sjf"}
