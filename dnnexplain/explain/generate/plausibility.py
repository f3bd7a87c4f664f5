"""How likely a workload is beside real or drawn ones: probabilistic principal components of its summary.

A workload's table of records is summed up column by column (quantiles, spread, correlation from record to
record) and by the correlations between columns. The likelihood of a summary is that of a normal law with a few
principal components and one noise (Tipping and Bishop, "Probabilistic Principal Component Analysis", 1999); the
plausibility of a workload is the share of held-out workloads that are no more likely than it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError

__all__ = ["Plausibility", "summary"]

Floats = NDArray[np.float64]
LEAST = 20
"""Workloads that a law can be fitted to."""
COMPONENTS = 12
FEW_COLUMNS = 8
"""Up to so many columns, correlations between them are part of a summary."""
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def summary(records: Floats) -> Floats:
    """A table ``[R, C]`` as one row: how many records, and per column quantiles, spread and lag-1 correlation; then correlations."""
    centred = records - records.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    safe = np.where(spread > 0, spread, 1.0)
    scaled = centred / safe
    lagged = (scaled[1:] * scaled[:-1]).mean(axis=0) if len(records) > 1 else np.zeros(records.shape[1])
    parts = [np.array([float(len(records))]), np.quantile(records, QUANTILES, axis=0).ravel(), spread, lagged]
    if records.shape[1] <= FEW_COLUMNS:
        parts.append((scaled.T @ scaled / len(records))[np.triu_indices(records.shape[1], 1)])
    return np.concatenate(parts)


class Plausibility:
    """A law of workloads, fitted to half of those given and measured on the other half.

    Args:
        tables: records of workloads ``[R, C]`` each, at least 20.

    Raises:
        DnnExplainError: fewer.
    """

    def __init__(self, tables: Sequence[Floats]) -> None:
        from sklearn.decomposition import PCA  # noqa: PLC0415 - half a second

        if len(tables) < LEAST:
            msg = f"what is likely can be learned from at least {LEAST} workloads, not from {len(tables)}"
            raise DnnExplainError(msg)
        rows = np.stack([summary(table) for table in tables])
        fitted, held_out = rows[::2], rows[1::2]
        self._mean, spread = fitted.mean(axis=0), fitted.std(axis=0)
        self._varies = spread > 1e-9 * np.maximum(1.0, np.abs(self._mean))
        self._spread = np.where(self._varies, spread, 1.0)
        width = int(self._varies.sum())
        count = max(1, min(COMPONENTS, len(fitted) // 4, width - 1))
        self._law = PCA(n_components=count).fit(self._scaled(fitted))
        self._held_out = np.sort(self._law.score_samples(self._scaled(held_out)))
        self._edges = np.quantile(self.place(held_out), (1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6), axis=0)

    def _scaled(self, rows: Floats) -> Floats:
        scaled: Floats = ((rows - self._mean) / self._spread)[:, self._varies]
        return scaled

    def __call__(self, tables: Sequence[Floats]) -> Floats:
        """The share of held-out workloads that are no more likely, 0 to 1 ``[W]``; 0 where what never varies does."""
        rows = np.stack([summary(table) for table in tables])
        known = self._law.score_samples(self._scaled(rows))
        shares: Floats = np.searchsorted(self._held_out, known, side="right") / len(self._held_out)
        fixed = np.abs(rows - self._mean)[:, ~self._varies] <= 1e-6 * np.maximum(1.0, np.abs(self._mean[~self._varies]))
        return np.where(fixed.all(axis=1), shares, 0.0)

    def place(self, rows: Floats) -> Floats:
        """The first two principal components of summaries ``[W, 2]``."""
        coordinates = self._law.transform(self._scaled(rows))[:, :2]
        return np.column_stack([coordinates, np.zeros((len(rows), 2 - coordinates.shape[1]))])

    def cells(self, tables: Sequence[Floats]) -> list[tuple[int, int]]:
        """Where workloads lie on a map of six by six cells, of which each holds a sixth of real ones either way."""
        places = self.place(np.stack([summary(table) for table in tables]))
        return [(int((self._edges[:, 0] < x).sum()), int((self._edges[:, 1] < y).sum())) for x, y in places]
