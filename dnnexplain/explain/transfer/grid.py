"""Where does it stop winning: policies and rules over a grid of workloads (APNet 2018, Section 4.3, environments).

Rows and columns of the grid are settings: a family of workloads and its parameters, or given workloads
such as the windows of a log. Every policy runs the same workloads in a cell, so they are compared set by
set. The grid runs over :func:`dnnexplain.parallel.seeded_imap`. A cell draws from a seed that its family and
parameters make, wherever in whichever grid it stands, on one core, on all, and on a Dask cluster.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    Box,
    Choice,
    DnnExplainError,
    Episodes,
    EpisodeSystem,
    Metric,
    Policy,
    Shift,
    cost_is_ratio,
)
from dnnexplain.explain.transfer.result import Boundary, Transfer
from dnnexplain.explain.transfer.words import boundaries, words
from dnnexplain.gone import renamed
from dnnexplain.intervals import compared_interval, mean_interval
from dnnexplain.parallel import Progress, child_seed, seeded_imap
from dnnexplain.registry import spec_of
from dnnexplain.results import Question

__all__ = ["Boundary", "Shift", "Transfer", "cell_workloads", "transfer"]

__getattr__ = renamed(__name__, Setting="dnnexplain.contract:Shift")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Ran:
    """What all policies did in a cell: costs ``[P, W]``, metrics ``[P, M]``, shares of actions ``[P, A]``."""

    costs: Floats
    figures: Floats
    shares: Floats


@dataclass(frozen=True)
class _Cell:
    """What a worker needs."""

    system: Any
    metrics: tuple[Metric, ...]
    actions: int
    policies: tuple[Policy, ...]
    family: str
    parameters: Mapping[str, Any]
    sets: int
    seed: int
    given: Sequence[Any] | None


@dataclass
class _Tables:
    """Arrays that fill up as cells come in."""

    shape: tuple[int, int, int]
    networks: int
    sets: int
    ratio: bool
    range: tuple[float, float]
    metrics: tuple[Metric, ...]
    actions: tuple[str, ...]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows, columns, _ = self.shape
        names = ("cost", "low", "high", "median")
        self.arrays = {name: np.full(self.shape, np.nan) for name in names}
        self.arrays |= {
            name: np.full((rows, columns, self.networks), np.nan)
            for name in ("relative", "relative_low", "relative_high")
        }
        self.arrays["episodes"] = np.full((*self.shape, self.sets), np.nan)
        self.arrays["figures"] = np.full((*self.shape, len(self.metrics)), np.nan)
        self.arrays["shares"] = np.full((*self.shape, len(self.actions)), np.nan)
        self.arrays["best_rule"] = np.full((rows, columns), -1, dtype=np.int64)

    def put(self, row: int, column: int, ran: _Ran) -> None:
        """Fill in a cell."""
        at, costs = (row, column), ran.costs
        intervals = [mean_interval(cost, within=self.range) for cost in costs]
        self.arrays["episodes"][at][:, : costs.shape[1]] = costs
        self.arrays["cost"][at] = costs.mean(axis=1)
        self.arrays["low"][at], self.arrays["high"][at] = (
            [item.low for item in intervals],
            [item.high for item in intervals],
        )
        self.arrays["median"][at] = np.median(costs, axis=1)
        self.arrays["figures"][at], self.arrays["shares"][at] = ran.figures, ran.shares
        best = self.networks + int(costs[self.networks :].mean(axis=1).argmin())
        self.arrays["best_rule"][at] = best
        against = [compared_interval(cost, costs[best], ratio=self.ratio) for cost in costs[: self.networks]]
        for name, values in zip(
            ("relative", "relative_low", "relative_high"),
            zip(*(item.three for item in against), strict=True),
            strict=True,
        ):
            self.arrays[name][at] = values


def transfer(
    system: EpisodeSystem,
    policies: Mapping[str, Policy],
    rows: Sequence[Shift],
    columns: Sequence[Shift],
    *,
    rules: Sequence[str] | None = None,
    sets: int = 50,
    seed: int = 0,
    given: Mapping[str, Sequence[Any]] | None = None,
    jobs: int | None = None,
    backend: str = "loky",
    client: Any = None,
    resume: Transfer | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
    on_cell: Callable[[Transfer], object] | None = None,
) -> Transfer:
    """Run networks and rules over a grid of workloads.

    Args:
        system: a world with episodes.
        policies: the networks by name.
        rows, columns: settings; a cell has the parameters of both, and the family of one of them.
        rules: names of rules to compare with; all but ``random`` by default.
        sets: workloads per cell.
        seed: with a cell's family and parameters it makes the cell's own seed.
        given: workloads by row label, for rows that are not drawn (a log); only their first column is run.
        jobs, backend, client: see :func:`~dnnexplain.parallel.seeded_map`; ``backend="dask"`` uses a cluster.
        resume: an earlier, interrupted run of the same grid: only its missing cells are run.
        progress: called with cells done and in all.
        cancel: ends the run; cells that are not done stay empty.
        on_cell: called with the grid as far as it is, after each cell, in the caller's thread.

    Raises:
        DnnExplainError: no policy, row, column or rule; an unknown rule, family or parameter.
    """
    names = [name for name in system.rules() if name != "random"] if rules is None else list(rules)
    _check(system, policies, rows, columns, names, sets)
    everyone = (*policies.values(), *(system.rules()[name] for name in names))
    fixed = dict(given or {})
    settings = {
        "sets": sets,
        "policies": {n: getattr(p, "checkpoint", "") for n, p in policies.items()},
        "rules": names,
    }
    question = Question.about(system, method="transfer", seed=seed, settings=settings)
    most = max([sets, *(len(workloads) for workloads in fixed.values())])
    spec, actions = spec_of(system), () if isinstance(system.output, Box) else system.output.names
    shape = (len(rows), len(columns), len(everyone))
    tables = _Tables(shape, len(policies), most, cost_is_ratio(system), spec.cost_range, spec.metrics, actions)
    if resume is not None:
        _take_over(tables, resume, question, rows, columns)
    places, cells = [], []
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            drawn = row.label not in fixed
            if tables.arrays["best_rule"][r, c] >= 0 or not (drawn or c == 0):
                continue
            family = row.family or column.family
            parameters = {**column.parameters, **row.parameters}
            number = seed if not drawn else _seed_of(seed, family, parameters)
            places.append((r, c))
            options = (system, spec.metrics, len(actions), everyone, family, parameters, sets, number)
            cells.append(_Cell(*options, fixed.get(row.label)))
    done = seeded_imap(
        _run_cell, cells, seed=seed, jobs=jobs, backend=backend, client=client, progress=progress, cancel=cancel
    )
    grid = (system, question, tuple(rows), tuple(columns), (*policies, *names))
    for position, ran in done:
        tables.put(*places[position], ran)
        if on_cell is not None:
            on_cell(_finished(*grid, tables))
    return _finished(*grid, tables)


def cell_workloads(
    system: EpisodeSystem,
    transfer: Transfer,
    row: int,
    column: int,
    given: Mapping[str, Sequence[Any]] | None = None,
) -> Sequence[Any]:
    """The workloads of a cell: those given for its row, else drawn again, the same as when it was run."""
    if given and transfer.rows[row].label in given:
        return given[transfer.rows[row].label]
    first, second = transfer.rows[row], transfer.columns[column]
    family, parameters = first.family or second.family, {**second.parameters, **first.parameters}
    seed = _seed_of(transfer.question.seed or 0, family, parameters)
    return system.workloads(family, transfer.question.settings["sets"], seed, **parameters)


def _seed_of(seed: int, family: str, parameters: Mapping[str, Any]) -> int:
    """A cell's seed, from what is run in it and not from where it stands."""
    content = json.dumps([family, dict(parameters)], sort_keys=True, default=float)
    key = int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "big")
    return int(child_seed(seed, key).generate_state(1)[0])


def _run_cell(cell: _Cell, rng: np.random.Generator) -> _Ran:
    """All policies on the same workloads."""
    del rng  # the cell's own seed draws the workloads, so that a cell can be drawn again by itself
    workloads = cell.given
    if workloads is None:
        workloads = cell.system.workloads(cell.family, cell.sets, cell.seed, **cell.parameters)
    runs = [cell.system.run(policy, workloads, seed=cell.seed) for policy in cell.policies]
    costs = np.stack([np.asarray(run.cost, dtype=np.float64) for run in runs])
    figures = [[_figure(run, metric) for metric in cell.metrics] for run in runs]
    shares = [_shares(run, cell.actions) for run in runs]
    return _Ran(costs, np.array(figures).reshape(len(runs), -1), np.array(shares).reshape(len(runs), -1))


def _figure(run: Episodes, metric: Metric) -> float:
    """A metric over a cell's workloads: their sum, where it is a total, else their mean; NaN where it is not told."""
    values = np.asarray(run.metrics.get(metric.name, np.nan), dtype=np.float64)
    known = values[np.isfinite(values)]
    return float(known.sum() if metric.total else known.mean()) if known.size else np.nan


def _shares(run: Episodes, actions: int) -> Floats:
    """How often each action was taken, of all decisions ``[A]``; NaN where a system does not count."""
    if run.actions is None or np.shape(run.actions)[-1] != actions:
        return np.full(actions, np.nan)
    counts = np.asarray(run.actions, dtype=np.float64).sum(axis=0)
    return np.asarray(counts / max(counts.sum(), 1.0))


def _check(
    system: EpisodeSystem,
    policies: Mapping[str, Policy],
    rows: Sequence[Shift],
    columns: Sequence[Shift],
    rules: Sequence[str],
    sets: int,
) -> None:
    for what, given in (("policy", policies), ("row", rows), ("column", columns), ("rule to compare with", rules)):
        if not given:
            msg = f"a transfer grid needs at least one {what}"
            raise DnnExplainError(msg)
    known = tuple(system.rules())
    for name in rules:
        if name not in known:
            raise Choice("rule", name, known).error()
    if sets < 1:
        msg = f"sets must be at least 1 workload per cell, not {sets}"
        raise DnnExplainError(msg)


def _take_over(
    tables: _Tables, earlier: Transfer, question: Question, rows: Sequence[Shift], columns: Sequence[Shift]
) -> None:
    same = earlier.question == question and earlier.rows == tuple(rows) and earlier.columns == tuple(columns)
    if not same or earlier.episodes.shape[3] != tables.sets:
        msg = "the run to be resumed has another grid, policies, rules, sets or seed; start afresh, or ask the same"
        raise DnnExplainError(msg)
    for name, array in tables.arrays.items():
        array[...] = getattr(earlier, name)


def _finished(
    system: EpisodeSystem,
    question: Question,
    rows: tuple[Shift, ...],
    columns: tuple[Shift, ...],
    policies: tuple[str, ...],
    tables: _Tables,
) -> Transfer:
    arrays = {name: array.copy() for name, array in tables.arrays.items()}
    parts: Any = {**arrays, "cost_name": system.cost_name, "ratio": tables.ratio}
    parts |= {"metrics": tables.metrics, "actions": tables.actions}
    result = Transfer(question, rows, columns, policies, tables.networks, **parts)
    ranked = arrays["relative"].copy()
    for at in np.ndindex(ranked.shape):
        if result.verdict(*at) == "unsafe":
            ranked[at] = np.nan
    result = replace(result, boundaries=boundaries(rows, columns, policies, ranked))
    return replace(result, words=words(result))
