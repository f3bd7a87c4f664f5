"""Likely workloads on which a policy falls furthest behind: climbers from every kind of workload, and an archive.

Drawn workloads are sorted into a map of kinds (Mouret and Clune, "Illuminating search spaces by mapping elites",
2015); from the worst of every kind a climber goes on by small moves and interpolation, keeps what is no better for the
policy, and gives way where it falls behind (successive halving: Jamieson and Talwalkar, AISTATS 2016). What is less
plausible than asked is thrown away before it is run, so that only runs are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Tabular
from dnnexplain.explain.generate.moves import Moves
from dnnexplain.explain.generate.plausibility import Plausibility
from dnnexplain.explain.generate.smote import propose
from dnnexplain.gone import renamed

__all__ = ["TriedWorkloads", "hardest", "worst_ten"]

__getattr__ = renamed(
    __name__,
    Found="dnnexplain.explain.generate.adversary:TriedWorkloads",
)

Floats = NDArray[np.float64]
Regret = Callable[[Sequence[Any]], Floats]
Slope = Callable[[Any], "Floats | None"]
BATCH = 10
"""Workloads that are run at a time; one for each climber at first."""
TRIES = 12
"""Proposals for each that is run, at most."""
DRAWN = 0.1
"""Share of the runs that go to drawn workloads first; of few runs up to a third."""
FIRST = 30
"""Drawn workloads to begin with, where a third of the runs is as much."""
FEWER = ((0.0, 10), (0.4, 6), (0.7, 3))
"""Climbers that go on from this share of the runs on."""
TEN = 10


@dataclass
class TriedWorkloads:
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
        tables = [system.to_records(workload) for workload in workloads]
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


def worst_ten(tried: TriedWorkloads, least: float) -> list[int]:
    """The ten worst likely runs, at most one of a cell and regret."""
    return tried.likely(least)[:TEN]


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
    slope: Slope | None = None,
) -> TriedWorkloads:
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
        slope: the gradient of the regret by a workload's records ``[R, C]``, or ``None`` where there is none; each one
            that is asked for counts as a run.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(16,)))
    tried = TriedWorkloads()
    tried.add(system, list(drawn[: max(2, int(DRAWN * count), min(FIRST, count // 3))]), law, regret)
    pool = [system.to_records(item) for item in drawn]
    parts = system, tried, pool, law, least, rng
    search = _Climbers(*parts, slope=slope) if steer else _Blind(*parts)
    while (spent := len(tried.regret) + search.slopes) < count and not (cancel is not None and cancel.is_set()):
        batch = search.proposed(min(BATCH, count - spent), spent / count)
        if not batch:
            break
        first = len(tried.regret)
        tried.add(system, [item.workload for item in batch], law, regret)
        search.ran(batch, first)
    return tried


@dataclass(frozen=True)
class _Proposal:
    """A likely workload that is not run yet: of which climber, by which move."""

    workload: Any
    climber: int = 0
    move: str = ""


class _Blind:
    """What the interpolating generator makes of likely drawn workloads, whatever came of it."""

    def __init__(
        self,
        system: Tabular,
        tried: TriedWorkloads,
        pool: Sequence[Floats],
        law: Plausibility,
        least: float,
        rng: np.random.Generator,
    ) -> None:
        self.system, self.tried, self.pool, self.law, self.least, self.rng = system, tried, pool, law, least, rng
        self.slopes = 0

    def proposed(self, wanted: int, share: float) -> list[_Proposal]:
        """Up to ``wanted`` new workloads that are plausible enough; ``share`` of the runs are spent."""
        del share
        kept: list[_Proposal] = []
        for _ in range(TRIES):
            made = [self._proposal(place) for place in range(len(kept), wanted)]
            self.tried.proposed += len(made)
            shares = self.law([self.system.to_records(item.workload) for item in made])
            kept += [item for item, likely in zip(made, shares, strict=True) if likely >= self.least]
            if len(kept) == wanted:
                break
        return kept

    def ran(self, batch: Sequence[_Proposal], first: int) -> None:
        """What was run, from place ``first`` on among all that was found."""

    def _proposal(self, place: int) -> _Proposal:
        del place
        likely = self.tried.likely(self.least)
        parent = (
            self.system.to_records(self.tried.workloads[likely[int(self.rng.integers(len(likely)))]])
            if likely
            else self._drawn()
        )
        table = propose(parent, self._drawn(), self.rng, ordered=self.system.ordered)
        return _Proposal(self.system.from_records(table))

    def _drawn(self) -> Floats:
        return self.pool[int(self.rng.integers(len(self.pool)))]


class _Climbers(_Blind):
    """A climber from the worst of each kind; those that fall behind give their runs to the others."""

    def __init__(self, *parts: Any, slope: Slope | None = None) -> None:
        super().__init__(*parts)
        spread = np.concatenate(list(self.pool)).std(axis=0)
        self.climbers = _starts(self.tried, self.least, FEWER[0][1])
        self.known: dict[int, Floats | None] = {}
        self.slope = slope
        sloped = bool(self.climbers) and slope is not None and self._uphill(self.climbers[0]) is not None
        self.moves = Moves(spread, ordered=self.system.ordered, rng=self.rng, slope=sloped)

    def proposed(self, wanted: int, share: float) -> list[_Proposal]:
        """Of each climber in turn."""
        if not self.climbers:
            return super().proposed(wanted, share)
        most = next(count for since, count in reversed(FEWER) if share >= since)
        self.climbers = sorted(self.climbers, key=lambda run: -self.tried.regret[run])[:most]
        return super().proposed(wanted, share)

    def ran(self, batch: Sequence[_Proposal], first: int) -> None:
        """Climbers go to what is no better for the policy; moves learn from what is worse."""
        if not self.climbers:
            self.climbers = _starts(self.tried, self.least, FEWER[0][1])
            return
        regret = self.tried.regret
        for item, now in zip(batch, regret[first:], strict=True):
            self.moves.learn(item.move, better=now > regret[self.climbers[item.climber]])
        for run, item in enumerate(batch, start=first):
            if regret[run] >= regret[self.climbers[item.climber]]:
                self.climbers[item.climber] = run

    def _proposal(self, place: int) -> _Proposal:
        if not self.climbers:
            return super()._proposal(place)
        which = place % len(self.climbers)
        other = self.climbers[int(self.rng.integers(len(self.climbers)))]
        parent, elite = (self.system.to_records(self.tried.workloads[run]) for run in (self.climbers[which], other))
        at = self.climbers[which]
        move, table = self.moves.make(parent, elite, self._drawn(), lambda: _or_flat(self._uphill(at), parent))
        return _Proposal(self.system.from_records(table), which, move)

    def _uphill(self, run: int) -> Floats | None:
        """The gradient where a run was; asked for once."""
        if run not in self.known:
            assert self.slope is not None
            self.known[run] = self.slope(self.tried.workloads[run])
            self.slopes += 1
        return self.known[run]


def _or_flat(slope: Floats | None, table: Floats) -> Floats:
    return np.zeros_like(table) if slope is None else slope


def _starts(tried: TriedWorkloads, least: float, most: int) -> list[int]:
    """The worst of every kind, the worst first; then the worst of the rest."""
    order = tried.likely(least)
    kinds: dict[tuple[int, int], int] = {}
    for run in order:
        kinds.setdefault(tried.cells[run], run)
    chosen = set(kinds.values())
    return [*kinds.values(), *(run for run in order if run not in chosen)][:most]
