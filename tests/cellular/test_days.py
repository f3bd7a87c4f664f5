"""Generated days: the same seed the same day, forecasts with the error that is stated, and what stacks."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cellular.days import AHEAD, day_of, stack_days
from dnnexplain.systems.cellular.families import KINDS, generate
from dnnexplain.systems.cellular.layout import WINDOWS

FRAME = {"history": 3, "start": 8.0, "minutes": 240, "error": 0.01}


@pytest.mark.parametrize("name", KINDS)
def test_a_seed_gives_the_same_days_and_the_first_of_many_are_those_of_few(name):
    few, many = generate(name, 2, 7, **FRAME), generate(name, 4, 7, **FRAME)
    for one, other in zip(few, many[:2], strict=True):
        assert np.array_equal(one.own, other.own)
        assert np.array_equal(one.forecast, other.forecast)
    assert not np.array_equal(many[2].own, many[3].own)
    assert not np.array_equal(generate(name, 1, 8, **FRAME)[0].own, few[0].own)
    assert (few[0].minutes, few[0].history, len(few[0].own)) == (240, 3, 243)


def test_numbers_are_shares_and_what_a_float32_network_sees_to_the_bit():
    for day in generate("mixed", 12, 1, **FRAME):
        for series in (day.own, day.sessions, day.efficiency, day.forecast):
            assert np.array_equal(series, series.astype(np.float32).astype(np.float64))
        assert ((day.own >= 0) & (day.own <= 1)).all()
        assert ((day.forecast >= 0) & (day.forecast <= 1)).all()


def test_without_error_a_forecast_is_the_mean_of_its_window():
    own = np.random.default_rng(0).uniform(0, 1, 3 + 50 + AHEAD)
    series = {"own": own, "sessions": own, "efficiency": own + 0.5}
    day = day_of(series, 3, 8.0, 0.0, np.random.default_rng(1))
    for t in (0, 17, 49):
        wanted = [own[3 + t + first - 1 : 3 + t + last].mean() for first, last in WINDOWS]
        assert day.forecast[t] == pytest.approx(wanted, abs=1e-6)


def test_errors_of_forecasts_have_the_deviation_that_is_stated():
    own = np.full(3 + 20_000 + AHEAD, 0.5)
    day = day_of({"own": own, "sessions": own, "efficiency": own}, 3, 8.0, 0.01, np.random.default_rng(1))
    wanted = [0.01 * np.sqrt((first + last) / 2) for first, last in WINDOWS]
    assert day.forecast.std(axis=0) == pytest.approx(wanted, rel=0.03)
    assert day.forecast.mean(axis=0) == pytest.approx([0.5] * len(WINDOWS), abs=0.002)


def test_families_differ_as_their_names_say():
    load = {name: np.mean([day.own.mean() for day in generate(name, 20, 2, **FRAME)]) for name in KINDS}
    assert load["quiet"] < 0.7 * load["diurnal"] < load["bursty"]
    assert len({day.name for day in generate("mixed", 30, 2, **FRAME)}) == 4
    calm = generate("bursty", 20, 2, bursts=0, **FRAME)
    assert np.mean([day.own.mean() for day in calm]) < load["bursty"]


def test_the_default_limit_lies_between_the_factors_of_the_published_code(cell_system):
    # L = 0.8 to 1.0 times the median throughput without any traffic of ours.
    days = cell_system.stack(cell_system.workloads("mixed", 60, 1))
    alone = cell_system.cell.peak * days.efficiency * (1 - days.own)
    assert 0.8 <= cell_system.cell.limit / np.median(alone) <= 1.0


def test_days_of_different_lengths_do_not_stack_and_unknown_words_are_told():
    one, other = generate("quiet", 1, 1, **FRAME), generate("quiet", 1, 1, **{**FRAME, "minutes": 100})
    with pytest.raises(DnnExplainError, match=r"must have one length.*100 minutes from 8 h.*240 minutes"):
        stack_days([*one, *other])
    with pytest.raises(DnnExplainError, match="no days"):
        stack_days([])
    with pytest.raises(DnnExplainError, match=r"family of days 'stadion'.*Did you mean 'stadium'"):
        generate("stadion", 1, 1, **FRAME)
    with pytest.raises(DnnExplainError, match=r"parameter of a day 'burst'.*bursts"):
        generate("bursty", 1, 1, burst=3, **FRAME)
