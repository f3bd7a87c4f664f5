"""The formulas of a minute: closed forms, a slow twin, and how they differ from the published code's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cellular.cell import GB_PER_MBPS_MINUTE, Cell
from dnnexplain.systems.cellular.kernels import added_load, parts_of, play_days, smoothed, throughput

shares = st.floats(0, 1, width=32)


def test_throughput_by_processor_sharing_is_what_the_load_leaves():
    c = Cell(peak=20, floor=0.02).constants
    assert throughput(c, 0.0, 1.0) == 20
    assert throughput(c, 0.25, 1.2) == pytest.approx(20 * 1.2 * 0.75)
    assert throughput(c, 1.7, 1.0) == pytest.approx(0.4)


def test_the_inverse_model_is_half_at_the_knee_and_falls_as_one_over_congestion():
    c = Cell(throughput="inverse", knee=0.25).constants
    assert throughput(c, 0.25, 1.0) == pytest.approx(10)
    assert throughput(c, 1e6, 1.0) * 1e6 == pytest.approx(20 * 0.25, rel=1e-5)


@settings(deadline=None)
@given(st.sampled_from(["sharing", "inverse"]), shares, shares, st.floats(0, 1))
def test_throughput_is_convex_and_never_rises_with_congestion(model, one, two, weight):
    c = Cell(throughput=model).constants
    middle = throughput(c, weight * one + (1 - weight) * two, 1.0)
    assert middle <= weight * throughput(c, one, 1.0) + (1 - weight) * throughput(c, two, 1.0) + 1e-9
    assert throughput(c, max(one, two), 1.0) <= throughput(c, min(one, two), 1.0)


def test_added_load_decays_by_e_within_the_time_constant_and_full_rate_fills_to_the_fullest():
    cell = Cell(added=0.03, decay=15)
    load = 0.4
    for _ in range(15):
        load = added_load(cell.constants, load, 0.0)
    assert load == pytest.approx(0.4 / math.e)
    for _ in range(2000):
        load = added_load(cell.constants, load, 1.0)
    assert load == pytest.approx(cell.fullest)


def test_without_decay_load_adds_up_and_snapping_clears_it_as_in_the_published_code():
    c = Cell(decay=0, snapping=True, added=0.1).constants
    rates, load = (0.5, 1.0, 0.25, 0.0, 0.5), 0.0
    seen = [load := added_load(c, load, rate) for rate in rates]
    assert seen == pytest.approx([0.05, 0.15, 0.175, 0.0, 0.05])
    assert math.isinf(Cell(decay=0).fullest)


@settings(deadline=None)
@given(shares, st.floats(0.2, 2), shares, shares, st.booleans(), st.floats(0, 20))
def test_a_minute_is_the_formula_of_the_paper(own, efficiency, load, rate, follows, limit):
    cell = Cell(users_follow=follows, limit=limit, volume_weight=2, user_weight=3, limit_weight=5)
    volume, loss, penalty, shared = parts_of(cell.constants, own, efficiency, load, rate)
    alone = 20 * efficiency * max(1 - own, 0.02)
    through = 20 * efficiency * max(1 - own - load, 0.02)
    minute = 60 / 8000
    assert shared == pytest.approx(through)
    assert volume == pytest.approx(2 * through * rate * minute)
    assert loss == pytest.approx(3 * (alone - through) * (rate if follows else 0.05) * minute)
    assert penalty == pytest.approx(5 * rate * max(limit - through, 0) * minute)
    assert min(volume, loss, penalty) >= 0


def test_a_whole_day_is_its_minutes_one_after_another():
    rng = np.random.default_rng(0)
    c = Cell().constants
    own, efficiency, rates = rng.uniform(0, 1, (3, 2, 9))
    load, shared, parts = np.empty((2, 9)), np.empty((2, 9)), np.empty((2, 9, 3))
    play_days(c, own, efficiency, rates, np.array([0.0, 0.2]), load, parts, shared)
    for w, now in enumerate((0.0, 0.2)):
        for t in range(9):
            now = math.exp(-1 / 15) * now + 0.03 * rates[w, t]  # noqa: PLW2901 - carried on
            assert load[w, t] == pytest.approx(now)
            assert (*parts[w, t], shared[w, t]) == pytest.approx(
                parts_of(c, own[w, t], efficiency[w, t], now, rates[w, t])
            )


def test_a_minute_at_one_megabit_per_second_is_seven_and_a_half_megabytes():
    assert pytest.approx(7.5) == 1000 * GB_PER_MBPS_MINUTE


def test_smoothed_noise_has_unit_variance_and_the_memory_that_was_asked_for():
    shocks = np.random.default_rng(1).standard_normal(200_000)
    out = np.empty_like(shocks)
    smoothed(shocks, 0.8, out)
    assert out.std() == pytest.approx(1, abs=0.02)
    assert np.corrcoef(out[1:], out[:-1])[0, 1] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"throughput": "shared"}, "there is no throughput model 'shared'.*Did you mean 'sharing'"),
        ({"peak": 0}, "peak of a cell must be a finite number above 0"),
        ({"limit": -1}, "limit of a cell must be a finite number of at least 0"),
        ({"decay": math.nan}, "decay of a cell"),
        ({"floor": 1.5}, "floor is a share"),
    ],
)
def test_constants_out_of_bounds_are_refused_in_words(wrong, words):
    with pytest.raises(DnnExplainError, match=words):
        Cell(**wrong)
