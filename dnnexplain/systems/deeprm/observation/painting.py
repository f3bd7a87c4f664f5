"""DeepRM's picture as data: what :class:`~dnnexplain.systems.deeprm.observation.codec.Codec` does, for a page without it."""

from __future__ import annotations

from collections.abc import Iterator

from dnnexplain.contract import (
    Cells,
    Demand,
    Fits,
    Level,
    Listing,
    Painting,
    Pause,
    Phrase,
    Rectangle,
    Run,
    Whole,
)
from dnnexplain.contract.paintings import Mask, Stroke
from dnnexplain.systems.deeprm.observation.knobs import RESOURCES, Layout
from dnnexplain.systems.deeprm.simulator.arrays import FULL

__all__ = ["deeprm_painting"]


def deeprm_painting(layout: Layout) -> Painting:
    """Jobs are rectangles, the cluster's rows and the backlog are runs of cells, the clock is a level."""
    jobs = [f"job {slot}" for slot in range(1, layout.params.slots + 1)]
    return Painting(
        strokes=tuple(_strokes(layout)),
        wholes=tuple(Whole(((f"{job} length",), tuple(f"{job} {name}" for name in RESOURCES))) for job in jobs),
        masks=tuple(_masks(layout, jobs)),
        words=_words(layout, jobs),
    )


def _strokes(layout: Layout) -> Iterator[Stroke]:
    p = layout.params
    for resource, name in enumerate(RESOURCES):
        first = layout.cluster_columns(resource).start
        for row in range(p.horizon):
            yield Run(Cells(row, first, 1, p.units), f"{name} in use at step {row}", keeps=True)
        for slot in range(p.slots):
            column = layout.slot_columns(resource, slot).start
            block = Cells(0, column, p.horizon, p.max_job_units)
            yield Rectangle(block, f"job {slot + 1} length", f"job {slot + 1} {name}")
    yield Run(Cells(0, layout.backlog_column, p.horizon, p.backlog_width), "backlog")
    levels = tuple(steps * FULL // p.tracking / FULL for steps in range(p.tracking + 1))
    yield Level(Cells(0, layout.extra_column, p.horizon, 1), "time since last arrival", levels)


def _masks(layout: Layout, jobs: list[str]) -> Iterator[Mask]:
    """A job that fits, where the last row is never used; waiting, unless the cluster is idle and a job fits."""
    p = layout.params
    use = {name: tuple(f"{name} in use at step {row}" for row in range(p.horizon)) for name in RESOURCES}
    for job in jobs:
        demands = tuple(Demand(f"{job} {name}", use[name][:-1], p.units) for name in RESOURCES)
        yield Fits(job, f"{job} length", demands)
    yield Pause("wait", tuple(knob for name in RESOURCES for knob in use[name]))


def _words(layout: Layout, jobs: list[str]) -> tuple[Phrase | Listing, ...]:
    """The sentence of :func:`~dnnexplain.systems.deeprm.observation.states.describe`."""
    waiting = tuple(
        Phrase(
            f"{job} ({{{job} length}} step{{{job} length||s}}, {{{job} cpu}} CPU, {{{job} memory}} memory)",
            when=f"{job} length",
        )
        for job in jobs
    )
    cpu, memory = (f"{{{name} in use at step 0}} of {layout.params.units}" for name in RESOURCES)
    return (
        Listing(waiting, "No job waits", " waits", " wait"),
        Phrase(f"; the cluster uses {cpu} CPU and {memory} memory"),
        Phrase("; {backlog} more in the backlog", when="backlog"),
        Phrase("."),
    )
