"""Generators of workloads, behind one interface: fitted to tables of records, they write new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.explain.generate.networks import Adversarial, Diffusion
from dnnexplain.explain.generate.smote import propose

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["GENERATORS", "Autoregressive", "Generator", "Interpolating", "make_generator"]

Floats = NDArray[np.float64]
BINS = 24
WIDTH = 64
WIDEST = 16
"""Columns that an autoregressive generator takes, at most."""


class Generator(Protocol):
    """Writes tables of records like those that it was fitted to."""

    name: str

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Learn from tables ``[R, C]``."""
        ...

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """New tables."""
        ...


class Interpolating:
    """Resampling with interpolation (SMOTE): a known table after a few steps towards others.

    Args:
        steps: of :func:`~dnnexplain.explain.generate.smote.propose`.
    """

    name = "interpolating"

    def __init__(self, steps: int = 3) -> None:
        self.steps = steps
        self._tables: list[Floats] = []
        self._ordered = True

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Remember the tables."""
        del seed
        self._tables, self._ordered = _checked(tables), ordered

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """New tables between those known."""
        rng = np.random.default_rng(seed)
        made = []
        for _ in range(count):
            table = self._any(rng)
            for _ in range(self.steps):
                table = propose(table, self._any(rng), rng, ordered=self._ordered)
            made.append(table)
        return made

    def _any(self, rng: np.random.Generator) -> Floats:
        return self._tables[int(rng.integers(len(self._tables)))]


class Autoregressive:
    """Records value by value, each given those before it in the record and, in a series, the record before.

    Every column is cut into bins of equal counts (a grid of few values keeps its values); a small network gives the
    next value's bin, within which values are drawn as they were seen. The number of records is drawn from those seen.

    Args:
        epochs: passes over the records.
    """

    name = "autoregressive"

    def __init__(self, epochs: int = 20) -> None:
        self.epochs = epochs

    def fit(self, tables: Sequence[Floats], *, ordered: bool, seed: int = 0) -> None:
        """Train a network of two hidden layers for each column by cross entropy.

        Raises:
            DnnExplainError: too many columns; use another generator.
        """
        import torch  # noqa: PLC0415 - two seconds

        known = _checked(tables)
        width = known[0].shape[1]
        if width > WIDEST:
            msg = f"an autoregressive generator takes up to {WIDEST} columns, not {width}; use {Interpolating.name!r}"
            raise DnnExplainError(msg)
        rows = np.concatenate(known)
        self._lengths = np.array([len(table) for table in known])
        self._starts = np.stack([table[0] for table in known])
        self._ordered = ordered
        self._mean, self._spread = rows.mean(axis=0), np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
        self._edges = [_edges(rows[:, c]) for c in range(width)]
        self._seen = [
            [np.sort(rows[self._bin(rows[:, c], c) == b, c]) for b in range(len(self._edges[c]) + 1)]
            for c in range(width)
        ]
        before = np.concatenate([np.concatenate([table[:1], table[:-1]]) for table in known])
        torch.manual_seed(seed)
        self._heads = [_network(torch, 2 * width, len(self._edges[c]) + 1) for c in range(width)]
        inputs = self._inputs(torch, before, rows)
        for c, head in enumerate(self._heads):
            _train(torch, head, _known(inputs, c, width), torch.as_tensor(self._bin(rows[:, c], c)), self.epochs, seed)

    def sample(self, count: int, *, seed: int = 0) -> list[Floats]:
        """All tables side by side, record by record."""
        import torch  # noqa: PLC0415

        rng = np.random.default_rng(seed)
        width = len(self._edges)
        lengths = self._lengths[rng.integers(0, len(self._lengths), count)]
        now = self._starts[rng.integers(0, len(self._starts), count)]
        tables = np.empty((count, int(lengths.max()), width))
        for r in range(tables.shape[1]):
            row = np.tile(self._mean, (count, 1))
            for c in range(width):
                with torch.no_grad():
                    scores = self._heads[c](_known(self._inputs(torch, now, row), c, width))
                    shares = torch.softmax(scores, dim=-1).numpy().astype(np.float64)
                bins = (shares.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, shares.shape[1] - 1)
                row[:, c] = [self._within(c, int(b), rng) for b in bins]
            tables[:, r] = now = row
        return [table[:length].copy() for table, length in zip(tables, lengths, strict=True)]

    def _bin(self, values: Floats, column: int) -> NDArray[np.int64]:
        return np.searchsorted(self._edges[column], values, side="right").astype(np.int64)

    def _within(self, column: int, place: int, rng: np.random.Generator) -> float:
        """A value of a bin: between two neighbours among those seen, or the only one."""
        seen = self._seen[column][place]
        if not len(seen):
            return float(self._edges[column][min(place, len(self._edges[column]) - 1)])
        if seen[0] == seen[-1]:
            return float(seen[0])
        at = int(rng.integers(len(seen) - 1))
        return float(seen[at] + rng.random() * (seen[at + 1] - seen[at]))

    def _inputs(self, torch: Any, before: Floats, rows: Floats) -> Tensor:
        scaled = [
            (item - self._mean) / self._spread
            for item in (before if self._ordered else np.zeros_like(before) + self._mean, rows)
        ]
        made: Tensor = torch.as_tensor(np.concatenate(scaled, axis=1), dtype=torch.float32)
        return made


def _known(inputs: Tensor, column: int, width: int) -> Tensor:
    """What is known when a column is drawn: the record before, and the columns before it."""
    hidden = inputs.clone()
    hidden[:, width + column :] = 0.0
    return hidden


def _network(torch: Any, inputs: int, outputs: int) -> nn.Module:
    layers = torch.nn
    made: nn.Module = layers.Sequential(
        layers.Linear(inputs, WIDTH),
        layers.ReLU(),
        layers.Linear(WIDTH, WIDTH),
        layers.ReLU(),
        layers.Linear(WIDTH, outputs),
    )
    return made


def _train(torch: Any, head: nn.Module, inputs: Tensor, bins: Tensor, epochs: int, seed: int) -> None:
    adam = torch.optim.Adam(head.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs), generator=order).split(512):
            adam.zero_grad()
            torch.nn.functional.cross_entropy(head(inputs[batch]), bins[batch]).backward()
            adam.step()


def _edges(values: Floats) -> Floats:
    """Between bins: between all values where there are few, else at quantiles."""
    distinct = np.unique(values)
    if len(distinct) <= BINS:
        return np.asarray((distinct[1:] + distinct[:-1]) / 2)
    return np.unique(np.quantile(values, np.arange(1, BINS) / BINS))


def _checked(tables: Sequence[Floats]) -> list[Floats]:
    if not tables or any(table.ndim != 2 or not len(table) or table.shape[1] != tables[0].shape[1] for table in tables):
        msg = "a generator is fitted to at least one table of records, all of the same columns"
        raise DnnExplainError(msg)
    return [np.asarray(table, dtype=np.float64) for table in tables]


GENERATORS: Mapping[str, Callable[[], Generator]] = {
    item.name: item for item in (Interpolating, Autoregressive, Diffusion, Adversarial)
}
"""By name."""


def make_generator(name: str) -> Generator:
    """A generator that is not fitted yet.

    Raises:
        DnnExplainError: there is none of that name.
    """
    if name not in GENERATORS:
        raise Choice("generator", name, tuple(GENERATORS)).error()
    return GENERATORS[name]()
