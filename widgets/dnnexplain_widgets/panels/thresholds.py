"""Neuron by object: which neuron is switched by whose length, with the curve and the surface behind a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError, Policy, State
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweeps import Others, kinds, knob_index
from dnnexplain.explain.probing.neurons import check_neuron
from dnnexplain.explain.probing.threshold_maps import (
    Census,
    Surface,
    ThresholdMap,
    census,
    largest_knobs,
    surface,
    threshold_map,
)
from dnnexplain.twins import worker_copy
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.probing import ProbingPanel
from dnnexplain_widgets.panels.threshold_words import cell_of, census_cells, close_up, held_note, surface_figure

__all__ = ["ThresholdMapPanel"]

MOST = 30
"""Rows; of a layer with more neurons those that show the most thresholds."""

COLUMNS = 48
"""Of a kind with more knobs those that are largest in the present state."""

_PAPER = "The paper's Figure 3b shows a neuron that is off below length 5 and sees no difference above 15."


class ThresholdMapPanel(ProbingPanel):
    """Which neurons are switched by which job's length?

    Args:
        networks: further networks for the count, by name, ready or as functions that load them; those
            that do not fit the system are left out, and the panel says so.
        rows: how many neurons are shown.
    """

    QUESTION = "Which neurons are switched by which object?"
    PARTS = ({"part": "thresholds"}, {"part": "response"}, {"part": "cells"})
    OPTIONS = ("networks", "rows")
    KIND = ThresholdMap
    NEURON = False
    COMPARES = True

    def setup(self) -> None:
        """Controls: kind of knob, the others, the surface's second knob; count over networks."""
        system = self.session.system
        self.kinds = kinds(system)
        if not self.kinds:
            msg = f"no kind of knob of {system.name} is shared by several objects, so there is no map of neurons by objects"
            raise DnnExplainError(msg)
        self.most = int(self.options.get("rows", MOST))
        given: Mapping[str, Policy | Callable[[], Policy]] | None = self.options.get("networks")
        self.networks = dict(given or {})
        self.counted: Census | None = None
        self._counted_words = ""
        self.surface: Surface | None = None
        self.column = 0
        self._drawn: State | None = None
        super().setup()
        self.session.observe(self._on_live, "live")
        if self.has_network:
            self.refresh()

    def first_answers(self) -> dict[str, Any]:
        """The first kind, other objects absent as in the paper's Figure 3b."""
        names = list(self.kinds)
        return {"kind": names[0], "others": Others.EMPTY.value, "second": names[1] if len(names) > 1 else ""}

    def own_controls(self) -> list[dict[str, Any]]:
        """What is swept, what all else is, what the surface's second axis is."""
        options = [[name, name] for name in self.kinds]
        second = [[name, name] for name in self.kinds if name != self.answers["kind"]]
        others = [[Others.EMPTY.value, "absent"], [Others.AS_THEY_ARE.value, "as they are now"]]
        controls = [
            {"kind": "select", "name": "kind", "label": "Switched by", "options": options},
            {"kind": "select", "name": "others", "label": "The other objects", "options": others},
        ]
        if second:
            controls.append({"kind": "select", "name": "second", "label": "Surface with", "options": second})
        hint = "How many neurons of each network show thresholds, beside what the paper reports."
        return [*controls, {"kind": "button", "name": "census", "label": "Count over all networks", "hint": hint}]

    def code_lines(self) -> tuple[str, ...]:
        """The map by itself."""
        kind, others = self.answers["kind"], self.answers["others"]
        given = ", state=state" if others == Others.AS_THEY_ARE else ""
        many = self.kinds and len(self.kinds[kind]) > COLUMNS
        some = f", knobs=largest_knobs(system, {kind!r}, state, {COLUMNS})" if many else ""
        return (
            f"from dnnexplain.explain import {'largest_knobs, ' if many else ''}threshold_map",
            f"found = threshold_map(system, policy, {kind!r}{given}{self.layer_argument}, others={others!r}{some})",
            "print(found.sentence())",
        )

    # --- computing ---

    def refresh(self) -> None:
        """Compute the map, the curve and the surface; two forward passes."""
        session, answers = self.session, self.answers
        kind, others = str(answers["kind"]), Others(str(answers["others"]))
        if kind not in self.kinds:
            raise Choice("kind of knob", kind, tuple(self.kinds)).error()
        state = session.state if others is Others.AS_THEY_ARE else None
        curves = threshold_map(
            session.system, session.policy, kind, state=state, layer=session.ask.layer, others=others,
            knobs=largest_knobs(session.system, kind, session.state, COLUMNS),
        )  # fmt: skip
        self._drawn, self.stale = state, False
        self.question = f"Which neurons are switched by the {kind} of which {self._object()}?"
        self.show(curves)

    def show(self, curves: ThresholdMap) -> None:
        """Draw a map, computed just now or saved before."""
        first = self.finding is None
        self.finding = curves
        self.column = min(self.column, len(curves.knobs) - 1)
        self._find_surface()
        self._draw()
        if first:
            self.show_controls()

    def choose(self, neuron: int, column: int) -> None:
        """Open the curve of a cell, and select its neuron in all panels."""
        if self.finding is None or not 0 <= column < len(self.finding.knobs):
            msg = f"there is no object number {column} in this map"
            raise DnnExplainError(msg)
        chosen, self.column = check_neuron(self.layer, neuron), column
        if chosen == self.session.unit:
            self.on_neuron(network=False)
        else:
            self.session.unit = chosen

    def count(self) -> None:
        """Count thresholds over all networks, beside the page."""
        system, kind = self.session.system, str(self.answers["kind"])
        others = Others(str(self.answers["others"]))
        state = self.session.state if others is Others.AS_THEY_ARE else None
        own, networks = self.worker_policy(), dict(self.networks)

        def work(task: Task) -> tuple[Census, list[str]]:
            fitting, left_out = _fitting(own, networks, task)
            return census(system, fitting, kind, state=state, others=others), left_out

        self.start(work, self._show_count, "Counting thresholds", part=True)

    def on_neuron(self, *, network: bool) -> None:
        """Another neuron: its curve. Another network or layer: another map."""
        if network:
            self._forget_count()
        layer = self.layer.name
        if network or self.finding is None or self.stale or self.finding.curves.layer != layer:
            self.finding = None if network else self.finding
            self.refresh()
        elif self.on_page:
            self._find_surface()
            self._draw()

    def catch_up(self) -> None:
        """Draw what was left out while the panel was hidden."""
        if self.finding is None or (self._drawn is not None and self._drawn != self.session.state):
            self.refresh()
        else:
            self._find_surface()
            self._draw()

    def on_answer(self, name: str, value: Any) -> None:
        """A cell was clicked, or something else is swept."""
        if name == "cell" and value:
            self.choose(int(value[0]), int(value[1]))
        elif name in {"kind", "others", "second"}:
            if name != "second":
                self._forget_count()
            if self.answers["second"] == self.answers["kind"]:
                others = [condition for condition in self.kinds if condition != self.answers["kind"]]
                self.set_answers(second=others[0] if others else "")
                return  # that change of an answer comes back here
            self.show_controls()
            self.refresh()
        else:
            super().on_answer(name, value)

    def on_press(self, name: str) -> None:
        """Count, save."""
        if name == "census":
            self.count()
        else:
            super().on_press(name)

    # --- drawing ---

    def _on_live(self, _change: object) -> None:
        """A map of the present state follows it; one with absent others does not depend on it."""
        follows = self.answers["others"] == Others.AS_THEY_ARE.value and not self.stale
        if follows and self._drawn != self.session.state:
            self._forget_count()
        if follows and self.on_page and self.has_network and self._drawn != self.session.state:
            self.guarded(self.refresh)

    def _find_surface(self) -> None:
        """Two knobs of the chosen object: one forward pass."""
        session, result, second = self.session, self.finding, str(self.answers["second"])
        self.surface = None
        if self.stale or not second or result is None or session.unit >= len(result.turns_on):
            return
        group = session.system.knobs[knob_index(session.system, result.knobs[self.column])].group
        other = [session.system.knobs[i].name for i in self.kinds[second] if session.system.knobs[i].group == group]
        if other:
            self.surface = surface(
                session.system, session.policy, session.unit, result.knobs[self.column], other[0],
                state=self._drawn, layer=session.ask.layer, others=result.curves.others,
            )  # fmt: skip

    def _draw(self) -> None:
        result, session = self.finding, self.session
        assert result is not None
        unit = min(session.unit, len(result.turns_on) - 1)
        neurons = self._rows(result, unit)
        figure: dict[str, Any] = {"thresholds": self._strips(result, neurons, unit)}
        colour = self._colour(result.knobs[self.column])
        figure["curve"] = close_up(result.curves.curve(unit, result.knobs[self.column]), colour)
        if self.surface is not None:
            figure["surface"] = surface_figure(self.surface, session.system, self._drawn)
        if self.counted is not None:
            figure["cells"] = census_cells(self.counted)
        left_out = len(result.turns_on) - len(neurons)
        more = (
            f" {counted(left_out, 'neuron')} with the fewest thresholds {'is' if left_out == 1 else 'are'} not shown."
            if left_out
            else ""
        )
        note = held_note(result.curves, session.system)
        with self.hold_sync():
            self.figure = figure
            if not self.busy:
                words = f"{result.sentence()}{more}{self._of_all(result)} {note}".strip()
                self.sentence = f"{words} {self._counted_words}".strip()

    def _of_all(self, curves: ThresholdMap) -> str:
        """That a map has only some of the knobs of its kind, and what all of them would take."""
        every = len(self.kinds.get(curves.kind, ()))
        if len(curves.knobs) >= every:
            return ""
        return f" Of {every:,} knobs the {len(curves.knobs)} that were largest are shown; knobs=... of threshold_map takes others."

    def _rows(self, curves: ThresholdMap, unit: int) -> list[int]:
        """The neurons that are shown, in their order."""
        if len(curves.turns_on) <= self.most:
            return list(range(len(curves.turns_on)))
        moves = np.max([np.ptp(values, axis=1) for values in curves.curves.activation], axis=0)
        order = np.lexsort((-moves, -curves.shows.sum(axis=1)))[: self.most]
        return sorted({*(int(neuron) for neuron in order[:-1]), unit})

    def _strips(self, threshold_map: ThresholdMap, neurons: list[int], unit: int) -> dict[str, Any]:
        curves = threshold_map.curves
        rows = np.concatenate([values[neurons] for values in curves.activation], axis=1)
        knobs = [
            {"name": name, "label": self._group(name), "colour": self._colour(name)} for name in threshold_map.knobs
        ]  # fmt: skip
        return {
            "corner": "Neuron",
            "knobs": knobs,
            "counts": [len(values) for values in curves.values],
            "neurons": neurons,
            "activation": np.ascontiguousarray(rows, np.float32).tobytes(),
            "cells": [[cell_of(curves.curve(n, name)) for name in threshold_map.knobs] for n in neurons],
            "chosen": [neurons.index(unit), self.column] if unit in neurons else None,
        }

    def _group(self, knob: str) -> str:
        return self.session.system.knobs[knob_index(self.session.system, knob)].group or knob

    def _colour(self, knob: str) -> int | None:
        return self.colours.get(self._group(knob))

    def _object(self) -> str:
        """What the objects have in common: ``"job"`` of ``"job 1"`` and ``"job 2"``."""
        system = self.session.system
        groups = {system.knobs[i].group.rstrip("0123456789 ") for places in self.kinds.values() for i in places}
        return groups.pop() if len(groups) == 1 else "object"

    def _forget_count(self) -> None:
        self.counted, self._counted_words = None, ""

    def _show_count(self, given: tuple[Census, list[str]]) -> None:
        self.counted, left_out = given
        missing = f" Left out: {'; '.join(left_out)}." if left_out else ""
        self._counted_words = f"{self.counted.sentence()} {_PAPER}{missing}"
        self._draw()


def _fitting(
    own: Policy, networks: Mapping[str, Policy | Callable[[], Policy]], task: Task
) -> tuple[list[Policy], list[str]]:
    """The panel's own network and those of the others that can be loaded, without copies."""
    result, left_out = [own], []
    for place, (name, given) in enumerate(networks.items()):
        task.progress(place / len(networks), f"Loading {name}")
        try:
            item: Any = given if hasattr(given, "outputs") else given()
        except DnnExplainError as error:
            left_out.append(f"{name} ({error})")
            continue
        known = {getattr(policy, "checkpoint", None) for policy in result}
        if getattr(item, "module", None) is not None and item.checkpoint not in known:
            result.append(worker_copy(item) if hasattr(item, "copy") else item)
    return result, left_out
