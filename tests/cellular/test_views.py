"""A cell over its day, and as rows of numbers and a map."""

import numpy as np
import pytest

from dnnexplain.contract import SweepView
from dnnexplain.registry import views_of
from dnnexplain.systems import make_system

SYSTEM = make_system("cellular", minutes=90)


@pytest.fixture(scope="module")
def day():
    return SYSTEM.workloads("stadium", 1, 4)[0]


@pytest.mark.parametrize("policy", ["proportional", "optimum"])
def test_a_day_s_curves_are_those_of_its_run(day, policy):
    replay = SYSTEM.replay_optimum(day) if policy == "optimum" else SYSTEM.replay(SYSTEM.rules()[policy], day)
    played = SYSTEM.play(day, replay.actions)
    curves = {curve.name: curve.values[:-1] for curve in replay.curves}
    np.testing.assert_allclose(curves["rate"], played.arrays["rates"])
    np.testing.assert_allclose(curves["throughput"], played.arrays["throughput"])
    np.testing.assert_allclose(curves["with ours"] - curves["the cell's own"], played.arrays["load"], atol=1e-12)
    assert replay.cost == pytest.approx(played.summary["cost"])
    if policy == "optimum":
        assert replay.cost == pytest.approx(SYSTEM.bound(day).upper)


def test_the_policy_is_asked_in_the_states_that_are_shown(day):
    rule = SYSTEM.rules()["proportional"]
    replay = SYSTEM.replay(rule, day)
    np.testing.assert_allclose(SYSTEM.output.decide(rule.outputs(replay.observations)), replay.actions)


def test_rows_go_from_the_oldest_minute_to_the_newest():
    past, ahead, load = views_of(SYSTEM)
    assert past.lines[0].knobs[-1] == "congestion last minute"
    assert past.places == ("5", "4", "3", "2", "1")
    assert ahead.lines[0].knobs[0] == "forecast next minute"
    assert isinstance(load, SweepView)
