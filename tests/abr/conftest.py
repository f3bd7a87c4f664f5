"""Small links, and the places of third parties' data, which tests use only where they are."""

import os
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.systems.abr.traces import Trace

DATA = Path(os.environ.get("DNNEXPLAIN_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "abr"


@pytest.fixture
def links():
    """Links of several kinds, dull and nasty, from one seed."""
    rng = np.random.default_rng(7)
    made = [
        Trace("even", np.arange(0.0, 40.0), np.full(40, 1.7)),
        Trace("late", 0.37 + np.arange(0.0, 25.0, 0.5), rng.uniform(0.2, 4.0, 50)),
        Trace("two samples", np.array([0.0, 3.0]), np.array([9.0, 0.6])),
        Trace("fast", np.arange(0.0, 30.0), np.full(30, 90.0)),
        Trace("silent for long", np.arange(0.0, 100.0), np.where(np.arange(100) % 50 < 20, 3.0, 0.0)),
        Trace("twice the same time", np.array([0.0, 1.0, 1.0, 2.5]), np.array([1.0, 2.0, 5.0, 1.0])),
    ]
    made += [Trace(f"walk {i}", np.cumsum(rng.uniform(0.2, 1.5, 80)), rng.lognormal(0.3, 0.6, 80)) for i in range(6)]
    return made


@pytest.fixture(scope="session")
def data():
    """The folder of third parties' links and networks; the test is skipped where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"no folder {DATA} of others' links and networks")
    return DATA
