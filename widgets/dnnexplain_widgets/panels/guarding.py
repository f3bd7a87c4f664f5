"""What would guard it? A short list of rules that step in, with what they buy and cost."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.guards import Guard, GuardReport, compile_guard, evaluate_guard
from dnnexplain.numbers import number, percent
from dnnexplain.registry import fair_rules
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.uploads import text_of

__all__ = ["GuardPanel"]


class GuardPanel(Panel):
    """What would guard it?

    A guard is made on one half of the seeds: attack, learn where the network and a rule part, choose rules, attack what
    came of it. Its figures are from the other half, under an attack that knows the guard.

    Args:
        sets: usual workloads in each half of the seeds.
        rounds: batches of each attack.
        cycles: attacks on guarded policies while the guard is made.
    """

    QUESTION = "What would guard it?"
    PARTS = ({"part": "cells"},)
    OPTIONS = ("sets", "rounds", "cycles")
    SETTINGS = ("family", "seed")
    ABOUT = ("policy",)

    @property
    def system(self) -> Any:
        """The session's system; which panels it gets was asked before."""
        return self.session.system

    def setup(self) -> None:
        """Controls: workload, seed, make, open one, save."""
        self.guard: Guard | None = None
        self.report: GuardReport | None = None
        families = list(self.system.workload_names)
        self.answers = {"family": families[0], "seed": 0, "chosen": None}
        self._families = families
        self._show_controls()

    @property
    def result(self) -> GuardReport | None:
        """The guard on the other half of the seeds; ``None`` until one was made."""
        return self.report

    def code_lines(self) -> tuple[str, ...]:
        """The guard by itself."""
        sets, rounds, cycles = self._sizes()
        seed = int(self.answers["seed"])
        return (
            "from dnnexplain.explain.guards import compile_guard, evaluate_guard",
            "from dnnexplain.registry import fair_rules",
            f"draw = lambda count, seed: system.workloads({self.answers['family']!r}, count, seed)",
            "rules = fair_rules(system)",
            f"guard = compile_guard(system, policy, draw, rules=rules, sets={sets}, rounds={rounds}, cycles={cycles}, seed={seed})",
            f"print(evaluate_guard(system, policy, guard, draw, rules=rules, sets={sets}, rounds={rounds}, seed={seed}).words)",
        )

    def run(self, guard: Guard | None = None) -> None:
        """Make a guard (or take one) and measure it, beside the page."""
        system, policy = self.system, self.worker_policy()
        family, seed = str(self.answers["family"]), int(self.answers["seed"])
        sets, rounds, cycles = self._sizes()
        rules = fair_rules(system)

        def draw(count: int, drawn: int) -> Any:
            return system.workloads(family, count, drawn)

        def work(task: Task) -> tuple[Guard, GuardReport]:
            made = guard or compile_guard(
                system, policy, draw, rules=rules, sets=sets, rounds=rounds, cycles=cycles, seed=seed,
                progress=lambda done, total, words="": task.progress(0.7 * done / total, str(words)),
            )  # fmt: skip
            task.progress(0.7, "measuring on the other half of the seeds")
            return made, evaluate_guard(system, policy, made, draw, rules=rules, sets=sets, rounds=rounds, seed=seed)

        self.start(work, self._take, "Making a guard")

    def on_press(self, name: str) -> None:
        """Make one, or keep it."""
        if name == "run":
            self.run()
        elif name == "keep" and self.guard is not None:
            self.offer("guard.json", self.guard.to_json())

    def on_file(self, name: str, file: str, content: bytes) -> None:
        """A guard from a file, perhaps edited, is measured."""
        del name
        guard = Guard.from_json(text_of(file, content, "is no guard"))
        if guard.system != self.session.system.name:
            msg = f"{file} guards {guard.system}, not {self.session.system.name}"
            raise DnnExplainError(msg)
        self.run(guard)

    def _sizes(self) -> tuple[int, int, int]:
        return int(self.options.get("sets", 20)), int(self.options.get("rounds", 4)), int(self.options.get("cycles", 1))

    def _take(self, found: tuple[Guard, GuardReport]) -> None:
        self.guard, self.report = found
        report = self.report
        figures = [
            ("worst gap to the best rule", number(report.gap_without), number(report.gap_with)),
            ("cost on that workload", number(report.network_without), number(report.network_with)),
            ("of the best rule there", number(report.rule_without), number(report.rule_with)),
            ("usual cost", number(report.nominal_without), number(report.nominal_with)),
            ("decisions in which it steps in", "none", percent(report.stepped_in)),
        ]
        rows = [{"label": name, "cells": [{"text": without}, {"text": guarded}]} for name, without, guarded in figures]
        self.figure = {
            "cells": {
                "caption": "With and without the guard",
                "corner": "",
                "columns": ["without", "with"],
                "rows": rows,
            }
        }
        rules = " ".join(f"{place}. {words}." for place, words in enumerate(report.guard, start=1))
        self.sentence = f"{report.words} {rules}".strip()
        self._show_controls()

    def _show_controls(self) -> None:
        self.controls = [
            {"kind": "select", "name": "family", "label": "Workload", "options": [[name, name] for name in self._families]},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "run", "label": "Make a guard", "strong": True},
            {"kind": "button", "name": "keep", "label": "Keep as a file", "disabled": self.guard is None,
             "hint": "JSON, which may be edited, opened here again, and given to evaluate, replay, attack and worst-case as --guard."},
            {"kind": "file", "name": "guard", "label": "Open a guard", "accept": ".json"},
        ]  # fmt: skip
