"""A recorded episode is the episode: its bars are the cells of its pictures, its choices place its jobs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dnnexplain.contract import Replayable
from dnnexplain.systems.deeprm import DeepRM


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), rule=st.sampled_from(["sjf", "packer", "easy", "random"]))
def test_bars_fill_exactly_the_cells_that_the_pictures_show(seed: int, rule: str) -> None:
    system = DeepRM(slots=3)
    jobs = system.workloads("deeprm", 1, seed, steps=15)[0]
    replay = system.replay(system.rules()[rule], jobs, seed=seed)
    for track in range(2):
        grid = np.zeros((int(np.nanmax(replay.finish)) + 25, 10), dtype=int)
        for begin, end, low, high in replay.bars[replay.bar_track == track].astype(int):
            grid[begin:end, low:high] += 1
        assert grid.max(initial=0) <= 1
        last = replay.observations[-1]
        now = int(replay.times[-1])
        shown = last[:, system.codec.layout.cluster_columns(track)] > 0
        placed_after = replay.chosen[-1] >= 0
        if not placed_after:
            assert np.array_equal(grid[now : now + 20] > 0, shown)
    for job in range(len(jobs)):
        own = replay.bars[replay.bar_object == job]
        area = ((own[:, 1] - own[:, 0]) * (own[:, 3] - own[:, 2])).sum()
        assert area == jobs.length[job] * (jobs.cpu[job] + jobs.memory[job])
        assert own[:, 0].min() == replay.start[job]
        assert own[:, 1].max() == replay.finish[job]


def test_it_agrees_with_the_run_of_the_same_policy() -> None:
    system = DeepRM()
    assert isinstance(system, Replayable)
    jobs = system.workloads("deeprm", 1, 4)[0]
    rule = system.rules()["tetris"]
    replay, run = system.replay(rule, jobs), system.run(rule, [jobs])
    assert replay.cost == pytest.approx(run.cost[0])
    assert np.array_equal(replay.start, run.detail.start[0])
    assert sorted(replay.chosen[replay.chosen >= 0]) == list(range(len(jobs)))
    assert np.array_equal(replay.times, np.sort(replay.times))


def test_jobs_that_starve_have_a_lane_of_their_own_from_their_arrival_to_the_end() -> None:
    system = DeepRM(slots=2)
    jobs = system.workloads("deeprm", 1, 3, steps=15)[0]

    class Waits:
        """Never places a job."""

        name, masked = "waits", False

        def outputs(self, observations: NDArray[Any]) -> NDArray[np.float64]:
            return np.tile([0.0, 0.0, 1.0], (len(observations), 1))

    replay, run = system.replay(Waits(), jobs), system.run(Waits(), [jobs])
    lane = replay.tracks[2]
    assert (lane.name, lane.wrong, lane.capacity) == ("starved", True, run.metrics["starved"][0])
    left = replay.bars[replay.bar_track == 2]
    assert lane.capacity == len(left) == len(jobs) - int(run.metrics["turned_away"][0])
    assert np.array_equal(left[:, 0], replay.arrival[replay.bar_object[replay.bar_track == 2]])
    assert set(left[:, 1]) == {float(run.detail.end[0])}
    assert len(system.replay(system.rules()["sjf"], jobs).tracks) == 2
