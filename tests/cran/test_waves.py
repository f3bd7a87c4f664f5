"""Records of days as levels and waves: the inverse, the fading they hold, and tables that no day has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import Coordinated, written_columns
from dnnexplain.registry import make_system
from dnnexplain.systems.cran.days import FAMILIES
from dnnexplain.systems.cran.waves import coordinates, from_coordinates, to_coordinates

SMALL = make_system("cran")
LARGE = make_system("cran", heads=12, users=4)


@pytest.mark.parametrize("system", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_they_give_the_same_day_back(system, family):
    for day in system.workloads(family, 2, 4):
        records = system.to_records(day)
        told = to_coordinates(records, system.scene)
        assert told.shape == (len(records), len(coordinates(system.scene)))
        np.testing.assert_allclose(from_coordinates(told, system.scene), records, atol=1e-6)


def test_a_link_of_one_gain_is_a_level_and_a_wave_of_one():
    records = SMALL.to_records(SMALL.workloads("diurnal", 1, 0)[0]).copy()
    users, links = SMALL.scene.users, SMALL.scene.users * SMALL.scene.heads * SMALL.scene.antennas
    far = SMALL.scene.mean_gain(records[0, users : 3 * users].reshape(users, 2)).reshape(-1)
    turning = np.linspace(-170.0, 170.0, len(records))
    records[:, 3 * users : 3 * users + links] = far + 7.0
    records[:, 3 * users + links :] = turning[:, None]
    told = to_coordinates(records, SMALL.scene)
    level, inner, outer = np.split(told[:, 3 * users :], 3, axis=1)
    np.testing.assert_allclose(level, 7.0, atol=1e-9)
    np.testing.assert_allclose(inner, np.cos(np.deg2rad(turning))[:, None].repeat(links, axis=1), atol=1e-9)
    np.testing.assert_allclose(outer, np.sin(np.deg2rad(turning))[:, None].repeat(links, axis=1), atol=1e-9)


def test_the_wave_is_as_smooth_as_the_fading_is_and_the_phase_is_not():
    """The family's fading is a first-order process: its correlation from slot to slot is the parameter."""
    days = [SMALL.to_records(day) for day in SMALL.workloads("diurnal", 60, 3, fading=0.9)]
    waves = np.stack([to_coordinates(day, SMALL.scene)[:, -20:] for day in days])

    def lagged(rows):
        return float(np.mean(rows[:, 1:] * rows[:, :-1]) / np.mean(rows**2))

    assert lagged(waves) == pytest.approx(0.9, abs=0.02)
    phases = np.stack([day[:, -10:] for day in days])
    assert lagged(phases) < 0.8


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1e4))
def test_any_finite_coordinates_are_records_of_a_valid_day(seed, size):
    table = np.random.default_rng(seed).normal(size=(8, len(coordinates(SMALL.scene)))) * size
    records = from_coordinates(table, SMALL.scene)
    assert np.isfinite(records).all()
    assert len(SMALL.from_records(records)) == 8


def test_a_generator_writes_coordinates_and_others_records():
    assert isinstance(SMALL, Coordinated)
    assert written_columns(SMALL) == list(coordinates(SMALL.scene))
    other = make_system("cellular")
    assert written_columns(other) == [knob.name for knob in other.record_knobs]
