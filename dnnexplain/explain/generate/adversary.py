"""Likely workloads on which a policy falls furthest behind: evolution that keeps the best of every kind.

A map of workloads (Mouret and Clune, "Illuminating search spaces by mapping elites", 2015) is filled with drawn
workloads and then with what interpolation makes of them; what is less plausible than asked is thrown away
before it is run, so that only runs are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Tabular
from dnnexplain.explain.generate.plausibility import Plausibility
from dnnexplain.explain.generate.smote import propose

__all__ = ["Found", "hardest", "worst_ten"]

Floats = NDArray[np.float64]
Regret = Callable[[Sequence[Any]], Floats]
BATCH = 32
TRIES = 8
"""Proposals for each that is run, at most."""
DRAWN = 0.25
"""Share of the runs that go to drawn workloads first."""
TOP = 24
TEN = 10


@dataclass
class Found:
    """What was run: workloads with their plausibility, regret and cell of the map.

    Attributes:
        workloads, plausibility, regret, cells: one each per run, in order.
        proposed: how many were proposed, those thrown away included.
    """

    workloads: list[Any] = field(default_factory=list)
    plausibility: list[float] = field(default_factory=list)
    regret: list[float] = field(default_factory=list)
    cells: list[tuple[int, int]] = field(default_factory=list)
    proposed: int = 0

    def add(self, system: Tabular, workloads: Sequence[Any], law: Plausibility, regret: Regret) -> None:
        """Run workloads and keep them all."""
        tables = [system.to_records(one) for one in workloads]
        self.workloads += workloads
        self.plausibility += law(tables).tolist()
        self.regret += np.asarray(regret(workloads), dtype=np.float64).tolist()
        self.cells += law.cells(tables)

    def likely(self, least: float) -> list[int]:
        """Runs at least this plausible, the worst first; the same regret counts once."""
        order = sorted((i for i, p in enumerate(self.plausibility) if p >= least), key=lambda i: -self.regret[i])
        return [i for k, i in enumerate(order) if not k or self.regret[i] < self.regret[order[k - 1]]]

    def front(self, least: float) -> list[int]:
        """Runs that no other one beats in both regret and plausibility, the worst first."""
        kept: list[int] = []
        for run in self.likely(least):
            if not kept or self.plausibility[run] > self.plausibility[kept[-1]]:
                kept.append(run)
        return kept


def worst_ten(found: Found, least: float) -> list[int]:
    """The ten worst likely runs, at most one of a cell and regret."""
    return found.likely(least)[:TEN]


def hardest(
    system: Tabular,
    drawn: Sequence[Any],
    law: Plausibility,
    regret: Regret,
    *,
    count: int,
    least: float = 0.05,
    seed: int = 0,
    cancel: Event | None = None,
    steer: bool = True,
) -> Found:
    """Look for likely workloads of large regret in ``count`` runs.

    Args:
        system: turns workloads into tables and back.
        drawn: ordinary workloads: where it starts, and what it interpolates with.
        law: of what is likely.
        regret: runs workloads and says how far behind the policy is ``[W]``.
        count: runs, drawn ones included.
        least: plausibility below which nothing is run.
        seed: of all that is drawn here.
        cancel: ends the search between batches.
        steer: without, parents are picked blindly: the generator alone.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(16,)))
    pool = [system.to_records(one) for one in drawn]
    found = Found()
    found.add(system, list(drawn[: max(2, int(DRAWN * count))]), law, regret)
    while len(found.regret) < count and not (cancel is not None and cancel.is_set()):
        wanted = min(BATCH, count - len(found.regret))
        batch = _generation(system, found, pool, law, wanted, least, rng, steer=steer)
        if not batch:
            break
        found.add(system, batch, law, regret)
    return found


def _generation(
    system: Tabular,
    found: Found,
    pool: Sequence[Floats],
    law: Plausibility,
    wanted: int,
    least: float,
    rng: np.random.Generator,
    *,
    steer: bool,
) -> list[Any]:
    """Up to ``wanted`` new workloads that are plausible enough."""
    parents = _elites(found, least) if steer else found.likely(least)
    tables = [system.to_records(found.workloads[one]) for one in parents] or list(pool)
    batch: list[Any] = []
    for _ in range(TRIES):
        made = []
        for _ in range(wanted):
            one = tables[int(rng.integers(len(tables)))]
            from_parents = steer and rng.random() < 0.5
            other = tables[int(rng.integers(len(tables)))] if from_parents else pool[int(rng.integers(len(pool)))]
            made.append(system.from_records(propose(one, other, rng, ordered=system.ordered)))
        found.proposed += len(made)
        shares = law([system.to_records(one) for one in made])
        batch += [one for one, share in zip(made, shares, strict=True) if share >= least]
        if len(batch) >= wanted:
            break
    return batch[:wanted]


def _elites(found: Found, least: float) -> list[int]:
    """The worst few runs, and the worst of every cell of the map."""
    order = found.likely(least)
    best: dict[tuple[int, int], int] = {}
    for run in order:
        best.setdefault(found.cells[run], run)
    return [*order[:TOP], *best.values()]
