"""Knob values to picture and back: ``encode`` paints, ``decode`` reads, ``repair`` makes valid.

A picture holds multiples of 1/40 between 0 and 1 (``FULL`` = 40 as a byte).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.deeprm.observation.knobs import Layout
from dnnexplain.systems.deeprm.observation.reading_kernels import read_rows
from dnnexplain.systems.deeprm.simulator.arrays import FULL
from dnnexplain.systems.deeprm.simulator.model import Params
from dnnexplain.systems.deeprm.simulator.view_kernels import paint_slots

__all__ = ["Codec"]


class Codec:
    """Paints knob values into pictures and reads them back, a batch at a time."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.layout = Layout(params)
        self._low = np.array([knob.low for knob in self.layout.knobs])
        self._high = np.array([knob.high for knob in self.layout.knobs])
        blocks = [[self.layout.slot_columns(resource, slot) for slot in range(params.slots)] for resource in range(2)]
        clusters = [self.layout.cluster_columns(resource) for resource in range(2)]
        self._cluster = np.array([[cluster.start, cluster.stop] for cluster in clusters], dtype=np.int64)
        self._first_columns = np.array([[block.start for block in row] for row in blocks], dtype=np.int64)

    def jobs(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Length, CPU and memory of the slots' jobs ``[B, M, 3]``."""
        return np.rint(values[:, : self.layout.use_first]).astype(np.int64).reshape(len(values), self.params.slots, 3)

    def free(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Free units of the cluster per resource and row ``[B, 2, H]``."""
        use = values[:, self.layout.use_first : self.layout.backlog_knob]
        return self.params.units - np.rint(use).astype(np.int64).reshape(len(values), 2, self.params.horizon)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Whole numbers within bounds; a job has a length and some demand, or it is not there at all.

        Raises:
            DnnExplainError: if a value is not a finite number, or the row has the wrong length.
        """
        values = self._checked(values)
        fixed = np.clip(np.rint(values), self._low, self._high)
        jobs = fixed[:, : self.layout.use_first].reshape(len(values), self.params.slots, 3)
        gone = (jobs[:, :, 0] == 0) | (jobs[:, :, 1:].sum(axis=2) == 0)
        jobs[gone] = 0
        fixed[:, : self.layout.use_first] = jobs.reshape(len(values), -1)
        return fixed

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Pictures ``[B, H, W]`` of knob values ``[B, K]``.

        Rows of the cluster whose use equals the background's keep its cells; other rows gain or lose
        units at the right end of what is filled.
        """
        values = self._checked(values)
        p, layout = self.params, self.layout
        picture = np.zeros((len(values), *p.shape), dtype=np.float32)
        paint_slots(self.jobs(values), self._first_columns, p.max_job_units, picture)
        use = p.units - self.free(values)
        for resource in range(2):
            columns = layout.cluster_columns(resource)
            ground = None if background is None else np.asarray(background, dtype=np.float32)[..., columns]
            picture[:, :, columns] = self._paint_use(use[:, resource], ground)
        place = np.arange(p.horizon)[:, None] * p.backlog_width + np.arange(p.backlog_width)
        waiting = np.rint(values[:, layout.backlog_knob])
        picture[:, :, layout.backlog_column : layout.extra_column] = place < waiting[:, None, None]
        level = np.rint(values[:, layout.since_knob]) * FULL // p.tracking / FULL
        picture[:, :, layout.extra_column] = level[:, None]
        return picture

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Knob values ``[B, K]`` of pictures ``[B, H, W]`` (floats 0 to 1).

        Raises:
            DnnExplainError: if the picture does not have this cluster's shape.
        """
        picture = np.asarray(observations)
        p, layout = self.params, self.layout
        if picture.shape[1:] != p.shape:
            msg = f"a picture with {p.slots} slots is {p.shape}, not {picture.shape[1:]}; was it made with other slots?"
            raise DnnExplainError(msg)
        values = np.zeros((len(picture), len(layout.knobs)))
        kind = np.float32 if picture.dtype == np.float32 else np.float64
        backlog = (layout.backlog_column, layout.extra_column)
        read_rows(
            np.ascontiguousarray(picture, dtype=kind),
            self._first_columns,
            p.max_job_units,
            self._cluster,
            backlog,
            values,
        )
        values[:, layout.since_knob] = np.ceil(np.rint(picture[:, 0, layout.extra_column] * FULL) * p.tracking / FULL)
        return values

    def _paint_use(self, use: NDArray[np.int64], ground: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Cells ``[B, H, U]`` with ``use`` [B, H] of them filled in each row."""
        units = self.params.units
        fresh = (np.arange(units) < use[:, :, None]).astype(np.float32)
        if ground is None:
            return fresh
        before = (ground > 0).sum(axis=-1)
        same = before == use
        ground = np.broadcast_to(ground, fresh.shape)
        if same.all():
            return ground
        filled = ground > 0
        rank_filled = np.cumsum(filled, axis=2)
        rank_empty = np.cumsum(~filled, axis=2)
        kept = filled & (rank_filled <= use[:, :, None])
        added = ~filled & (rank_empty <= (use - before)[:, :, None])
        changed = np.where(kept, ground, added.astype(np.float32))
        return np.where(same[:, :, None], ground, changed)

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.layout.knobs):
            msg = f"DeepRM with {self.params.slots} slots has {counted(len(self.layout.knobs), 'knob')}; got values {values.shape}"
            raise DnnExplainError(msg)
        if not np.isfinite(values).all():
            knob = self.layout.knobs[int(np.argwhere(~np.isfinite(values))[0, 1])]
            msg = f"{knob.name} must be a number from {knob.low:g} to {knob.high:g} {knob.unit}, not NaN or infinite"
            raise DnnExplainError(msg)
        return values
