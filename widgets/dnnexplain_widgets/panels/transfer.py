"""Where it stops winning: a heat map over workloads; a click on a cell shows its episodes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Replayable
from dnnexplain.explain.transfer import Setting, Transfer, cell_workloads, transfer
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.live import best_actions
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.episode import Pair, pair_sentence
from dnnexplain_widgets.schedule import schedule_figure
from dnnexplain_widgets.words import label, number

__all__ = ["TransferPanel"]

COLUMNS = 4
FULL_SHADE = 0.5
"""A cost half above or below the best rule's has the full colour."""


class TransferPanel(Panel):
    """Where does it stop winning?

    Args:
        rows, columns: settings of the grid; by default every family of workloads, and four values of the
            system's first workload knob.
        rules: names of the rules to compare with; all but random by default.
    """

    QUESTION = "Where does it stop winning?"
    PARTS = ({"part": "cells"}, {"part": "schedule"})
    OPTIONS = ("rows", "columns", "rules")

    def setup(self) -> None:
        """Controls: workloads per cell, seed."""
        system = self.session.system
        if not isinstance(system, Replayable):
            msg = f"{system.name} has no episodes to be run and watched; see contract.Replayable"
            raise DnnExplainError(msg)
        given = self.options
        every = [Setting(name, name) for name in system.workload_names]
        fixed = [name for name in system.rules() if name != "random"]
        self.rows: list[Setting] = list(given.get("rows") or every)
        self.columns: list[Setting] = list(given.get("columns") or _default_columns(system))
        self.rules: list[str] = list(given.get("rules") or fixed)
        self.found: Transfer | None = None
        self._heat: dict[str, Any] = {}
        self._stop = threading.Event()
        self.answers = {"sets": 20, "seed": 1, "file": "transfer.json", "decision": 0}
        self._show_controls()

    @property
    def result(self) -> Transfer | None:
        """The grid, as far as it was run."""
        return self.found

    def code_lines(self) -> tuple[str, ...]:
        """The grid by itself."""
        return (
            "from dnnexplain.explain.transfer import Setting, transfer",
            f"rows = [{', '.join(map(_setting, self.rows))}]",
            f"columns = [{', '.join(map(_setting, self.columns))}]",
            (
                f"found = transfer(system, {{policy.name: policy}}, rows, columns, rules={self.rules!r}, "
                f"sets={int(self.answers['sets'])}, seed={int(self.answers['seed'])})"
            ),
            "print(found.words)",
        )

    def run(self, resume: Transfer | None = None) -> None:
        """Run the grid, or its missing cells, beside the page."""
        system: Any = self.session.system
        policy = self.worker_policy()
        sets, seed = int(self.answers["sets"]), int(self.answers["seed"])
        self._stop = stop = threading.Event()

        def work(task: Task) -> Transfer:
            return transfer(
                system,
                {policy.name: policy},
                self.rows,
                self.columns,
                rules=self.rules,
                sets=sets,
                seed=seed,
                backend="threading",
                jobs=1,
                resume=resume,
                cancel=stop,
                progress=lambda done, total: task.progress(done / total, f"Cell {done} of {total}"),
            )

        self.start(work, self._show, "Running the grid")

    def cancel(self) -> None:
        """End the run with the cells that it has."""
        if self.jobs.current is not None and not self._stop.is_set():
            self._stop.set()
        else:
            super().cancel()

    def show_cell(self, row: int, column: int) -> None:
        """Watch the episode of a cell in which the network is furthest behind the best rule."""
        found, system = self.found, self.session.system
        if found is None or not found.done[row, column]:
            msg = "this cell was not run yet"
            raise DnnExplainError(msg)
        rule_at = int(found.best_rule[row, column])
        behind = found.episodes[row, column, 0] - found.episodes[row, column, rule_at]
        worst = int(np.nanargmax(behind))
        policy = self.worker_policy()

        def work(task: Task) -> Pair:
            task.progress(None, "Running the episode")
            assert isinstance(system, Replayable)
            workload = cell_workloads(system, found, row, column)[worst]
            rule = system.rules()[found.policies[rule_at]]
            network = system.replay(policy, workload)
            return Pair(network, system.replay(rule, workload), best_actions(system, rule, network.observations))

        words = f"{_cell_words(found, row, column)} Below: workload {worst + 1}, where it is furthest behind."
        self.start(work, lambda pair: self._show_pair(pair, words), "Running the episode")

    def save(self, file: str) -> Path:
        """Write the grid to a file, to be read with ``Transfer.load``."""
        if self.found is None:
            msg = "run the grid first; there is nothing to save yet"
            raise DnnExplainError(msg)
        return self.found.save(file)

    def on_press(self, name: str) -> None:
        """Run, go on, save."""
        if name == "run":
            self.run()
        elif name == "more":
            self.run(resume=self.found)
        elif name == "save":
            self.sentence = f"Saved to {self.save(str(self.answers['file'])).resolve()}."

    def on_answer(self, name: str, value: Any) -> None:
        """A cell was clicked."""
        if name == "chosen" and value:
            self.show_cell(int(value[0]), int(value[1]))

    def _show(self, found: Transfer) -> None:
        self.found = found
        self._heat = _heat(found)
        self.figure = {"cells": self._heat}
        self.sentence = found.words
        self._show_controls()

    def _show_pair(self, pair: Pair, words: str) -> None:
        self.figure = {"cells": self._heat, **schedule_figure((pair.network, pair.rule), pair.disagreements)}
        self.sentence = f"{words} {pair_sentence(pair)}"

    def _show_controls(self) -> None:
        done = self.found is not None
        missing = done and not bool(self.found.done.all())  # type: ignore[union-attr]
        self.controls = [
            {"kind": "number", "name": "sets", "label": "Workloads per cell", "low": 1, "high": 1000, "step": 1},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "run", "label": "Run", "strong": True},
            {"kind": "button", "name": "more", "label": "Go on", "disabled": not missing, "hint": "Run the cells that are missing."},
            {"kind": "text", "name": "file", "label": "File"},
            {"kind": "button", "name": "save", "label": "Save", "disabled": not done},
        ]  # fmt: skip


def _default_columns(system: Replayable) -> list[Setting]:
    knob = system.workload_knobs[0]
    grid = knob.grid()
    values = grid[np.unique(np.linspace(0, len(grid) - 1, 2 * COLUMNS).round().astype(int))][1::2]
    return [
        Setting(f"{knob.name} {number(value)}", "", {knob.name: round(float(value), 9)}, float(value))
        for value in values
    ]


def _setting(one: Setting) -> str:
    return f"Setting({one.label!r}, {one.family!r}, {dict(one.parameters)!r}, {one.value!r})"


def _heat(found: Transfer) -> dict[str, Any]:
    rows = []
    for r, row in enumerate(found.rows):
        cells: list[dict[str, Any]] = []
        for c in range(len(found.columns)):
            if not found.done[r, c]:
                cells.append({"text": ""})
                continue
            relative, rule = float(found.relative[r, c, 0]), int(found.best_rule[r, c])
            verdict = found.verdict(r, c)
            open_ = " (open)" if verdict == "even" else ""
            cells.append(
                {
                    "text": f"{100 * relative:+.1f}%{open_}".replace("-", "−"),
                    "note": f"{number(found.cost[r, c, 0])} : {number(found.cost[r, c, rule])} {label(found.policies[rule])}",
                    "hint": _cell_words(found, r, c),
                    "shade": relative / FULL_SHADE,
                }
            )
        rows.append({"label": row.label, "cells": cells})
    return {
        "caption": f"{found.cost_name} of {found.policies[0]} relative to the best rule's",
        "corner": "workload",
        "columns": [column.label for column in found.columns],
        "rows": rows,
        "pick": "cell",
        "legend": [
            f"{found.policies[0]} {100 * FULL_SHADE:.0f}% below the best rule",
            f"{100 * FULL_SHADE:.0f}% above",
        ],
    }


def _cell_words(found: Transfer, row: int, column: int) -> str:
    rule = int(found.best_rule[row, column])
    at = (row, column, 0)
    interval = f"{100 * found.relative_low[at]:+.1f}% to {100 * found.relative_high[at]:+.1f}%".replace("-", "−")
    starved = found.starved[at]
    tail = f" It starved {number(starved)} jobs." if starved > 0 else ""
    return (
        f"{found.rows[row].label}, {found.columns[column].label}: {found.cost_name} {number(found.cost[at])} against "
        f"{label(found.policies[rule])}'s {number(found.cost[row, column, rule])}, {interval} (95% interval).{tail}"
    )
