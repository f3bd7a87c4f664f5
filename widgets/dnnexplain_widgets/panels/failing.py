"""Where does it fail? Sets of states (or workloads) in which a network loses more than elsewhere, ranked."""

from __future__ import annotations

from typing import Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.explain.regions import FailureProfile, failure_profile, quantities_of
from dnnexplain.numbers import number, percent
from dnnexplain.registry import fair_rules
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.failing_map import loss_map

__all__ = ["FailingPanel"]


class FailingPanel(Panel):
    """Where does it fail?

    Regions are found on one half of the seeds; every figure that is shown is from the other half. They are ranked by
    mass times loss: what is lost there for each decision (or workload) that is met.

    Args:
        sets: workloads in each half of the seeds.
        states: states of each half that are judged, at most.
    """

    QUESTION = "Where does it fail?"
    PROMISE = "Press “Look”: short rules for the states in which the network loses, each tested on workloads that it was not found in; about half a minute."
    PARTS = ({"part": "cells"}, {"part": "sweep-map"})
    OPTIONS = ("sets", "states")
    LATER = ("seed", "sets")
    SETTINGS = ("of", "family", "seed", "sets")
    ABOUT = ("policy",)

    @property
    def system(self) -> Any:
        """The session's system; which panels it gets was asked before."""
        return self.session.system

    def setup(self) -> None:
        """Controls: of decisions or workloads, which family, seed, look."""
        self.finding: FailureProfile | None = None
        families = list(self.system.workload_names)
        self.answers = {
            "of": "",
            "family": families[0],
            "seed": 0,
            "sets": int(self.options.get("sets", 24)),
            "chosen": None,
        }
        self.controls = [
            {"kind": "select", "name": "of", "label": "Failures of",
             "options": [["", "what the system can judge"], ["decisions", "decisions"], ["workloads", "whole workloads"]]},
            {"kind": "select", "name": "family", "label": "Workload", "options": [[name, name] for name in families]},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "number", "name": "sets", "label": "Workloads in each half", "low": 2, "high": 10000, "step": 1},
            {"kind": "button", "name": "run", "label": "Look", "strong": True},
        ]  # fmt: skip

    @property
    def result(self) -> FailureProfile | None:
        """The profile; ``None`` until one was made."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The profile by itself."""
        sets, states = self._sizes()
        return (
            "from dnnexplain.explain.regions import failure_profile",
            "from dnnexplain.registry import fair_rules",
            f"draw = lambda count, seed: system.workloads({self.answers['family']!r}, count, seed)",
            f"found = failure_profile(system, policy, draw, rules=fair_rules(system), kind={self.answers['of']!r}, sets={sets}, states={states}, seed={self.answers['seed']})",
            r"print(found.words, *(region.words for region in found.regions), sep='\n')",
        )

    def run(self) -> None:
        """Look for regions, beside the page."""
        system, policy = self.system, self.worker_policy()
        family, seed, kind = str(self.answers["family"]), int(self.answers["seed"]), str(self.answers["of"])
        sets, states = self._sizes()

        def work(task: Task) -> FailureProfile:
            return failure_profile(
                system, policy, lambda count, drawn: system.workloads(family, count, drawn), rules=fair_rules(system),
                kind=kind, sets=sets, states=states, seed=seed, stop=task.enough,
                progress=lambda done, total, words="": task.progress(done / total, str(words)),
            )  # fmt: skip

        self.start(work, self._take, "Looking for regions", keeps=True)

    def _sizes(self) -> tuple[int, int]:
        return int(self.answers["sets"]), int(self.options.get("states", 200))

    def on_press(self, name: str) -> None:
        """Look."""
        if name == "run":
            self.run()

    def on_answer(self, name: str, value: Any) -> None:
        """A region was clicked."""
        if name == "chosen" and value is not None:
            self.show_region(int(value[0] if isinstance(value, list | tuple) else value))

    def show_region(self, place: int) -> None:
        """Tell a region, and draw what is lost over its quantities.

        Args:
            place: in the ranking, from 0.

        Raises:
            DnnExplainError: there is none at that place.
        """
        count = 0 if self.finding is None else len(self.finding.regions)
        if self.finding is None or not 0 <= place < count:
            msg = f"this profile has {counted(count, 'region')}"
            raise DnnExplainError(msg)
        region = self.finding.regions[place]
        self.sentence = region.words
        self.figure = {**self.figure, "sweep": loss_map(self.finding, region, quantities_of(self.system).units)}

    def _take(self, profile: FailureProfile) -> None:
        self.finding = profile
        self.set_answers(chosen=None)
        rows = [
            {
                "label": region.rule,
                "cells": [
                    {"text": percent(region.mass)},
                    {"text": percent(region.share)},
                    {"text": percent(region.share_outside)},
                    {"text": number(region.loss) if profile.unit else percent(region.loss)},
                    {"text": "<0.001" if region.p < 0.001 else number(region.p)},
                ],
            }
            for region in profile.regions
        ]
        units = quantities_of(self.system).units
        loss = f"mean loss, {profile.unit}" if profile.unit else "mean loss"
        worst = {"sweep": loss_map(profile, profile.regions[0], units)} if profile.regions else {}
        self.figure = {
            **worst,
            "cells": {
                "caption": "Regions, the worst first", "corner": "Where",
                "columns": ["met there", "fail inside", "fail outside", loss, "p"], "rows": rows, "pick": "row",
            }
        }  # fmt: skip
        self.sentence = profile.words
