"""The box around a case holds the gap, and its figures come from fresh samples."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.gray_box import gap_box
from dnnexplain.results import Result
from tests.gray_box.test_search import closed_form


def test_the_box_of_a_closed_form_stops_where_the_ratio_falls(tmp_path):
    problem, case = closed_form(), np.array([0.0, 0, 0, 2])
    box = gap_box(problem, case, fraction=0.5, samples=200, checks=400, seed=0)
    assert box.ratio == pytest.approx(20)
    assert box.threshold == pytest.approx(10.5)
    assert (box.low <= case).all()
    assert (case <= box.high).all()
    corner = np.r_[box.high[:3], box.low[3]]
    assert corner[3] < 2 or corner[:3].max() > 0
    assert box.share > 0.95
    assert box.share_low < box.share
    assert box.volume < 0
    assert Result.load(box.save(tmp_path / "box.json")) == box
    assert "keep a ratio of at least 10.5" in box.sentence()
    assert box.table()[3]["input"] == "d"


def test_a_higher_threshold_makes_a_smaller_box():
    problem, case = closed_form(), np.array([0.0, 0, 0, 2])
    loose, strict = (gap_box(problem, case, fraction=fraction, seed=1) for fraction in (0.3, 0.9))
    assert (strict.high - strict.low).sum() < (loose.high - loose.low).sum()


def test_equal_seeds_draw_equal_boxes():
    one, two = (gap_box(closed_form(), np.array([0.0, 0, 0, 2]), seed=4) for _ in range(2))
    assert one == two


def test_there_is_no_box_around_a_case_without_a_gap():
    problem = closed_form()
    with pytest.raises(DnnExplainError, match="no gap"):
        gap_box(problem, np.zeros(4))
    with pytest.raises(DnnExplainError, match="above 0 and below 1"):
        gap_box(problem, np.array([0.0, 0, 0, 2]), fraction=1.0)
