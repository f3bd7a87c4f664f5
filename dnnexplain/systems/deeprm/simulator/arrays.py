"""The simulator's state as a struct of arrays, one row per episode, and its sizes for the kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnexplain.systems.deeprm.simulator.model import CHARGE, Params

__all__ = ["COLOURS", "FULL", "Arrays", "Sizes", "as_input", "copy_arrays", "make_arrays", "make_sizes"]

FULL = 40
"""The byte that stands for 1 in an observation: every value of the picture is a multiple of 1/40."""

COLOURS = 39
"""The original paints a job in one of 39 colours: 1/40, 2/40, ... 39/40."""


class Sizes(NamedTuple):
    """What the kernels need to know of :class:`Params` and of when an episode ends."""

    slots: int
    horizon: int
    units: int
    width: int
    backlog: int
    backlog_width: int
    tracking: int
    colours: bool
    linger: bool
    charge: bool
    until_done: bool
    time_limit: int
    stalls: bool


class Arrays(NamedTuple):
    """The state of ``B`` episodes. ``J`` jobs per set, ``M`` slots, ``H`` rows, ``U`` units, ``Q`` backlog."""

    job_set: NDArray[np.int32]  # [B] which job set the episode runs
    time: NDArray[np.int32]  # [B] steps since the start
    actions: NDArray[np.int32]  # [B] actions taken
    next_job: NDArray[np.int32]  # [B] the next job to arrive
    since: NDArray[np.int32]  # [B] steps since the last arrival, saturating
    slot: NDArray[np.int32]  # [B, M] job in each slot, -1 empty
    waiting: NDArray[np.int32]  # [B, Q] jobs in the backlog, in order
    waiting_count: NDArray[np.int32]  # [B]
    running: NDArray[np.int32]  # [B, R] placed and unfinished jobs, in order of placement
    running_count: NDArray[np.int32]  # [B]
    free: NDArray[np.int32]  # [B, 2, H] free units per resource and row
    cells: NDArray[np.uint8]  # [B, 2, H, U] the cluster's picture, bytes (FULL = 1); rows are a ring
    head: NDArray[np.int32]  # [B] the ring's row that shows the present
    start: NDArray[np.int32]  # [B, J] step in which a job starts, -1 not placed
    finish: NDArray[np.int32]  # [B, J] start + length, -1 not placed
    placed_at: NDArray[np.int32]  # [B, J] index of the action that placed it, -1
    turned_away: NDArray[np.bool_]  # [B, J]
    away_cost: NDArray[np.float64]  # [B] sum of 1/length over jobs turned away
    done: NDArray[np.bool_]  # [B]
    colour_order: NDArray[np.uint8]  # [B, COLOURS] order in which colours are tried


def make_sizes(params: Params, *, until_done: bool = True, time_limit: int = 1_000_000, stalls: bool = False) -> Sizes:
    """Sizes of one configuration and end of episode.

    Args:
        params: the configuration.
        until_done: run until every job is done; else end when no new jobs may arrive.
        time_limit: with ``until_done``, the episode is cut once the clock passes this step.
        stalls: end an episode, too, where an action lets time pass in a picture that no longer changes.
    """
    return Sizes(
        slots=params.slots,
        horizon=params.horizon,
        units=params.units,
        width=params.max_job_units,
        backlog=params.backlog,
        backlog_width=params.backlog_width,
        tracking=params.tracking,
        colours=params.cluster_cells == "colours",
        linger=params.finished_jobs == "linger",
        charge=params.full_backlog == CHARGE,
        until_done=until_done,
        time_limit=time_limit,
        stalls=stalls,
    )


def make_arrays(params: Params, job_set: NDArray[np.int32], jobs: int, seed: int = 0) -> Arrays:
    """Fresh arrays for ``B = len(job_set)`` episodes with up to ``jobs`` jobs each; not yet reset.

    ``seed`` shuffles the colours (only where the original's colours are asked for), as the original
    does at every reset.
    """
    batch = len(job_set)
    held = max(1, min(jobs, 2 * params.horizon * params.units))
    order = np.tile(np.arange(1, COLOURS + 1, dtype=np.uint8), (batch, 1))
    if params.cluster_cells == "colours":
        order = np.random.default_rng(seed).permuted(order, axis=1)

    def ints(*shape: int) -> NDArray[np.int32]:
        return np.zeros((batch, *shape), dtype=np.int32)

    return Arrays(
        job_set=np.ascontiguousarray(job_set, dtype=np.int32),
        time=ints(),
        actions=ints(),
        next_job=ints(),
        since=ints(),
        slot=ints(params.slots),
        waiting=ints(params.backlog),
        waiting_count=ints(),
        running=ints(held),
        running_count=ints(),
        free=ints(2, params.horizon),
        cells=np.zeros((batch, 2, params.horizon, params.units), dtype=np.uint8),
        head=ints(),
        start=ints(jobs),
        finish=ints(jobs),
        placed_at=ints(jobs),
        turned_away=np.zeros((batch, jobs), dtype=np.bool_),
        away_cost=np.zeros(batch),
        done=np.zeros(batch, dtype=np.bool_),
        colour_order=order,
    )


def copy_arrays(arrays: Arrays) -> Arrays:
    """An independent copy: branch from here and replay another future."""
    return Arrays._make(array.copy() for array in arrays)


def as_input(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures as the network reads them, 0 to 1: the float32 nearest to ``byte / 40``, as ``encode`` paints."""
    return pictures.astype(np.float32) / np.float32(FULL)
