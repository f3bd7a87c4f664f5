"""Climbs that share their batches take the steps that each takes alone."""

from threading import Event

import numpy as np
import pytest

from dnnexplain.explain.probing.block_search import climb, climb_together
from dnnexplain.explain.probing.knob_blocks import knob_blocks
from dnnexplain.systems.deeprm import DeepRM

WORLD = DeepRM(slots=2, horizon=3, units=2, max_job_units=2, max_job_length=2, backlog=2, tracking=1)
WEIGHTS = np.random.default_rng(0).normal(size=(5, len(WORLD.knobs)))


def rough(values, owners):
    """A score of its own for each climb, with many places where no single change helps."""
    return np.sin(values * WEIGHTS[owners]).sum(axis=1) + (values * WEIGHTS[owners]).sum(axis=1) / 20


@pytest.mark.parametrize("restarts", [0, 2])
def test_climbs_side_by_side_end_where_each_ends_alone(restarts):
    blocks, start = knob_blocks(WORLD), WORLD.repair(np.zeros((1, len(WORLD.knobs))))[0]
    told = []
    together = climb_together(
        WORLD, rough, blocks, restarts=restarts, seeds=range(5), starts=[[start]] * 5, progress=told.append
    )
    for number, found in enumerate(together):
        alone = climb(
            WORLD, lambda rows, n=number: rough(rows, np.full(len(rows), n)), blocks,
            restarts=restarts, seed=number, starts=[start],
        )  # fmt: skip
        np.testing.assert_array_equal(found.values, alone.values)
        assert (found.score, found.starts, found.evaluated) == (alone.score, alone.starts, alone.evaluated)
        assert (found.settled, found.stopped) == (True, False)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_all_of_them_end_when_they_are_cancelled():
    cancel = Event()
    cancel.set()
    ends = climb_together(WORLD, rough, knob_blocks(WORLD), restarts=3, seeds=range(5), starts=[[]] * 5, cancel=cancel)
    assert all(end.stopped and not end.settled and np.isfinite(end.score) for end in ends)
