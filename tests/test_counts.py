"""Counts and units in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.counts import counted, unit_of, whose


@given(st.integers(0, 10**7))
def test_a_count_has_the_singular_for_one_alone(count):
    assert counted(count, "job") == (f"{count:,} job" if count == 1 else f"{count:,} jobs")
    assert counted(count, "entry", "entries").endswith("entry" if count == 1 else "entries")


@pytest.mark.parametrize(
    ("unit", "one"),
    [
        ("units", "unit"), ("time steps", "time step"), ("jobs per step", "job per step"), ("Gb/s", "Gb/s"), ("s", "s"),
        ("ms", "ms"), ("", ""), ("requests", "request"), ("waiting, car steps", "waiting, car step"), ("%", "%"),
        ("req/s", "req/s"), ("loss", "loss"), ("seconds", "second"),
    ],
)  # fmt: skip
def test_a_unit_after_one_is_in_the_singular(unit, one):
    assert unit_of("1", unit) == one
    assert unit_of("\u22121", unit) == one
    for number in ("0", "2", "1.5", "11", "0.1", "none"):
        assert unit_of(number, unit) == unit


def test_a_name_that_ends_with_s_has_its_apostrophe_alone():
    assert [whose(name) for name in ("Hold", "a network with convolutions")] == [
        "Hold's",
        "a network with convolutions'",
    ]
