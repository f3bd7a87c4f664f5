"""Where it stops winning: a heat map over workloads; a click on a cell shows its episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, LogReader, Policy, Replayable, Shift
from dnnexplain.explain.transfer.grid import Transfer, cell_workloads, transfer
from dnnexplain.registry import spec_of
from dnnexplain.twins import worker_copy
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.saved import OPEN_SAVED, same_system
from dnnexplain_widgets.panels.transfer_words import (
    cell_words,
    default_columns,
    distinct,
    heat,
    loader,
    missing,
    saved_networks,
    setting_code,
)
from dnnexplain_widgets.panels.watch import Pair, WatchPanel, decision_words, pair_sentence, run_pair
from dnnexplain_widgets.uploads import brought, text_of

__all__ = ["TransferPanel"]

ALL = "\0all"

Grid = tuple[Sequence[Shift], Sequence[Shift]]


class TransferPanel(WatchPanel):
    """Where does it stop winning?

    The cells are run by processes, one per core, so the page stays quick and a cancelled run ends at once.

    Args:
        rows, columns: settings of the grid; by default every family of workloads, and four values of the
            system's first workload knob.
        grids: further grids to choose from, by name: ``{"share of long jobs": (rows, columns)}``.
        rules: names of the rules to compare with; all but random by default.
        policies: further networks by name, ready or as functions that load them, to be run beside.
        workers: processes; one per core by default, 1 works in the kernel itself.
    """

    QUESTION = "Where does it stop winning?"
    PROMISE = "Press “Run”: the network beside its rules on ordinary and on shifted workloads, a cell for each; about a minute. A cell opens its worst workload."
    LATER = ("sets", "seed", "log", "saved")
    PARTS = ({"part": "cells"}, {"part": "timeline"})
    OPTIONS = ("rows", "columns", "grids", "rules", "policies", "workers")
    COMPARES = True
    SETTINGS = ("grid", "beside", "sets", "seed")

    @property
    def system(self) -> Any:
        """The session's system; cells are run whether or not their episodes can be watched."""
        return self.session.system

    def setup(self) -> None:
        """Controls: grid, networks, workloads per cell, seed."""
        system, given = self.system, self.options
        every = [Shift(name, name) for name in system.workload_names]
        fixed = [name for name in system.rules() if name != "random"]
        first = (list(given.get("rows") or every), list(given.get("columns") or default_columns(system)))
        self.grids: dict[str, Grid] = {"kinds of workload": first, **(given.get("grids") or {})}
        self.rules: list[str] = list(given.get("rules") or fixed)
        self.policies: Mapping[str, Policy | Callable[[], Policy]] = given.get("policies") or {}
        self.logs: dict[str, list[Any]] = {}
        self.finding: Transfer | None = None
        self._given: dict[str, list[Any]] = {}
        self._networks: list[Policy] = []
        self._part: Transfer | None = None
        self._heat: dict[str, Any] = {}
        self._cell: tuple[int, int] | None = None
        self._workload = 0
        self._words = ""
        self._task: Task | None = None
        self.answers = {
            "grid": next(iter(self.grids)), "beside": "", "network": 0, "sets": 20, "seed": 1,
            "workload": 1, "decision": 0, "follow": False,
        }  # fmt: skip
        self.observe(self._show_part, "busy")
        self._show_controls()

    @property
    def result(self) -> Transfer | None:
        """The grid, as far as it was run."""
        return self.finding

    @property
    def grid(self) -> tuple[list[Shift], list[Shift]]:
        """Rows (with those of the logs) and columns of the grid that is chosen."""
        rows, columns = self.grids[self.answers["grid"]]
        return [*rows, *(Shift(name) for name in self.logs)], list(columns)

    def code_lines(self) -> tuple[str, ...]:
        """The grid by itself."""
        rows, columns = self.grid
        return (
            "from dnnexplain.contract import Shift",
            "from dnnexplain.explain.transfer.grid import transfer",
            f"rows = [{', '.join(setting_code(row) for row in rows if row.label not in self.logs)}]",
            f"columns = [{', '.join(map(setting_code, columns))}]",
            (
                f"found = transfer(system, {{policy.name: policy}}, rows, columns, rules={self.rules!r}, "
                f"sets={int(self.answers['sets'])}, seed={int(self.answers['seed'])})"
            ),
            "print(found.words)",
        )

    def run(self, resume: Transfer | None = None) -> None:
        """Run the grid, or its missing cells, beside the page."""
        system, (rows, columns) = self.system, self.grid
        policy, beside = self.worker_policy(), self._beside()
        sets, seed = int(self.answers["sets"]), int(self.answers["seed"])
        given = {name: windows[:sets] for name, windows in self.logs.items()}
        self._part = None

        def work(task: Task) -> tuple[Transfer, list[Policy], dict[str, list[Any]]]:
            networks = distinct(policy, beside)
            grid = transfer(
                system,
                networks,
                rows,
                columns,
                rules=self.rules,
                sets=sets,
                seed=seed,
                given=given,
                jobs=self.options.get("workers"),
                resume=resume,
                cancel=task.enough,
                progress=lambda done, total: task.progress(done / total, f"Cell {done} of {total}"),
                on_cell=self._note,
            )
            return grid, list(networks.values()), given

        self._task = self.start(work, self._take, "Running the grid", keeps=True)

    def show_cell(self, row: int, column: int, workload: int | None = None) -> None:
        """Watch an episode of a cell: the network's and the best rule's run, one above the other.

        Args:
            row, column: of the grid.
            workload: which of the cell's, from 1; by default the one on which the network is furthest behind.

        Raises:
            DnnExplainError: the cell was not run, or has no such workload.
        """
        result, system, network = self.finding, self.system, self._network()
        if self._task is not None and self.jobs.current is self._task:
            msg = "the grid is still running; wait, or cancel it to keep the cells that are done"
            raise DnnExplainError(msg)
        if result is None or not result.done[row, column]:
            msg = "this cell was not run yet"
            raise DnnExplainError(msg)
        costs = result.episodes[row, column]
        count = int(np.isfinite(costs[network]).sum())
        rule_at = int(result.best_rule[row, column])
        worst = int(np.nanargmax(costs[network] - costs[rule_at])) + 1
        chosen = worst if workload is None else workload
        if not 1 <= chosen <= count:
            msg = f"this cell has workloads 1 to {count}, not {chosen}"
            raise DnnExplainError(msg)
        self._cell, self._workload = (row, column), chosen
        self.set_answers(chosen=[row, column], workload=chosen)
        words = cell_words(result, row, column, network)
        if not isinstance(system, Replayable):
            self.sentence = f"{words} Its episodes cannot be watched: {system.name} has no replay()."
            return
        policy, given = self._worker(network), self._given
        rule = system.rules()[result.policies[rule_at]]

        def work(task: Task) -> Pair:
            task.progress(0.0, "Drawing the workload")
            return run_pair(
                system, policy, rule, cell_workloads(system, result, row, column, given)[chosen - 1], task=task
            )

        where = ", where it is furthest behind" if chosen == worst else ""
        words = f"{words} Below: workload {chosen} of {count}{where}."
        self.start(work, lambda pair: self._show_pair(pair, words), "Running the episode", part=True)

    def on_press(self, name: str) -> None:
        """Run, go on, open a decision, save."""
        if name == "run":
            self.run()
        elif name == "more":
            self.run(resume=self.finding)
        else:
            super().on_press(name)

    def on_answer(self, name: str, value: Any) -> None:
        """A cell was clicked, another of its workloads or another network wanted, or the scrubber moved."""
        if name == "chosen" and value and tuple(value) != self._cell:
            self.show_cell(int(value[0]), int(value[1]))
        elif name == "workload" and self._cell is not None and int(value) != self._workload:
            self.show_cell(*self._cell, workload=int(value))
        elif name == "network" and self.finding is not None:
            self._show(self.finding)
        elif name == "decision" and self.pair is not None:
            self.sentence = f"{self._words} {decision_words(self.system, self.pair, int(value))}"
            self.step_to(int(value))

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A log, whose windows become a row; or a saved grid, ready to be looked at and gone on with."""
        if name == "saved":
            self._open(Transfer.from_json(text_of(file, content)), file)
            return
        system = self.session.system
        assert isinstance(system, LogReader)
        with brought(file, content) as path:
            windows, said = system.log_windows(path)
        self.logs[f"log {Path(file).name}"] = list(windows)
        self.sentence = f"{said} The next run has it as a row."

    def _open(self, transfer: Transfer, file: str) -> None:
        same_system(self.system, transfer.question, file)
        settings, policy = transfer.question.settings, self.worker_policy()
        shown = {policy.name: policy, **{name: loader(policy)() for name, policy in self.policies.items()}}
        self._networks = saved_networks(transfer, shown, file)
        self.grids[f"as in {file}"] = (transfer.rows, transfer.columns)
        self.rules, self._given = list(settings["rules"]), {}
        self.set_answers(grid=f"as in {file}", sets=settings["sets"], seed=transfer.question.seed or 0, network=0)
        self._show(transfer)
        self.answered_before(transfer.question)

    # --- what is drawn ---

    def _beside(self) -> dict[str, Callable[[], Policy]]:
        """The networks to be run beside the session's, as functions that give them."""
        wanted = self.answers["beside"]
        names = list(self.policies) if wanted == ALL else [wanted] if wanted else []
        return {name: loader(self.policies[name]) for name in names}

    def _network(self) -> int:
        return min(int(self.answers["network"]), max(0, len(self._networks) - 1))

    def _worker(self, network: int) -> Policy:
        policy = self._networks[network]
        return worker_copy(policy) if hasattr(policy, "copy") else policy

    def _note(self, transfer: Transfer) -> None:
        """From the worker: another cell is done; it is drawn on the page's side with the next report."""
        self._part = transfer

    def _show_part(self, _change: object = None) -> None:
        if self._part is not None and self.busy:
            self._draw(self._part)

    def _take(self, parts: tuple[Transfer, list[Policy], dict[str, list[Any]]]) -> None:
        result, self._networks, self._given = parts
        self._part = None
        self._show(result)

    def _show(self, transfer: Transfer) -> None:
        self.finding, self.pair, self._cell = transfer, None, None
        self.set_answers(chosen=[])
        self._draw(transfer)
        self.sentence = transfer.words
        self._show_controls()

    def _draw(self, transfer: Transfer) -> None:
        self._heat = heat(transfer, min(self._network(), transfer.networks - 1))
        self.figure = {"cells": self._heat}

    def _show_pair(self, pair: Pair, words: str) -> None:
        self._words = f"{words} {pair_sentence(pair, spec_of(self.system).metrics)}"
        self.figure = {"cells": self._heat, **self.watch(pair)}
        self.sentence = f"{self._words} {decision_words(self.system, pair, int(self.answers['decision']))}"
        self._show_controls()

    def _show_controls(self) -> None:
        controls: list[dict[str, Any]] = []
        if len(self.grids) > 1:
            controls.append(
                {"kind": "select", "name": "grid", "label": "Over", "options": [[n, n] for n in self.grids]}
            )
        if self.policies:
            others = [["", "no other"], *([name, name] for name in self.policies), [ALL, "all"]]
            controls.append({"kind": "select", "name": "beside", "label": "Networks beside", "options": others})
        controls += [
            {"kind": "number", "name": "sets", "label": "Workloads per cell", "low": 1, "high": 1000, "step": 1},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "run", "label": "Run", "strong": True},
            {"kind": "button", "name": "more", "label": "Go on", "disabled": not missing(self.finding), "hint": "Run the cells that are missing."},
        ]  # fmt: skip
        system = self.session.system
        if isinstance(system, LogReader):
            hint = "Its windows become a row of the next run."
            controls.append({"kind": "file", "name": "log", "label": "Add a log…", "accept": ",".join(system.log_suffixes), "hint": hint})  # fmt: skip
        controls.append(OPEN_SAVED)
        if self.finding is not None and self.finding.networks > 1:
            names = [[str(at), name] for at, name in enumerate(self.finding.policies[: self.finding.networks])]
            controls.append({"kind": "select", "name": "network", "label": "Show", "options": names})
        if self._cell is not None and self.finding is not None:
            count = int(np.isfinite(self.finding.episodes[self._cell][0]).sum())
            controls.append({"kind": "number", "name": "workload", "label": f"Workload, 1 to {count}", "low": 1, "high": count, "step": 1})  # fmt: skip
        self.controls = [*controls, *self.watch_controls()]
