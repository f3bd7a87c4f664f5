"""What no map can tell, and what a map of thousands of knobs would take."""

from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State, state_from_values
from dnnexplain.explain import largest_knobs, map_size
from dnnexplain.explain.faithfulness.additivity import joint_share
from dnnexplain.explain.probing import threshold_maps
from dnnexplain.policies import load_shipped
from dnnexplain.systems import make_system


def test_a_sum_over_objects_leaves_nothing_and_a_product_nearly_all():
    knobs = tuple(SimpleNamespace(name=name, group=name) for name in "abcd")
    case = SimpleNamespace(system=SimpleNamespace(knobs=knobs), state=State(np.ones(4)))
    gone = np.random.default_rng(0).random((400, 4)) < 0.5
    rows, sides = np.where(gone, 0.0, 1.0), np.where(gone, 1.0, -1.0)
    assert joint_share(case, rows, gone @ np.array([3.0, -1.0, 0.5, 2.0])) == pytest.approx(0.0, abs=1e-12)
    assert joint_share(case, rows, sides.prod(axis=1)) > 0.9
    assert np.isnan(joint_share(case, rows[:6], gone[:6].sum(axis=1).astype(float)))


def test_a_map_says_beforehand_what_it_takes_and_is_refused_where_that_is_too_much(monkeypatch):
    system = make_system("deeprm", slots=5)
    policy = load_shipped(system, "default")
    size = map_size(system, policy, "length")
    assert size.knobs == 5
    assert size.bytes == 8 * size.neurons * size.states
    jobs = {
        f"job {place} {what}": value
        for place, value in enumerate((1, 9, 2, 10, 1), start=1)
        for what in ("length", "cpu")
    }
    state = state_from_values(system, jobs)
    assert largest_knobs(system, "length", state, 2) == ("job 2 length", "job 4 length")
    monkeypatch.setattr(threshold_maps, "MOST_BYTES", size.bytes // 2)
    with pytest.raises(DnnExplainError, match="largest_knobs"):
        map_size(system, policy, "length")
