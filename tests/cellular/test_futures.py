import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.decisions.consequences import consequences
from dnnexplain.systems.cellular.futures import entered
from dnnexplain.systems.cellular.layout import WINDOWS
from dnnexplain.systems.cellular.runs import play_rates, run_days


class Never:
    name = "never"

    def outputs(self, observations):
        return np.zeros((len(observations), 1))


def met(system, day, minute, rates):
    """The state of a day that was played with given rates, before a minute, and the run."""
    days, given = system.stack([day]), iter(rates)
    run = run_days(system.cell, days, lambda _seen: np.array([next(given)]), len(system.knobs), keep=True)
    return State(system.decode(run.observations[0, minute : minute + 1])[0]), run


def test_a_day_goes_on_from_its_own_state_as_it_did(cell_system, days):
    rates = np.linspace(0, 1, days[0].minutes)
    minute = 400
    state, whole = met(cell_system, days[0], minute, rates)
    rest = entered(cell_system.layout, state.values, days[:1])
    assert rest.minutes == days[0].minutes - minute
    np.testing.assert_allclose(rest.own[:, 5:], days[0].own[None, 5 + minute :], atol=1e-7)
    np.testing.assert_allclose(rest.forecast, days[0].forecast[None, minute:], atol=1e-7)
    given = iter(rates[minute:])
    gone = run_days(
        cell_system.cell, rest, lambda _seen: np.array([next(given)]), len(cell_system.knobs), keep=True,
        before=float(state.values[cell_system.layout.load]),
    )  # fmt: skip
    np.testing.assert_allclose(gone.load[0], whole.load[0, minute:], atol=1e-7)
    np.testing.assert_allclose(gone.parts[0], whole.parts[0, minute:], atol=1e-7)
    np.testing.assert_allclose(gone.observations[0, 0], whole.observations[0, minute], atol=1e-6)


def test_other_days_are_shifted_to_the_forecasts_that_the_state_shows(cell_system, days):
    state = cell_system.state_from_json({"time of day": 12.0, "our load": 0.1, "forecast": [0.5, 0.52, 0.55, 0.6]})
    rest = entered(cell_system.layout, state.values, days)
    assert (rest.forecast[:, 0] == state.values[cell_system.layout.forecast]).all()
    whole = cell_system.stack(days)
    for k, (first, last) in enumerate(WINDOWS[:2]):
        real = rest.own[:, 5:][:, first - 1 : last].mean(axis=1)
        was = whole.own[:, 5 + 240 :][:, first - 1 : last].mean(axis=1)
        missing = state.values[cell_system.layout.forecast][k] - whole.forecast[:, 240, k]
        np.testing.assert_allclose(real - was, missing, atol=0.03)
    np.testing.assert_allclose(rest.own[:, -1], whole.own[:, -1], atol=1e-3)  # eight hours later nothing is left of it
    assert ((rest.own >= 0) & (rest.own <= 1)).all()


def test_a_full_rate_carries_more_now_and_leaves_more_load(cell_system, days):
    state = cell_system.state_from_json({"time of day": 12.0, "our load": 0.0, "forecast": [0.9] * 4})
    found = consequences(cell_system, Never(), state, days, seed=1)
    assert [one.action for one in found.actions] == [[0.0], [1.0], [0.5]]
    assert [one.name for one in found.actions] == ["rate 0", "rate 1", "rate 0.5"]
    full = found.of([1.0])
    assert full.against["gained volume"].mean > found.of([0.5]).against["gained volume"].mean > 0
    assert full.against["minutes sent below"].mean == 1.0
    assert found.of(found.chosen).against["cost"].mean == 0.0
    rest = entered(cell_system.layout, state.values, days)
    rates = np.zeros_like(rest.own[:, 5:])
    rates[:, 0] = 1.0
    assert full.figures["cost"].mean == pytest.approx(-play_rates(cell_system.cell, rest, rates).reward.mean())


def test_nothing_follows_the_end_of_a_day(cell_system, days):
    state = State(cell_system.state_from_json({"time of day": 20.0}).values)
    with pytest.raises(DnnExplainError, match="a day lasts from 8 h to 20 h"):
        cell_system.continued(state, Never(), 0.5, days)
