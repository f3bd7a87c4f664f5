"""How real generated workloads are, and whether they are copies: on workloads that the generator never saw.

A two-sample test by a classifier (Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017):
the area under the curve of a forest that tells generated from held-out real ones, .5 if it cannot. Marginal distances
are Kolmogorov and Smirnov's; dependence is the largest difference between correlations of columns; a generator
that copies has nearest-neighbour distances to what it was fitted on far below those of held-out real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.generate.plausibility import summary

__all__ = ["Realism", "realism"]

Floats = NDArray[np.float64]
LEAST = 20
SHIPS = 0.7
"""The largest area under the curve with which a generator counts as real."""
MOST_RECORDS = 2000


@dataclass(frozen=True)
class Realism:
    """Figures on held-out workloads.

    Attributes:
        auc: of a classifier of whole workloads by their summaries, cross-validated; .5: not told apart.
        record_auc: the same of single records.
        marginal: largest Kolmogorov-Smirnov distance of a column, 0 to 1.
        dependence: largest difference of two columns' correlation, 0 to 2.
        nearest, nearest_real: median distance from a generated, and from a held-out, record to the nearest one that the
            generator was fitted on, in standard deviations.
        copied: share of generated records that are equal to one of those, ``copied_real`` the same of held-out ones.
    """

    auc: float
    record_auc: float
    marginal: float
    dependence: float
    nearest: float
    nearest_real: float
    copied: float
    copied_real: float

    @property
    def real(self) -> bool:
        """Whether whole workloads are hardly told apart: an area of at most .7."""
        return self.auc <= SHIPS


def realism(made: Sequence[Floats], held_out: Sequence[Floats], fitted: Sequence[Floats], *, seed: int = 0) -> Realism:
    """Compare generated tables with real ones that were held out, and with those that the generator was fitted on.

    Args:
        made, held_out, fitted: tables of records ``[R, C]``, at least 20 of each.
        seed: of the forest and of the records that are compared.

    Raises:
        DnnExplainError: fewer.
    """
    if min(len(made), len(held_out), len(fitted)) < LEAST:
        msg = f"realism is measured on at least {LEAST} workloads of each kind, not {len(made)}, {len(held_out)}, {len(fitted)}"
        raise DnnExplainError(msg)
    rng = np.random.default_rng(seed)
    new, real = (_records(tables, rng) for tables in (made, held_out))
    count = min(len(new), len(real))
    return Realism(
        _auc(np.stack([summary(item) for item in made]), np.stack([summary(item) for item in held_out]), seed),
        _auc(new[:count], real[:count], seed),
        _marginal(new, real),
        _dependence(new, real),
        *_nearest(new, real, np.concatenate(list(fitted))),
    )


def _records(tables: Sequence[Floats], rng: np.random.Generator) -> Floats:
    rows = np.concatenate(list(tables))
    return rows[rng.permutation(len(rows))[:MOST_RECORDS]]


def _auc(new: Floats, real: Floats, seed: int) -> float:
    """Cross-validated, and not below .5: a classifier that errs on purpose tells nothing."""
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415 - half a second
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415
    from sklearn.model_selection import StratifiedKFold, cross_val_predict  # noqa: PLC0415

    rows = np.concatenate([new, real])
    labels = np.repeat([1, 0], [len(new), len(real)])
    forest = ExtraTreesClassifier(60, min_samples_leaf=3, random_state=seed)
    folds = StratifiedKFold(4, shuffle=True, random_state=seed)
    scores = cross_val_predict(forest, rows, labels, cv=folds, method="predict_proba")[:, 1]
    return max(0.5, float(roc_auc_score(labels, scores)))


def _marginal(new: Floats, real: Floats) -> float:
    from scipy.stats import ks_2samp  # noqa: PLC0415

    return max(float(ks_2samp(new[:, c], real[:, c]).statistic) for c in range(new.shape[1]))


def _dependence(new: Floats, real: Floats) -> float:
    varies = (new.std(axis=0) > 0) & (real.std(axis=0) > 0)
    if varies.sum() < 2:
        return 0.0
    return float(np.abs(np.corrcoef(new[:, varies].T) - np.corrcoef(real[:, varies].T)).max())


def _nearest(new: Floats, real: Floats, known: Floats) -> tuple[float, float, float, float]:
    from scipy.spatial import cKDTree  # noqa: PLC0415

    scale = np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0)
    tree = cKDTree(known / scale)
    ours, theirs = (np.asarray(tree.query(rows / scale)[0]) for rows in (new, real))
    return float(np.median(ours)), float(np.median(theirs)), float((ours == 0).mean()), float((theirs == 0).mean())
