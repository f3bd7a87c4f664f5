"""What a whole table is like, and new ones like it: levels of stretches of a series as principal components."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Levels"]

Floats = NDArray[np.float64]
STRETCH, STRETCHES = 30, 24
"""Records of a stretch, and stretches of a table at most."""
COMPONENTS = 64
"""Principal components, at most."""
AGREED = 0.5
"""A component is kept where odd and even records agree on it: correlation over tables."""
JITTER = 0.25
LEAST_SPREAD = 1e-3


class Levels:
    """Tables ``[R, C]`` by the mean of every column in every stretch, and its spread: codes ``[N, K]`` of as many components as are told from noise.

    New codes are those of seen tables moved at random, by a smoothed bootstrap that keeps their mean and variance
    (Silverman, "Density Estimation for Statistics and Data Analysis", 1986, section 6.4).

    Args:
        tables: on the normal scale.
        ordered: whether the order of records means something; if not, a table has no level of its own.
        components: that are kept at most.
    """

    def __init__(self, tables: Sequence[Floats], *, ordered: bool, components: int = COMPONENTS) -> None:
        self.lengths = np.array([len(table) for table in tables])
        self.columns = tables[0].shape[1]
        self.stretches = int(np.clip(np.median(self.lengths) // STRETCH, 1, STRETCHES)) if ordered else 1
        rows = np.stack([self._of(table) for table in tables])
        self.mean, spread = rows.mean(axis=0), rows.std(axis=0)
        self.scale = np.where(spread > LEAST_SPREAD, spread, 1.0)
        axes = np.linalg.svd((rows - self.mean) / self.scale, full_matrices=False)[2][:components]
        self.axes = axes[self._agreed(tables, axes)] if ordered else axes[:0]
        self.codes = (rows - self.mean) / self.scale @ self.axes.T

    @classmethod
    def of(cls, known: dict[str, NDArray[np.generic]], columns: int) -> Levels:
        """From :meth:`known` of another one."""
        made = cls.__new__(cls)
        made.mean, made.scale, made.axes, made.codes = (
            known[f"levels.{name}"].astype(np.float64) for name in ("mean", "scale", "axes", "codes")
        )
        made.lengths, made.columns = known["levels.lengths"].astype(np.int64), columns
        made.stretches = len(made.mean) // columns - 1
        return made

    def known(self) -> dict[str, NDArray[np.generic]]:
        """All that it knows, single precision."""
        kept = {name: getattr(self, name).astype(np.float32) for name in ("mean", "scale", "axes", "codes")}
        return {f"levels.{name}": value for name, value in {**kept, "lengths": self.lengths}.items()}

    def drawn(self, count: int, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
        """Codes ``[count, K]`` and numbers of records of new tables."""
        which = rng.integers(0, len(self.codes), count)
        noise = rng.normal(size=(count, self.codes.shape[1])) * self.codes.std(axis=0)
        middle = self.codes.mean(axis=0)
        codes: Floats = middle + np.sqrt(1 - JITTER**2) * (self.codes[which] - middle) + JITTER * noise
        return codes, self.lengths[which]

    def local(self, codes: Floats, length: int) -> Floats:
        """Levels at every record of tables of one length ``[N, R, C]``: straight lines between the middles of stretches."""
        means = (codes @ self.axes * self.scale + self.mean)[:, : self.stretches * self.columns]
        means = means.reshape(len(codes), self.stretches, self.columns)
        at = np.clip((np.arange(length) + 0.5) / length * self.stretches - 0.5, 0, self.stretches - 1)
        before = np.floor(at).astype(np.int64)
        after, share = np.minimum(before + 1, self.stretches - 1), (at - before)[:, None]
        local: Floats = means[:, before] * (1 - share) + means[:, after] * share
        return local

    def _of(self, table: Floats) -> Floats:
        means = [part.mean(axis=0) for part in np.array_split(table, min(self.stretches, len(table)))]
        means += [means[-1]] * (self.stretches - len(means))
        return np.concatenate([*means, np.log(table.std(axis=0) + LEAST_SPREAD)])

    def _agreed(self, tables: Sequence[Floats], axes: Floats) -> NDArray[np.bool_]:
        """Components that two halves of a table, odd and even records, tell alike."""
        if self.lengths.min() < 2:
            return np.zeros(len(axes), dtype=bool)
        left, right = (
            (np.stack([self._of(table[first::2]) for table in tables]) - self.mean) / self.scale @ axes.T
            for first in (0, 1)
        )
        left, right = left - left.mean(axis=0), right - right.mean(axis=0)
        size = np.sqrt((left**2).sum(axis=0) * (right**2).sum(axis=0))
        agreed: NDArray[np.bool_] = (left * right).sum(axis=0) > AGREED * np.maximum(size, 1e-12)
        return agreed
