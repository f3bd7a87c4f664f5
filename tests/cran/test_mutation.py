"""Changed days: within limits, users who take their shadowing along, and the same day from what is saved."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Reshaping
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.systems.cran import CloudRan


@pytest.fixture(scope="module")
def pair():
    system = CloudRan(heads=2, users=2, slots=12)
    return system, system.workloads("diurnal", 2, 4)


def margins(system, day):
    return day.gain - np.repeat(system.scene.mean_gain(day.place), system.scene.antennas, axis=-1)


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_day_is_a_new_one_within_limits(pair, seed):
    system, days = pair
    rng = np.random.default_rng(seed)
    limits = {"demand": (5.0, 20.0), "margin": (-20.0, 5.0)}
    before = margins(system, days[0])
    for day in (
        system.mutate(days[0], rng, limits), system.reshape(days[0], rng, limits), system.scramble(days[0], rng, limits)
    ):  # fmt: skip
        parts = [
            (day.demand, days[0].demand),
            (day.place, days[0].place),
            (day.gain, days[0].gain),
            (day.phase, days[0].phase),
        ]
        assert any((new != old).any() for new, old in parts)
        other = day.demand[~np.isin(day.demand, days[0].demand)]
        assert ((other >= 5) & (other <= 20)).all()
        after = margins(system, day)
        fresh = ~np.isclose(after[..., None], before.ravel(), atol=1e-4).any(axis=-1)
        assert ((after[fresh] >= -20 - 1e-4) & (after[fresh] <= 5 + 1e-4)).all()
        seen = system.codec.observe([day])[0]
        np.testing.assert_array_equal(system.encode(system.repair(system.decode(seen))), seen)


def test_a_user_who_is_put_elsewhere_takes_shadowing_and_fading_along(pair):
    system, days = pair
    moved = [system.mutate(days[0], np.random.default_rng(seed), {"margin": (-40, 30)}) for seed in range(40)]
    alone = [day for day in moved if (day.place != days[0].place).any() and (day.phase == days[0].phase).all()]
    assert alone
    same = [np.allclose(margins(system, day), margins(system, days[0]), atol=1e-4) for day in alone]
    assert any(same)
    assert all((day.gain != days[0].gain).any() for day in alone)


def test_a_stretch_of_another_day_is_taken_whole(pair):
    system, days = pair
    day = system.combine(*days, np.random.default_rng(3))
    other = (day.demand != days[0].demand).any(axis=1)
    assert other.any()
    for name in ("demand", "place", "gain", "phase"):
        np.testing.assert_array_equal(getattr(day, name)[other], getattr(days[1], name)[other])
        np.testing.assert_array_equal(getattr(day, name)[~other], getattr(days[0], name)[~other])


def test_what_is_saved_is_the_same_day_to_the_bit(pair):
    system, days = pair
    day = system.reshape(days[1], np.random.default_rng(0), {})
    again = system.workload_from_json(json.loads(json.dumps(system.workload_to_json(day))))
    for name in ("demand", "place", "gain", "phase"):
        np.testing.assert_array_equal(getattr(again, name), getattr(day, name))


def test_limits_that_mean_nothing_are_said(pair):
    system, days = pair
    for limits, said in (({"load": (0, 1)}, "demand"), ({"demand": (60, 70)}, "leave no value")):
        with pytest.raises(DnnExplainError, match=said):
            system.mutate(days[0], np.random.default_rng(0), limits)
    with pytest.raises(DnnExplainError, match="it is missing, or a value in it is no number"):
        system.workload_from_json({})


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_a_search_finds_a_day_on_which_a_rule_is_further_behind_and_its_optimum_is_proved(action):
    system = CloudRan(heads=2, users=2, slots=12, action=action)
    assert isinstance(system, Reshaping)
    days = system.workloads("diurnal", 2, 4)
    found = attack_sequence(system, system.rules()["all-on"], days, against="greedy", rounds=2, seed=1)
    assert found.gap > found.start_gap
    assert found.proved_optimum
    assert found.certificate.holds
    day = system.workload_from_json(found.workload)
    assert system.bound(day).lower == pytest.approx(found.optimum_lower, abs=1e-12)
