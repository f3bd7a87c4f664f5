"""Generators of workloads, behind one interface: fitted to tables of records, they write new ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice
from dnnexplain.explain.generate.autoregressive import Autoregressive
from dnnexplain.explain.generate.coordinates import in_coordinates
from dnnexplain.explain.generate.networks import Adversarial, Diffusion
from dnnexplain.explain.generate.smote import propose
from dnnexplain.explain.generate.tables import checked_tables

__all__ = ["GENERATORS", "Autoregressive", "Generator", "Interpolating", "make_generator"]

Floats = NDArray[np.float64]


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
        self._tables, self._ordered = checked_tables(tables), ordered

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


GENERATORS: Mapping[str, Callable[..., Generator]] = {
    item.name: item for item in (Interpolating, Autoregressive, Diffusion, Adversarial)
}
"""By name."""


def make_generator(name: str, system: Any = None, **settings: Any) -> Generator:
    """A generator that is not fitted yet.

    Args:
        name: of its kind.
        system: whose records it is to be fitted to; one with coordinates has it fitted in these.
        **settings: of the kind: ``steps``, ``components``.

    Raises:
        DnnExplainError: there is none of that name, or it has no such setting.
    """
    if name not in GENERATORS:
        raise Choice("generator", name, tuple(GENERATORS)).error()
    known = tuple(inspect.signature(GENERATORS[name]).parameters)
    for key in settings:
        if key not in known:
            raise Choice(f"setting of the {name} generator", key, known).error()
    made: Generator = in_coordinates(GENERATORS[name](**settings), system)
    return made
