"""What would follow? Each action taken in the present state, and the same policy going on to the end of the same futures."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.counts import counted
from dnnexplain.explain.decisions.consequences import Consequence, Consequences, consequences
from dnnexplain.intervals import Interval
from dnnexplain.numbers import as_told, interval, number
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel

__all__ = ["ConsequencesPanel"]


class ConsequencesPanel(Panel):
    """What would follow each action?

    "Why not the other one?" is answered by what would come of it: of a choice every valid action is taken, of numbers
    and switches those that they are compared with; then the same policy goes on, over the same futures, to the end.
    """

    QUESTION = "What would follow?"
    PROMISE = "Press “Take each action”: what this policy would end up with after each action, over the same futures, so that “why not the other one?” has an answer; seconds."
    PARTS = ({"part": "ranges"}, {"part": "cells"}, {"part": "notes"})
    SETTINGS = ("family", "sets", "seed")
    ABOUT = ("policy", "state")

    def setup(self) -> None:
        """Controls: futures of which kind, how many, seed, run; and of which figure the picture is."""
        system: Any = self.session.system
        self.finding: Consequences | None = None
        families = list(system.workload_names)
        self.answers = {"family": families[0], "sets": 40, "seed": 1, "figure": "cost"}
        shown = [[name, title] for name, title in _titles(system).items()]
        self.controls = [
            {"kind": "select", "name": "family", "label": "Futures", "options": [[name, name] for name in families]},
            {"kind": "number", "name": "sets", "label": "How many", "low": 2, "high": 1000, "step": 1,
             "hint": "The same ones follow every action, so that few are enough to tell actions apart."},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "select", "name": "figure", "label": "Picture of", "options": shown},
            {"kind": "button", "name": "run", "label": "Take each action", "strong": True},
        ]  # fmt: skip

    @property
    def result(self) -> Consequences | None:
        """What followed; ``None`` until it was asked."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The same by itself."""
        family, count, seed = self._options()
        return (
            "from dnnexplain.explain.decisions.consequences import consequences",
            f"futures = system.workloads({family!r}, {count}, {seed})",
            f"found = consequences(system, policy, state, futures, seed={seed})",
            "print(found.sentence())",
        )

    def run(self) -> None:
        """Take each action, beside the page."""
        system: Any = self.session.system
        policy, state = self.worker_policy(), self.session.state
        family, count, seed = self._options()

        def work(task: Task) -> Consequences:
            return consequences(
                system, policy, state, system.workloads(family, count, seed), seed=seed,
                progress=lambda done, total: task.progress(done / total, f"{done} of {counted(total, 'action')} taken"),
            )  # fmt: skip

        self.start(work, self._take, "Taking each action")

    def on_press(self, name: str) -> None:
        """Take each action."""
        if name == "run":
            self.run()

    def on_answer(self, name: str, value: Any) -> None:
        """Draw another figure of the same answer."""
        del value
        if name == "figure" and self.finding is not None:
            self._draw(self.finding)

    def _options(self) -> tuple[str, int, int]:
        said = self.answers
        return str(said["family"]), int(said["sets"]), int(said["seed"])

    def _take(self, answer: Consequences) -> None:
        self.finding = answer
        self.sentence = answer.sentence()
        self._draw(answer)

    def _draw(self, answer: Consequences) -> None:
        titles = _titles(self.session.system)
        chosen = str(self.answers["figure"])
        self.figure = {
            "notes": [answer.assumed] if answer.assumed else [],
            "ranges": differences(answer, chosen if chosen in answer.actions[0].figures else "cost", titles),
            "cells": table(answer, titles, _lower_is_better(self.session.system)),
        }


def differences(answer: Consequences, figure: str, titles: dict[str, str]) -> dict[str, Any]:
    """A row for each action: one figure less what followed the chosen one, paired, with its 95% interval, on one axis."""
    spans = [_ends(answer.as_read(action.against[figure], figure)) for action in answer.actions]
    least, most = min(low for low, _, _ in spans), max(high for _, _, high in spans)
    wide = max(most - least, 1e-12)

    def at(value: float) -> float:
        return 0.04 + 0.92 * (value - least) / wide

    rows = [
        {"name": _named(answer, action), "low": at(low), "high": at(high), "value": at(mean), "words": _words(answer, action, figure)}
        for action, (low, mean, high) in zip(answer.actions, spans, strict=True)
    ]  # fmt: skip
    caption = f"{titles.get(figure, figure)}, less what follows {answer.decision}: paired mean over {counted(answer.futures, 'future')} and its 95% interval"
    return {"caption": caption, "rows": rows}


def table(answer: Consequences, titles: dict[str, str], lower: dict[str, bool]) -> dict[str, Any]:
    """A row for each action, a column for each figure: what follows the chosen one, and how others differ from it."""
    names = [name for name in titles if name in answer.actions[0].figures and not _mirrored(answer, name)]
    most = {name: max(abs(action.against[name].mean) for action in answer.actions) or 1.0 for name in names}

    def cell(action: Consequence, name: str) -> dict[str, Any]:
        if action.action == answer.chosen:
            return {"text": number(answer.as_read(action.figures[name], name).mean)}
        span = answer.as_read(action.against[name], name)
        shown = number(span.mean, sign=True)
        whole = number(answer.as_read(action.figures[name], name).mean)
        if not span.known:
            return {"text": shown, "hint": f"{whole}; {span.missing}"}
        if not span.verdict:
            return {"text": f"({shown})", "hint": f"{whole}; cannot be told from none"}
        worse = (1.0 if lower.get(name, True) else -1.0) * action.against[name].mean / most[name]
        return {"text": shown, "shade": 0.8 * worse, "hint": f"{whole}; by {interval(span.low, span.high)}"}

    first = sorted(answer.actions, key=lambda action: action.action != answer.chosen)
    rows = [{"label": _named(answer, action), "cells": [cell(action, name) for name in names]} for action in first]
    return {
        "caption": "What follows the chosen action, and by how much others differ",
        "corner": "Action",
        "columns": [titles.get(name, name) for name in names],
        "rows": rows,
        "legend": ["better than the chosen", "worse", "(in brackets: cannot be told from none)"],
    }


CHOSEN = " (chosen)"


def _named(answer: Consequences, action: Consequence) -> str:
    return action.name + CHOSEN * (action.action == answer.chosen)


def _words(answer: Consequences, action: Consequence, figure: str) -> str:
    if action.action == answer.chosen:
        return number(answer.as_read(action.figures[figure], figure).mean)
    span = answer.as_read(action.against[figure], figure)
    return f"{number(span.mean, sign=True)} ({interval(span.low, span.high)})"


def _mirrored(answer: Consequences, name: str) -> bool:
    """Whether a figure is the cost with the other sign, which then says nothing more."""
    return name != "cost" and all(
        np.isclose(action.figures[name].mean, -action.figures["cost"].mean) for action in answer.actions
    )


def _ends(span: Interval) -> tuple[float, float, float]:
    """Low, mean, high; the mean for an end that is unknown."""
    return (
        span.low if np.isfinite(span.low) else span.mean,
        span.mean,
        span.high if np.isfinite(span.high) else span.mean,
    )


def _titles(system: Any) -> dict[str, str]:
    """The figures of an episode as they are called: the cost first, then those of the spec, in its order."""
    return {"cost": as_told(system.cost_name)[0]} | {metric.name: metric.title for metric in spec_of(system).metrics}


def _lower_is_better(system: Any) -> dict[str, bool]:
    return {"cost": True} | {metric.name: metric.better == "lower" for metric in spec_of(system).metrics}
