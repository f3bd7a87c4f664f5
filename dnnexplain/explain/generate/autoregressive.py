"""A generator that writes records value by value, each given those before it and, in a series, what came before.

The next value's place among bins is told by a small network (as Germain et al., "MADE", ICML 2015, factor a
distribution over columns); a table of many columns has a linear model whose spread depends on the level instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dnnexplain.explain.generate.context import Context
from dnnexplain.explain.generate.levels import COMPONENTS, Levels
from dnnexplain.explain.generate.normal_scale import NormalScale
from dnnexplain.explain.generate.tables import checked_tables

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Autoregressive"]

Floats = NDArray[np.float64]
Known = dict[str, NDArray[np.generic]]
BINS, WIDTH, BATCH = 40, 64, 1024
WIDE = 64
"""Columns from which on the model is linear."""
QUANTILES, WIDEST = 257, 3.2
"""Of what a linear model leaves, by which it is drawn."""
RIDGE = 1e-6
PARTS = ("weights", "spread", "edges", "quantiles", "usual")
"""Arrays of a column."""
LEAST_LEFT = 1e-3
"""Below it what is left counts as nothing, when its spread is told."""


class Autoregressive:
    """Records value by value; a column that is the same in all tables, or all through a table, is kept so.

    Every other column is on a normal scale. A column of few values has a bin for each; of any other, what a linear model of
    the values before leaves is cut into bins of equal counts. A small network gives the shares of the bins.

    Args:
        steps: of training for each column, a batch of 1,024 records each.
        components: of what whole tables are like, at most; see :class:`~dnnexplain.explain.generate.levels.Levels`.
    """

    name = "autoregressive"

    def __init__(self, steps: int = 800, components: int = COMPONENTS) -> None:
        self.steps, self.components = steps, components

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Fit on tables ``[R, C]``.

        Raises:
            DnnExplainError: no tables, or not all of the same columns.
        """
        import torch  # noqa: PLC0415 - two seconds

        known = checked_tables(tables)
        self.ordered = ordered
        self.scale = NormalScale(np.concatenate(known))
        self.scale.quantiles = _single(self.scale.quantiles)  # from here on all is as a file keeps it
        self._find_fixed(known)
        scaled = [self.scale.there(table) for table in known]
        self.levels = Levels.of(Levels(scaled, ordered=ordered, components=self.components).known(), len(self.fixed))
        given, rows, levels = self._seen(scaled)
        self.middle, self.size = _single(given.mean(axis=0)), _single(np.maximum(given.std(axis=0), 1e-6))
        inputs = (given - self.middle) / self.size
        torch.manual_seed(seed)
        order = torch.Generator().manual_seed(seed)
        self.columns = [
            _fitted(inputs, rows[:, self.varying], place, few=self._few(column), levels=levels, steps=self.steps, wide=self.wide, order=order)
            for place, column in enumerate(self.varying)
        ]  # fmt: skip

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """All tables side by side, record by record."""
        rng = np.random.default_rng(seed)
        codes, lengths = self.levels.drawn(count, rng)
        longest = int(lengths.max())
        context = Context(self.levels, codes, longest, ordered=self.ordered, wide=self.wide)
        tables = np.empty((count, longest, len(self.fixed)))
        for r in range(longest):
            given = (context.row(r) - self.middle) / self.size
            row = context.level[:, 0].copy()
            written = np.zeros((count, 0))
            for column, model in zip(self.varying, self.columns, strict=True):
                row[:, column] = model.drawn(np.concatenate([given, written], axis=1), rng)
                written = row[:, self.varying[: written.shape[1] + 1]]
            tables[:, r] = row
            context.advance(row)
        return [self._back(table[:length]) for table, length in zip(tables, lengths, strict=True)]

    def known(self) -> Known:
        """All that it knows, as arrays."""
        parts = {
            f"{place}.{key}": value for place, item in enumerate(self.columns) for key, value in item.known().items()
        }
        fixed: Known = {"fixed": self.fixed, "same": self.same, "middle": self.middle.astype(np.float32)}
        scale: Known = {
            "quantiles": self.scale.quantiles.astype(np.float32),
            "few": self.scale.few,
            "size": self.size.astype(np.float32),
        }
        return {**fixed, **scale, **self.levels.known(), **parts}

    def take(self, known: Known, *, ordered: bool) -> None:
        """What :meth:`known` gave."""
        self.ordered = ordered
        self.scale = NormalScale.of(known["quantiles"].astype(np.float64), known["few"].astype(bool))
        self.fixed, self.same = known["fixed"].astype(np.int64), known["same"].astype(np.float64)
        self.middle, self.size = (known[key].astype(np.float64) for key in ("middle", "size"))
        self.levels = Levels.of(known, len(self.fixed))
        self.columns = [_Column.of(known, f"{place}.") for place in range(len(self.varying))]

    @property
    def varying(self) -> list[int]:
        """Columns that are written."""
        return np.flatnonzero(self.fixed == 0).tolist()

    @property
    def wide(self) -> bool:
        """Whether there are too many columns for a network each."""
        return len(self.fixed) >= WIDE

    def _few(self, column: int) -> Floats | None:
        """The values of a column of few, on the normal scale, in order."""
        values = np.unique(self.scale.quantiles[:, column])
        if len(values) > BINS or self.wide:
            return None
        table = np.tile(self.scale.quantiles[:1], (len(values), 1))
        table[:, column] = values
        return _single(self.scale.there(table)[:, column])

    def _find_fixed(self, tables: Sequence[Floats]) -> None:
        """Which columns are the same in all tables (1), or the same all through a table (2)."""
        columns = tables[0].shape[1]
        self.fixed, self.same = np.zeros(columns, dtype=np.int64), np.zeros((0, columns))
        if not self.ordered:
            return
        self.fixed[np.all([np.ptp(table, axis=0) == 0 for table in tables], axis=0)] = 2
        if len({len(table) for table in tables}) == 1 and len(tables) > 1:
            alike = (np.ptp(np.stack(tables), axis=0) == 0).all(axis=0)
            self.fixed[alike], self.same = 1, np.where(alike, tables[0], 0.0)

    def _seen(self, tables: Sequence[Floats]) -> tuple[Floats, Floats, int]:
        """What was known before each record that was seen ``[M, F]``, the records ``[M, C]``, and how much of it is the level."""
        lengths = np.array([len(table) for table in tables])
        padded = np.zeros((len(tables), int(lengths.max()), len(self.fixed)))
        for place, table in enumerate(tables):
            padded[place, : len(table)] = table
        context = Context(self.levels, self.levels.codes, padded.shape[1], ordered=self.ordered, wide=self.wide)
        given, rows = [], []
        for r in range(padded.shape[1]):
            there = lengths > r
            given.append(context.row(r)[there])
            rows.append(padded[there, r])
            context.advance(padded[:, r])
        return np.concatenate(given), np.concatenate(rows), context.base.shape[1]

    def _back(self, table: Floats) -> Floats:
        rows = self.scale.back(table)
        rows[:, self.fixed == 2] = rows[0, self.fixed == 2]
        if len(self.same):
            rows[:, self.fixed == 1] = self.same[: len(rows), self.fixed == 1]
        return rows


@dataclass
class _Column:
    """One column given all that is known before it ``[N, I]``.

    Attributes:
        weights: of the linear model, the constant first; of its spread's logarithm, ``spread``.
        edges: between bins; ``quantiles`` of what the linear model leaves, or the only values that there are.
        usual: share of each bin among all that was seen.
        network: gives the bins' scores; ``None``: always the usual shares.
    """

    weights: Floats
    spread: Floats
    edges: Floats
    quantiles: Floats
    usual: Floats
    few: bool
    network: nn.Module | None = None

    def drawn(self, given: Floats, rng: np.random.Generator) -> Floats:
        """A value for each row."""
        count, bins = len(given), len(self.edges) + 1
        shares = np.tile(self.usual, (count, 1)) if self.network is None else self._shares(given)
        place = (shares.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, bins - 1)
        within = rng.random(count)
        if self.few:
            return np.asarray(self.quantiles[place])
        ends = np.concatenate([[self.quantiles[0]], self.edges, [self.quantiles[-1]]])
        low = np.searchsorted(self.quantiles, ends[place], side="left")
        high = np.searchsorted(self.quantiles, ends[place + 1], side="right") - 1
        left = np.interp(low + within * np.maximum(high - low, 0), np.arange(len(self.quantiles)), self.quantiles)
        known = np.column_stack([np.ones(count), given])
        made: Floats = known @ self.weights + left * np.exp(known[:, : len(self.spread)] @ self.spread)
        return made

    def known(self) -> Known:
        """As arrays."""
        parts: Known = {name: getattr(self, name).astype(np.float32) for name in PARTS}  # fmt: skip
        layers = {} if self.network is None else self.network.state_dict()
        return {
            **parts,
            "few": np.array([self.few]),
            **{f"network.{key}": layer.numpy() for key, layer in layers.items()},
        }

    @classmethod
    def of(cls, known: Known, prefix: str) -> _Column:
        """From :meth:`known`."""
        import torch  # noqa: PLC0415

        mine = {key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)}
        layers = {key.removeprefix("network."): torch.as_tensor(value) for key, value in mine.items() if "." in key}
        network = _network(layers["0.weight"].shape[1], len(layers["4.bias"])) if layers else None
        if network is not None:
            network.load_state_dict(layers)
        parts = [mine[name].astype(np.float64) for name in PARTS]
        weights, spread, edges, quantiles, usual = parts
        return cls(weights, spread, edges, quantiles, usual, bool(mine["few"][0]), network)

    def _shares(self, given: Floats) -> Floats:
        import torch  # noqa: PLC0415

        assert self.network is not None
        with torch.no_grad():
            scores = self.network(torch.as_tensor(given, dtype=torch.float32))
            return np.asarray(torch.softmax(scores, dim=-1).numpy(), dtype=np.float64)


def _fitted(
    inputs: Floats, rows: Floats, place: int, *, few: Floats | None, levels: int, steps: int, wide: bool, order: Any
) -> _Column:
    """The model of column ``place`` of rows ``[M, C]``; the first ``levels`` inputs tell its spread."""
    given = np.concatenate([inputs, rows[:, :place]], axis=1)
    if few is not None:
        column = _Column(np.zeros(0), np.zeros(0), _single((few[1:] + few[:-1]) / 2), few, np.ones(len(few)), few=True)
        return _trained(column, given, rows[:, place], steps, order)
    known = np.column_stack([np.ones(len(given)), given])
    square = known.T @ known + RIDGE * len(known) * np.eye(known.shape[1])
    size, values = levels + 1, rows[:, place]
    weights = np.linalg.solve(square, known.T @ values)
    left = values - known @ weights
    spread = np.linalg.solve(square[:size, :size], known[:, :size].T @ np.log(np.abs(left) + LEAST_LEFT))
    left = left / np.exp(known[:, :size] @ spread)
    shares = ndtr(np.linspace(-WIDEST, WIDEST, QUANTILES))
    shares[[0, -1]] = 0.0, 1.0
    quantiles = np.quantile(left, shares)
    edges = np.unique(quantiles[np.round(np.linspace(0, QUANTILES - 1, BINS + 1)).astype(int)][1:-1])
    usual = np.bincount(np.searchsorted(edges, left, side="right"), minlength=len(edges) + 1) / len(left)
    parts = [_single(item) for item in (weights, spread, edges, quantiles, usual)]
    column = _Column(parts[0], parts[1], parts[2], parts[3], parts[4], few=False)
    return column if wide else _trained(column, given, left, steps, order)


def _trained(column: _Column, given: Floats, values: Floats, steps: int, order: Any) -> _Column:
    """With a network that gives the shares of bins, trained by cross entropy."""
    import torch  # noqa: PLC0415

    if not len(column.edges):
        return column
    bins = torch.as_tensor(np.searchsorted(column.edges, values, side="right"))
    inputs = torch.as_tensor(given, dtype=torch.float32)
    network = _network(given.shape[1], len(column.edges) + 1)
    adam = torch.optim.Adam(network.parameters(), lr=3e-3)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        batch = torch.randint(len(inputs), (min(BATCH, len(inputs)),), generator=order)
        adam.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs[batch]), bins[batch]).backward()
        adam.step()
        falling.step()
    column.network = network
    return column


def _single(values: Floats) -> Floats:
    """Rounded to single precision, in which a file keeps them."""
    return values.astype(np.float32).astype(np.float64)


def _network(inputs: int, outputs: int) -> nn.Module:
    from torch import nn  # noqa: PLC0415

    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, outputs)
    )
