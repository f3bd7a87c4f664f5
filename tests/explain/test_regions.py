"""Failure regions: found where a failure was planted, silent where there is none, honest in their figures."""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.regions import (
    Evidence,
    FailureProfile,
    compare_profiles,
    decisions,
    failure_profile,
    gaps,
    profile_of,
    random_states,
)
from dnnexplain.explain.regions.boxes import failing_boxes, inside, score
from dnnexplain.explain.regions.significance import fisher, holm, rank_sum
from dnnexplain.results import Question
from tests.fakes import FakeChoice, FakeRule

GATE: Any = FakeChoice()
NAMES = ("warmth", "load", "noise")


def evidence(seed: int, planted: bool = True, count: int = 400) -> Evidence:
    """Three even quantities; where load is above 6 and warmth at most 4, most decisions lose about 2."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 10, size=(count, 3))
    bad = (values[:, 1] > 6) & (values[:, 0] <= 4) & (rng.random(count) < 0.9)
    return Evidence(NAMES, values, np.where(bad & planted, rng.uniform(1, 3, count), 0.0), "steps", {"load": "jobs"})


def profile(seed: int = 0, planted: bool = True, policy: str = "net") -> FailureProfile:
    question = Question("fake", policy=policy)
    return profile_of(question, "decisions", evidence(2 * seed, planted), evidence(2 * seed + 1, planted))


def test_finds_what_was_planted_and_checks_it_on_the_other_half() -> None:
    found = profile()
    first = found.regions[0]
    bounds = {span.feature: (span.low, span.high) for span in first.where.spans}
    assert set(bounds) == {"warmth", "load"}
    assert bounds["load"] == (pytest.approx(6, abs=0.5), np.inf)
    assert bounds["warmth"] == (-np.inf, pytest.approx(4, abs=0.5))
    other = evidence(1)
    within = first.where.holds(NAMES, other.values)
    assert first.samples == within.sum()
    assert first.share == pytest.approx((other.loss[within] > 0).mean())
    assert first.loss == pytest.approx(other.loss[within].mean())
    assert first.mass == pytest.approx(within.mean())
    assert first.p < 1e-9
    assert found.explained > 0.8
    assert "load is above" in first.words
    assert "jobs" in first.rule


def test_nothing_is_found_where_nothing_fails_or_all_is_chance() -> None:
    assert profile(planted=False).regions == ()
    found = 0
    for seed in range(10):
        halves = []
        for half in (0, 1):
            one = evidence(2 * seed + half)
            halves.append(Evidence(NAMES, one.values, np.random.default_rng(seed + 99 * half).permutation(one.loss)))
        found += bool(profile_of(Question("fake"), "decisions", *halves).regions)
    assert found <= 2  # at a level of 0.05


def test_regions_are_ranked_by_mass_times_loss() -> None:
    weights = [region.weight for region in profile().regions]
    assert weights == sorted(weights, reverse=True)


def test_boxes_are_no_longer_than_they_need_be() -> None:
    one = evidence(3)
    for box in failing_boxes(one.values, one.loss):
        now = score(inside(box, one.values), one.loss)
        for feature in box:
            rest = {key: span for key, span in box.items() if key != feature}
            assert score(inside(rest, one.values), one.loss) < now


def test_score_is_the_difference_scaled() -> None:
    within = np.array([True, True, False, False, False])
    loss = np.array([3.0, 1.0, 0.0, 0.0, 1.5])
    assert score(within, loss) == pytest.approx((2.0 - 0.5) * np.sqrt(2 * 3 / 5))
    assert score(np.ones(5, dtype=bool), loss) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_against_its_definition(p: list[float]) -> None:
    found = holm(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    slow, most = [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        most = max(most, p[place] * (len(p) - rank))
        slow[place] = min(most, 1.0)
    assert np.allclose(found, slow)
    assert (found >= np.array(p) - 1e-12).all()


def test_p_values_of_exact_cases() -> None:
    within = np.array([True] * 3 + [False] * 3)
    assert rank_sum(within, np.array([4.0, 5, 6, 1, 2, 3])) == pytest.approx(1 / 20)
    assert fisher(within, within) == pytest.approx(1 / 20)
    assert rank_sum(within, np.zeros(6)) == rank_sum(np.ones(6, dtype=bool), np.arange(6.0)) == 1.0
    assert stats.fisher_exact([[3, 0], [0, 3]], alternative="greater").pvalue == pytest.approx(fisher(within, within))


def test_losses_of_decisions_are_the_oracles() -> None:
    policy = FakeRule("left", GATE.decode, lambda values: np.tile([2.0, 1.0, 0.0], (len(values), 1)))
    values, seen = random_states(GATE, 30, seed=1)
    assert np.array_equal(GATE.repair(values), values)
    found = decisions(GATE, policy, seen)
    from dnnexplain.contract import State

    slow = []
    for row in values:
        action = 0 if row[0] > 0 else 1 if row[1] > 0 else 2
        slow.append(GATE.judge(State(row)).loss[action])
    assert np.allclose(found.loss, slow)
    assert found.names == ("left queue", "right queue")
    assert np.array_equal(found.values, values)


class Watched(FakeChoice):
    """A gate whose episodes tell the state that they begin with."""

    def visit(self, policy: Any, workloads: Any, *, seed: int = 0) -> Any:
        del policy, seed
        return self.encode(np.stack(workloads)), np.arange(len(workloads))

    @property
    def features(self) -> Any:
        from dnnexplain.explain.regions.where import KnobQuantities

        return KnobQuantities(self)


class AfterCalls(Event):
    """Is set once it was asked so often."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_cancel_is_followed_between_two_states_and_two_workloads() -> None:
    """A turn of many slow states is not finished first: one more is judged, and what was judged is kept as it is."""
    world: Any = Watched()
    policy = world.rules()["right first"]
    values, seen = random_states(world, 30, seed=1)
    whole = decisions(world, policy, seen)
    assert len(whole.loss) == 30
    few = decisions(world, policy, seen, stop=AfterCalls(4))
    assert np.array_equal(few.loss, whole.loss[:5])
    assert np.array_equal(few.values, values[:5])
    assert few.actions is not None
    assert len(few.actions) == 5
    starts, rules = world.workloads("any", 10, 3), world.rules()
    every, some = gaps(world, policy, starts, rules), gaps(world, policy, starts, rules, stop=AfterCalls(2))
    assert np.array_equal(some.loss, every.loss[:3])
    assert np.array_equal(some.values, every.values[:3])

    def draw(count: int, seed: int) -> Any:
        return world.workloads("any", count, seed)

    for kind in ("decisions", "workloads"):
        ended = failure_profile(world, policy, draw, kind=kind, sets=60, stop=AfterCalls(0))
        assert ended.samples == 1
        assert "Ended early" in ended.assumed[-1]


def test_gaps_are_against_the_best_rule_of_each_workload() -> None:
    world: Any = Watched()
    starts = world.workloads("any", 10, 3)
    rules = world.rules()
    policy = rules["right first"]
    found = gaps(world, policy, starts, rules)
    costs = [world.run(rule, starts).cost for rule in rules.values()]
    assert np.allclose(found.loss, world.run(policy, starts).cost - np.min(costs, axis=0))
    assert np.array_equal(found.values, np.stack(starts))
    whole = failure_profile(
        world, policy, lambda count, seed: world.workloads("any", count, seed), kind="workloads", sets=60
    )
    assert whole.kind == "workloads"
    assert whole.samples == 60


def test_round_trip(tmp_path: Any) -> None:
    found = profile()
    assert FailureProfile.load(found.save(tmp_path / "profile.json")) == found


def test_retraining_removes_a_region_or_makes_one() -> None:
    bad, good = profile(policy="old"), profile(1, planted=False, policy="new")
    there = compare_profiles(bad, good)
    assert {fate.verdict for fate in there.fates} == {"removed"}
    assert {fate.verdict for fate in compare_profiles(good, bad).fates} == {"new"}
    assert "stays" in {fate.verdict for fate in compare_profiles(bad, profile(1)).fates}
    other = profile_of(Question("another"), "decisions", evidence(0), evidence(1))
    with pytest.raises(DnnExplainError, match="like with like"):
        compare_profiles(bad, other)


def test_unknown_kind() -> None:
    with pytest.raises(DnnExplainError, match="decisions or workloads"):
        failure_profile(GATE, GATE.rules()["longest"], lambda *_: [], kind="days")
