"""Changed days: within limits, forecasts with the errors that they had, and the same day from what is saved."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Reshaping
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.systems.cellular import CellularSystem
from dnnexplain.systems.cellular.layout import WINDOWS


@pytest.fixture(scope="module")
def pair():
    system = CellularSystem(minutes=90, history=2, error=0.01)
    return system, system.workloads("bursty", 2, 4)


def changed(system, days, seed):
    rng = np.random.default_rng(seed)
    limits = {"congestion": (0.1, 0.6), "sessions": (0.5, 2.0), "efficiency": (0.8, 1.2)}
    return {
        "mutate": system.mutate(days[0], rng, limits),
        "reshape": system.reshape(days[0], rng, limits),
        "scramble": system.scramble(days[0], rng, limits),
        "combine": system.combine(*days, rng),
    }


def errors(day):
    """Forecasts less the true means of their windows, where the day has the whole window ``[n]`` each."""
    found = []
    for k, (first, last) in enumerate(WINDOWS):
        for t in range(day.minutes - last):
            at = day.history + t
            found.append(day.forecast[t, k] - day.own[at + first - 1 : at + last].mean())
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_day_is_new_within_limits_and_forecast_with_the_same_errors(pair, seed):
    system, days = pair
    for name, day in changed(system, days, seed).items():
        other = day.own != days[0].own
        if name in {"mutate", "reshape", "scramble"}:
            assert ((day.own[other] >= 0.1 - 1e-6) & (day.own[other] <= 0.6 + 1e-6)).all()
        moved = other.any() or (day.sessions != days[0].sessions).any() or (day.efficiency != days[0].efficiency).any()
        assert moved or name == "combine"
        loose = (day.forecast > 0) & (day.forecast < 1)
        assert loose.mean() > 0.5
        np.testing.assert_allclose(
            errors(day)[kept(day, days[0])], errors(days[0])[kept(day, days[0])], atol=2e-6, err_msg=name
        )
        seen = system.visit(system.rules()["always"], [day])[0]
        np.testing.assert_array_equal(system.repair(seen.astype(float)), seen)


def kept(*days):
    """Which of :func:`errors` were cut off at neither end in any of the days."""
    masks = [
        np.concatenate(
            [(day.forecast[: day.minutes - last, k] > 0) & (day.forecast[: day.minutes - last, k] < 1) for k, (_, last) in enumerate(WINDOWS)]
        )
        for day in days
    ]  # fmt: skip
    return np.logical_and.reduce(masks)


def test_what_is_saved_is_the_same_day_to_the_bit(pair):
    system, days = pair
    day = system.mutate(days[1], np.random.default_rng(0), {})
    again = system.workload_from_json(json.loads(json.dumps(system.workload_to_json(day))))
    for name in ("own", "sessions", "efficiency", "forecast"):
        np.testing.assert_array_equal(getattr(again, name), getattr(day, name))


def test_limits_that_mean_nothing_are_said(pair):
    system, days = pair
    for limits, said in (({"load": (0, 1)}, "congestion"), ({"efficiency": (3, 4)}, "leave no value")):
        with pytest.raises(DnnExplainError, match=said):
            system.mutate(days[0], np.random.default_rng(0), limits)
    with pytest.raises(DnnExplainError, match="history of 2 minutes"):
        system.workload_from_json(
            CellularSystem(minutes=90).workload_to_json(CellularSystem(minutes=90).workloads("quiet", 1, 0)[0])
        )
    with pytest.raises(DnnExplainError, match="is missing or wrong"):
        system.workload_from_json({"minutes": []})


def test_a_search_finds_a_day_on_which_a_rule_is_further_behind_and_its_optimum_holds(pair):
    system, days = pair
    assert isinstance(system, Reshaping)
    found = attack_sequence(system, system.rules()["threshold"], days, against="headroom", rounds=3, seed=1)
    assert found.gap > found.start_gap
    assert found.certificate.holds
    day = system.workload_from_json(found.workload)
    assert system.run(system.rules()["threshold"], [day]).cost[0] == found.network
    assert found.optimum_lower <= min(found.network, found.rule) + 1e-9
