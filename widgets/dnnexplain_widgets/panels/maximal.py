"""The valid state that activates a neuron most: proved where it can be, searched where not, and it says which."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Knob, Pictured, outside_valid
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.real_changes import objects
from dnnexplain.explain.probing.maximal import Maximum, maximise
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.probing import ProbingPanel
from dnnexplain_widgets.words import number, with_unit

__all__ = ["MaximalPanel"]

NAMED = 4
"""Knobs of a group whose values are told one by one; of more their mean, if they have one unit."""
ROWS = 20
"""Rows of the table that shows a state without a picture."""


class MaximalPanel(ProbingPanel):
    """What excites this neuron most?"""

    QUESTION = "What excites this neuron most?"
    PROMISE = (
        "Press “Find the state”: the state that makes this neuron largest, and whether that is proved; a few seconds."
    )
    LATER = ("restarts",)
    PARTS = ({"part": "state"}, {"part": "cells"})
    KIND = Maximum
    SETTINGS = ("restarts",)

    def setup(self) -> None:
        """Controls: neuron, starts of a search; find, open in the editor, save, load."""
        super().setup()
        self.session.observe(self._tell, "live")

    def first_answers(self) -> dict[str, Any]:
        """Eight starts, as ``maximise`` has them."""
        return {"restarts": 8}

    def own_controls(self) -> list[dict[str, Any]]:
        """How hard to search; find it, open it."""
        hint = "Only a neuron whose maximum cannot be computed exactly is searched."
        return [
            {"kind": "number", "name": "restarts", "label": "Starts of a search", "low": 1, "high": 200, "step": 1, "hint": hint},
            {"kind": "button", "name": "find", "label": "Find the state", "strong": True},
            {
                "kind": "button", "name": "open", "label": "Open in editor", "disabled": self.finding is None,
                "hint": "Puts this state into all panels.",
            },
        ]  # fmt: skip

    def code_lines(self) -> tuple[str, ...]:
        """The search by itself."""
        restarts = int(self.answers["restarts"])
        return (
            "from dnnexplain.explain import maximise",
            f"found = maximise(system, policy, {self.session.unit}{self.layer_argument}, restarts={restarts})",
            "print(found.sentence())",
        )

    def find(self) -> None:
        """Look for the state, beside the page."""
        system, policy, session = self.session.system, self.worker_network(), self.session
        neuron, layer, restarts = session.unit, session.ask.layer, int(self.answers["restarts"])

        def work(task: Task) -> Maximum:
            task.progress(None)
            return maximise(
                system, policy, neuron, layer, restarts=restarts, cancel=task.enough, progress=task.progress
            )

        self.stale = False
        self.start(work, self.show, f"Looking for what excites neuron {neuron} most", keeps=True)

    def open_in_editor(self) -> None:
        """Put the state into the session."""
        if self.finding is None:
            msg = "find the state first"
            raise DnnExplainError(msg)
        self.session.open_in_editor(self.finding.state, f"the state that excites neuron {self.finding.neuron} most")

    def show(self, maximum: Maximum) -> None:
        """Draw the state that was found."""
        self.finding = maximum
        system = self.session.system
        words = system.describe(maximum.state)
        if isinstance(system, Pictured):
            seen = system.encode(maximum.state.values[None], maximum.state.background)[0]
            levels = np.clip(np.rint(seen * 255.0), 0, 255).astype(np.uint8)
            self.figure = {"state": {"picture": levels.tobytes(), "words": words}}
        else:
            self.figure = {"cells": self._knobs(maximum)}
        self.badge = _badge(maximum)
        self.show_controls()
        self._tell()

    def on_press(self, name: str) -> None:
        """Find, open, save."""
        if name == "find":
            self.find()
        elif name == "open":
            self.open_in_editor()
        else:
            super().on_press(name)

    def on_neuron(self, *, network: bool) -> None:
        """What was found is about another neuron: look for this one's, if one was asked for at all."""
        if self.finding is None:
            return
        self.finding, self.figure, self.sentence, self.badge = None, {}, "", {}
        self.show_controls()
        if self.on_page and not network:
            self.find()

    def catch_up(self) -> None:
        """The present state may be another one."""
        self._tell()

    def _tell(self, _change: object = None) -> None:
        """The sentence: the maximum, the state in words, and where the neuron is now."""
        result, session = self.finding, self.session
        if result is None or not self.on_page:
            return
        where = f" (read {result.measured})" if result.measured else ""
        text = f"Neuron {result.neuron} reaches {number(result.activation)}{where}: {session.system.describe(result.state)}"
        now = session.live.activations
        if not self.stale and result.layer == self.layer.name and result.neuron < now.size:
            text += f" In the present state it is at {number(now[result.neuron])}."
            outside = outside_valid(session.system, session.state) if now[result.neuron] > result.activation else ""
            text += f" {outside}" if outside else ""
        self.sentence = text

    def _knobs(self, maximum: Maximum) -> dict[str, Any]:
        """The state as a table: each knob that is not at its lowest, or, of many, how many of each group are."""
        pairs = zip(self.session.system.knobs, maximum.state.values, strict=True)
        moved = [(knob, float(value)) for knob, value in pairs if value != knob.low]
        if len(moved) > ROWS:
            return self._groups(maximum)
        rows = [{"label": knob.name, "cells": [{"text": with_unit(value, knob.unit)}]} for knob, value in moved]
        caption = "The state that excites the neuron most; knobs at their lowest are left out"
        return {"caption": caption, "corner": "knob", "columns": ["value"], "rows": rows}

    def _groups(self, maximum: Maximum) -> dict[str, Any]:
        system, values = self.session.system, maximum.state.values
        lifted = values > [knob.low for knob in system.knobs]
        counts = [(name, places, int(lifted[places].sum())) for name, places in objects(system).items()]
        ordered = sorted((count for count in counts if count[2]), key=lambda item: -item[2])
        rows = []
        for name, places, count in ordered[:ROWS]:
            above = [place for place in places if lifted[place]]
            mean = float(values[above].mean())
            alike = len({system.knobs[place].unit for place in places}) == 1
            words = "; ".join(_knob_words(system.knobs[place], float(values[place]), name) for place in places)
            mean_or_each = (
                words if len(places) <= NAMED else with_unit(mean, system.knobs[places[0]].unit) if alike else ""
            )
            cells = [{"text": f"{count} of {len(places)}"}, {"text": mean_or_each}]
            rows.append({"label": name, "cells": cells})
        if len(ordered) > ROWS:
            rows.append({"label": counted(len(ordered) - ROWS, "more group"), "cells": [{"text": ""}, {"text": ""}]})
        left = f"; the first {ROWS} of {len(ordered)} groups" if len(ordered) > ROWS else ""
        caption = f"The state that excites the neuron most: {int(lifted.sum()):,} of {counted(len(values), 'knob')} are above their lowest{left}"
        return {
            "caption": caption,
            "corner": "group",
            "columns": ["knobs above their lowest", "values; of many, the mean of these"],
            "rows": rows,
        }


def _knob_words(knob: Knob, value: float, group: str) -> str:
    """``x 1,030 m`` of the knob ``user 1 x`` in the group ``user 1``."""
    return f"{knob.name.removeprefix(group).strip()} {with_unit(value, knob.unit)}".strip()


def _badge(maximum: Maximum) -> dict[str, Any]:
    limit = "none known" if maximum.bound is None else number(maximum.bound)
    how = "How it was shown" if maximum.proved else "What was not shown"
    figures = [
        {"name": how, "value": maximum.question.method, "meaning": maximum.words},
        {"name": "Neuron", "value": str(maximum.neuron), "meaning": f"read {maximum.measured}" if maximum.measured else "of the layer"},
        {"name": "Weighted input", "value": number(maximum.weighted_input), "meaning": "what the activation function receives, in this state"},
        {"name": "Proven limit", "value": limit, "meaning": "of the weighted input, over all valid states"},
        {"name": "States looked at", "value": f"{maximum.evaluated:,}", "meaning": "parts of states, where the sum over independent parts was used; none but the answer, where it is known in closed form"},
    ]  # fmt: skip
    if maximum.proved:
        return {"level": "green", "text": "Proved: no valid state excites it more", "figures": figures}
    return {"level": "amber", "text": "Searched, not proved", "figures": figures}
