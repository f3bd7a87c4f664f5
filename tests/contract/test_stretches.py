"""Changes of series, limits of what may be changed, and tables out of files."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, change_stretch, draw_line, settled_limits, table_from_json

USUAL = {"demand": (2.0, 40.0), "margin": (-30.0, 10.0)}
WIDEST = {"demand": (0.0, 100.0), "margin": (-50.0, 20.0)}


@pytest.mark.parametrize("seed", range(20))
def test_one_stretch_changes_and_stays_within(seed):
    before = np.random.default_rng(100 + seed).uniform(0, 10, 60)
    after = before.copy()
    change_stretch(after, np.random.default_rng(seed), 2.0, 3.0, 20)
    other = np.flatnonzero(after != before)
    assert len(other) > 0
    assert other[-1] - other[0] < 20  # one stretch
    assert ((after[other] >= 2.0) & (after[other] <= 3.0)).all()
    again = before.copy()
    change_stretch(again, np.random.default_rng(seed), 2.0, 3.0, 20)
    np.testing.assert_array_equal(again, after)


def test_every_kind_of_change_comes_up():
    ramp = np.linspace(0.0, 1.0, 200)
    shapes = set()
    for seed in range(80):
        values = ramp.copy()
        change_stretch(values, np.random.default_rng(seed), 0.0, 1.0, 60)
        other = np.flatnonzero(values != ramp)
        part = values[other]
        shapes.add("level" if np.ptp(part) == 0 else "levels" if len(np.unique(part)) == 2 else "curve")
    assert shapes == {"level", "levels", "curve"}


def test_limits_are_those_given_within_the_widest_and_else_the_usual():
    assert settled_limits({}, USUAL, WIDEST, "a day") == USUAL
    assert settled_limits({"demand": (-5, 200)}, USUAL, WIDEST, "a day") == {**USUAL, "demand": (0.0, 100.0)}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"load": (0, 1)}, "load.*demand, margin"),
        ({"demand": (9, 2)}, "leave no value: 9 to 2"),
        ({"demand": (200, 300)}, "leave no value"),
    ],
)
def test_limits_that_mean_nothing_are_refused(limits, said):
    with pytest.raises(DnnExplainError, match=said):
        settled_limits(limits, USUAL, WIDEST, "a day")


def test_a_saved_table_is_read_and_anything_else_is_said():
    np.testing.assert_array_equal(table_from_json({"rows": [[1, 2], [3, 4]]}, "rows", 2, "day"), [[1, 2], [3, 4]])
    for data, said in (
        ({}, "needs rows"),
        ({"rows": [[1], [2, 3]]}, "needs rows"),
        ({"rows": [["x", 2]]}, "needs rows"),
        ({"rows": [[1, 2, 3]]}, "rows of 2 numbers"),
        ({"rows": []}, "rows of 2 numbers"),
    ):
        with pytest.raises(DnnExplainError, match=said):
            table_from_json(data, "rows", 2, "day")


@pytest.mark.parametrize("count", [1, 7, 10, 16])
def test_a_drawn_line_is_straight_between_points_within_the_limits(count):
    line = draw_line(count, 4, 2.0, 3.0, np.random.default_rng(count))
    assert line.shape == (count,)
    assert ((line >= 2.0) & (line <= 3.0)).all()
    bends = np.flatnonzero(np.abs(np.diff(line, 2)) > 1e-12) + 1
    assert set(bends.tolist()) <= set(range(0, count, 4))
    assert count < 3 or len(np.unique(line)) > 1
