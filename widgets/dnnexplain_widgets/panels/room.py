"""Where is the room to improve? The gap to the optimum, split: the policy's, what is out of sight, and the future's."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.explain.room import Level, Room, room
from dnnexplain.numbers import as_told, figure, interval, number, percent
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import label

__all__ = ["RoomPanel"]

AHEAD = 1_000_003
"""Between the seeds of the workloads and those of the futures that are looked ahead over."""


class RoomPanel(Panel):
    """Where is the room to improve?

    The best rule, the network, both looking ahead over sampled futures, and the best plan that is known beforehand, on
    the same workloads: what lies between two of them is what better decisions, more sight, or knowing the future would
    bring. They are run by processes, so the page stays quick and a cancelled run ends at once.

    Args:
        workers: processes; one per core by default, 1 works in the kernel itself.
        oracle_seconds: for the optimum of each workload.
    """

    QUESTION = "Where is the room to improve?"
    PROMISE = "Press “Split the gap”: how much of the network's cost above the best plan could be better decisions, and how much is knowing the future; minutes."
    LATER = ("seed", "futures")
    PARTS = ({"part": "cells"}, {"part": "ranges"}, {"part": "notes"})
    OPTIONS = ("workers", "oracle_seconds")
    SETTINGS = ("family", "sets", "futures", "seed")
    ABOUT = ("policy",)

    def setup(self) -> None:
        """Controls: workload, how many, futures, seed, run."""
        system: Any = self.session.system
        self.finding: Room | None = None
        families = list(system.workload_names)
        self.answers = {"family": families[0], "sets": 4, "futures": 4, "seed": 1}
        self.controls = [
            {"kind": "select", "name": "family", "label": "Workload", "options": [[name, name] for name in families]},
            {"kind": "number", "name": "sets", "label": "Workloads", "low": 2, "high": 200, "step": 1,
             "hint": "The time grows with their number; few leave intervals wide."},
            {"kind": "number", "name": "futures", "label": "Sampled futures", "low": 1, "high": 64, "step": 1,
             "hint": "Each action is tried on so many before it is taken."},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "run", "label": "Split the gap", "strong": True},
        ]  # fmt: skip

    @property
    def result(self) -> Room | None:
        """The gap, split; ``None`` until it was."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The same by itself."""
        family, sets, futures, seed = self._options()
        workers = self.options.get("workers")
        jobs = "" if workers is None else f", jobs={int(workers)}"
        return (
            "from dnnexplain.explain.room import room",
            "from dnnexplain.registry import spec_of",
            f"workloads = system.workloads({family!r}, {sets}, {seed})",
            f"futures = system.workloads({family!r}, {futures}, {seed + AHEAD})",
            f"found = room(system, spec_of(system), policy, workloads, futures, oracle_seconds={self._patience()}, seed={seed}{jobs})",
            "print(found.sentence())",
        )

    def run(self) -> None:
        """Run everybody on the same workloads, beside the page."""
        system: Any = self.session.system
        policy, seconds = self.worker_policy(), self._patience()
        family, sets, futures, seed = self._options()

        def work(task: Task) -> Room:
            return room(
                system, spec_of(system), policy, system.workloads(family, sets, seed),
                system.workloads(family, futures, seed + AHEAD), oracle_seconds=seconds, seed=seed,
                jobs=self.options.get("workers"), cancel=task.enough,
                progress=lambda done, total: task.progress(done / total, f"Run {done} of {total}"),
            )  # fmt: skip

        self.start(work, self._take, "Splitting the gap")

    def on_press(self, name: str) -> None:
        """Run."""
        if name == "run":
            self.run()

    def _options(self) -> tuple[str, int, int, int]:
        said = self.answers
        return str(said["family"]), int(said["sets"]), int(said["futures"]), int(said["seed"])

    def _patience(self) -> float:
        return float(self.options.get("oracle_seconds", 5.0))

    def _take(self, room: Room) -> None:
        self.finding = room
        self.figure = {"cells": _parts(room), "ranges": _levels(room), "notes": list(room.assumed)}
        self.sentence = " ".join((room.short_sentence(), *room.left_out)).strip()


def _parts(room: Room) -> dict[str, Any]:
    """A row for each part of the gap: how large it is, which share, and how sure that is."""
    rows = []
    for part in () if room.part("gap").words else room.parts:
        sure = np.isfinite(part.low)
        open_ = sure and part.low <= 0.0 <= part.high
        cells = [
            {"text": figure(part.size)},
            {"text": "" if np.isnan(part.share) else percent(part.share)},
            {"text": interval(part.low, part.high) if sure else "", "note": "perhaps nothing" if open_ else ""},
        ]
        rows.append({"label": f"{part.words[:1].upper()}{part.words[1:]}", "cells": cells})
    name = as_told(room.cost_name)[0]
    return {
        "caption": "What the gap to the best plan is made of",
        "corner": "What it would take",
        "columns": [name, "of the gap", "95% interval"],
        "rows": rows,
    }


def _levels(room: Room) -> dict[str, Any]:
    """A row for each level: its mean cost as a mark, its 95% interval as a bar, on one axis."""
    ends = np.array([room.shown(item)[1] for item in room.levels])
    known = ends[np.isfinite(ends)]
    least, most = float(known.min()), float(known.max())
    wide = max(most - least, 1e-12)

    def at(value: float) -> float:
        return 0.04 + 0.92 * (value - least) / wide

    rows = []
    for level in room.levels:
        _, (cost, *around) = room.shown(level)
        low, high = (end if np.isfinite(end) else cost for end in around)
        span = f" ({interval(*around)})" if np.isfinite(around).all() else ""
        words = f"{number(cost)}{span}"
        rows.append(
            {
                "name": _name(level, room.question.policy),
                "low": at(low),
                "high": at(high),
                "value": at(cost),
                "words": words,
            }
        )
    return {
        "caption": f"{as_told(room.cost_name)[0]}, mean over {room.workloads} workloads and its 95% interval",
        "rows": rows,
    }


def _name(level: Level, policy: str) -> str:
    """Who it is, a rule as in menus; the network's name stays as it is."""
    if level.words.startswith(policy):
        return level.words
    head, colon, tail = level.words.rpartition(": ")
    who, comma, rest = tail.partition(",")
    words = f"{head}{colon}{label(who)}{comma}{rest}"
    return words[:1].upper() + words[1:]
