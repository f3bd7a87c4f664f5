"""Intervals: the coverage that the module states, closed forms, and what has none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dnnexplain.contract import DnnExplainError
from dnnexplain.intervals import (
    compared_interval,
    counted_interval,
    large_sample_interval,
    mean_interval,
    ratio_interval,
    repeated_splits_interval,
    share_interval,
)
from dnnexplain.registry import cost_range, spec_of, specs
from tests.fakes import FakeChoice

SAMPLES = 2000
DRAWS = {
    "normal": (lambda rng, size: rng.normal(2.0, 3.0, size), 2.0),
    "exponential": (lambda rng, size: rng.exponential(1.0, size), 1.0),
    "lognormal": (lambda rng, size: rng.lognormal(0.0, 0.5, size), math.exp(0.125)),
    "heavy": (lambda rng, size: rng.lognormal(0.0, 1.0, size), math.exp(0.5)),
}
STATED = {
    "normal": {2: 0.95, 5: 0.954, 10: 0.951, 30: 0.95},
    "exponential": {2: 0.912, 5: 0.911, 10: 0.934, 30: 0.947},
    "lognormal": {2: 0.938, 5: 0.924, 10: 0.935, 30: 0.943},
    "heavy": {2: 0.891, 5: 0.865, 10: 0.895, 30: 0.924},
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("count", [2, 5, 10, 30])
def test_a_nominal_95_per_cent_covers_what_the_module_states(name, count):
    draw, true = DRAWS[name]
    rows = draw(np.random.default_rng(count), (SAMPLES, count))
    inside = np.mean([found.low <= true <= found.high for found in map(mean_interval, rows)])
    assert inside == pytest.approx(STATED[name][count], abs=0.02)  # three standard errors of 2,000 samples


@pytest.mark.parametrize(("count", "covers", "given"), [(10, 0.91, 0.21), (20, 0.90, 0.84), (50, 0.93, 1.0)])
def test_a_change_that_leaves_most_as_they_are_covers_what_the_module_states(count, covers, given):
    rng = np.random.default_rng(count)
    shape = (2 * SAMPLES, count)
    rows = rng.normal(0.2, 1.0, shape) * (rng.random(shape) < 1 / 3)
    known = [found for found in map(mean_interval, rows) if found.known]
    assert len(known) / len(rows) == pytest.approx(given, abs=0.03)
    assert np.mean([found.low <= 0.2 / 3 <= found.high for found in known]) == pytest.approx(covers, abs=0.03)


@pytest.mark.parametrize("count", [5, 10, 30])
def test_a_comparison_of_skewed_pairs_covers_the_true_ratio(count):
    rng = np.random.default_rng(count)
    hard = rng.lognormal(1.0, 0.6, (SAMPLES, count))
    other = 0.8 * hard * rng.lognormal(-0.02, 0.2, hard.shape)
    inside = [
        found.low <= -0.2 <= found.high
        for a, b in zip(other, hard, strict=True)
        for found in [compared_interval(a, b, ratio=True)]
    ]
    assert 0.88 <= np.mean(inside) <= 0.97


def test_values_without_skew_have_students_interval():
    values = [1.0, 2.0, 4.0, 5.0, 3.0]
    found = mean_interval(values, level=0.9)
    expected = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.sets == 5
    assert found == mean_interval(values, level=0.9)


def test_skew_moves_the_interval_to_the_long_side():
    found = mean_interval([1, 1.1, 1.2, 1.3, 9.0])
    assert found.high - found.mean > found.mean - found.low > 0


def test_the_weighted_mean_is_the_pooled_one():
    assert mean_interval([1.0, 4.0], weights=[9, 1]).mean == pytest.approx(1.3)
    assert mean_interval([1.0, math.nan, 3.0]).sets == 2
    assert mean_interval([1.0, math.nan, 3.0], weights=[1, 0, 1]).mean == pytest.approx(2.0)


def test_where_nothing_is_known_of_the_spread_there_is_no_interval():
    one = mean_interval([2.0])
    assert one.to_json() == {
        "mean": 2.0, "low": None, "high": None, "level": 0.95, "sets": 1,
        "missing": "1 workload; an interval needs two",
    }  # fmt: skip
    rare = mean_interval([0.0] * 18 + [0.4, 1.2])
    assert rare.missing == "only 2 of 20 workloads differ from the others; an interval needs 5"
    assert math.isnan(rare.low)
    assert rare.verdict == 0
    assert mean_interval([0.0] * 15 + [0.4, 1.2, 0.3, 0.2, 0.7]).known
    assert not mean_interval([3.0, 3.0]).known
    assert mean_interval([]).missing.startswith("0 workloads")
    assert not mean_interval([1.0, math.inf]).known


def test_pairs_cancel_what_sets_share():
    rng = np.random.default_rng(2)
    hard = rng.uniform(1, 20, 200)
    better = 0.8 * hard + rng.normal(0, 0.1, 200)
    found = compared_interval(better, hard, ratio=True)
    assert found.mean == pytest.approx(-0.2, abs=0.005)
    assert found.low < found.mean < found.high
    assert found.high - found.low < 0.01
    assert found.verdict == -1
    less = compared_interval(better - 40, hard - 40, ratio=False)
    assert less.mean == pytest.approx(np.mean(better - hard))
    assert less.verdict == -1
    assert compared_interval(hard, better, ratio=True).verdict == 1


def test_shares_stay_between_0_and_1():
    found = share_interval([9, 10, 6, 10, 8, 10, 7, 5], [10] * 8)
    assert 0.5 < found.low < found.mean < found.high <= 1.0
    assert share_interval([8, 9, 10, 6, 1], [10, 10, 10, 10, 2]).high == 1.0


def test_mistakes_are_explained():
    with pytest.raises(DnnExplainError, match="compare by differences"):
        ratio_interval([1, 2], [1, -1])
    with pytest.raises(DnnExplainError, match="one number per workload, 2"):
        compared_interval([1, 2], [1, 2, 3], ratio=True)
    with pytest.raises(DnnExplainError, match="level"):
        mean_interval([1, 2], level=95)
    assert ratio_interval([1, 2], [0, 0]).missing == "there is nothing to compare with"


COSTS = st.floats(0.01, 1000, allow_nan=False)
PAIRS = st.integers(2, 12).flatmap(lambda size: arrays(np.float64, (2, size), elements=COSTS))


@settings(max_examples=40, deadline=None)
@given(PAIRS)
def test_no_interval_of_positive_costs_leaves_what_they_can_be(pair):
    first, second = pair
    free, held = mean_interval(first), mean_interval(first, within=(0, math.inf))
    assert not held.known or 0 <= held.low <= held.mean <= held.high
    assert (held.mean, held.missing, held.sets) == (free.mean, free.missing, free.sets)
    change = compared_interval(first, second, ratio=True)
    assert not change.known or -1 <= change.low <= change.mean <= change.high
    assert change.verdict == ratio_interval(first, second).less(1).verdict
    below = compared_interval(first - 2000, second - 2000, ratio=False)
    plain = mean_interval(first - second)
    assert below.three == pytest.approx(plain.three, nan_ok=True, rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.floats(0, 1000), st.floats(0, 1000))
def test_what_is_true_and_possible_is_covered_as_often_within_the_range(pair, true, of):
    free, held = mean_interval(pair[0]), mean_interval(pair[0], within=(0, math.inf))
    assert (free.low <= true <= free.high) == (held.low <= true <= held.high)
    wide, cut = ratio_interval(*pair).less(1), compared_interval(*pair, ratio=True)
    change = true / (of + 1) - 1
    assert (wide.low <= change <= wide.high) == (cut.low <= change <= cut.high)


def test_few_and_spread_workloads_reach_the_end_of_the_range_and_no_further():
    few = [1.2, 9.0]
    assert mean_interval(few).low < 0
    assert mean_interval(few, within=(1, math.inf)).low == 1.0
    assert ratio_interval([1, 9, 2, 1, 30], [20, 3, 5, 1, 9]).less(1).low < -1
    assert compared_interval([1, 9, 2, 1, 30], [20, 3, 5, 1, 9], ratio=True).low == -1
    assert mean_interval([-1.2, -9.0]).low < -9  # a cost that may be negative is not cut


def test_a_spec_says_what_its_cost_can_be():
    for spec in specs().values():
        least, most = spec.cost_range
        assert (least >= 0) == spec.ratio
        assert most == math.inf
    assert cost_range(FakeChoice())[0] == -math.inf
    assert spec_of("deeprm").cost_range[0] == 1


@pytest.mark.parametrize(("hits", "of"), [(0, 12), (3, 12), (12, 12), (199, 200)])
def test_a_counted_share_has_the_exact_interval_and_its_one_sided_bound(hits, of):
    found = counted_interval(hits, of)
    exact = stats.binomtest(hits, of).proportion_ci(0.95)
    assert found.three == pytest.approx((hits / of, exact.low, exact.high), abs=1e-9)
    bound = stats.binomtest(hits, of, alternative="greater").proportion_ci(0.95)
    assert counted_interval(hits, of, level=0.9).low == pytest.approx(bound.low, abs=1e-9)
    assert found.known
    assert not counted_interval(0, 0).known


def test_many_equal_values_have_the_normal_interval():
    gains = np.r_[np.ones(3), np.zeros(400)]
    assert not mean_interval(gains).known
    expected = stats.norm.interval(0.95, gains.mean(), stats.sem(gains))
    assert large_sample_interval(gains).three == pytest.approx((gains.mean(), *expected))
    assert large_sample_interval(np.ones(5)).three == (1.0, 1.0, 1.0)
    assert math.isnan(large_sample_interval([1.0]).low)


def test_repeated_splits_do_not_narrow_an_interval_without_end():
    values = np.tile([0.1, 0.2, 0.3], 40)
    found = repeated_splits_interval(values, 0.25)
    error = values.std(ddof=1) * math.sqrt(1 / 120 + 1 / 3)
    assert found.three == pytest.approx((0.2, *stats.t.interval(0.95, 119, 0.2, error)))
    assert math.isnan(repeated_splits_interval(values[:1], 0.25).low)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_level_is_a_probability_for_every_interval(level):
    for ask in (
        lambda: counted_interval(1, 2, level=level),
        lambda: large_sample_interval([1.0, 2.0], level=level),
        lambda: repeated_splits_interval([1.0, 2.0], 0.5, level=level),
    ):
        with pytest.raises(DnnExplainError, match="level"):
            ask()


@pytest.mark.parametrize("ratio", [True, False])
def test_costs_that_differ_by_rounding_are_the_same(ratio):
    cost = np.array([0.1, 0.2, 0.3]) * 7
    other = np.nextafter(cost, [9, 0, 9])
    assert compared_interval(cost, other, ratio=ratio).mean == 0
    assert compared_interval(cost, cost * (1 + 1e-9), ratio=ratio).mean != 0
