"""Hold a neuron at a value: what changes in the decision here, and in the cost of whole episodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dnnexplain.contract import Discrete, EpisodeSystem, Replayable
from dnnexplain.counts import counted
from dnnexplain.explain.attribution.sentences import number as in_words
from dnnexplain.explain.probing.intervention import CostEffect, NeuronEffect, effect_on_cost, intervene, intervene_each
from dnnexplain.explain.probing.states_met import families
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.intervention_figures import cost_row, outcome_row
from dnnexplain_widgets.panels.probing import ProbingPanel
from dnnexplain_widgets.words import number, probability, with_unit

__all__ = ["InterventionPanel"]

OUTPUTS = 8
"""Outputs of a vector that are shown, those that move most."""
NEURONS = 12
"""Neurons in the list of all silenced in turn, those that matter most."""
_MOST_HELD = 1e6


class InterventionPanel(ProbingPanel):
    """What if this neuron were silent? A correlation proves nothing; holding the neuron fixed does."""

    QUESTION = "What if this neuron were silent?"
    LATER = ("sets", "seed")
    PARTS = ({"part": "changes"}, {"part": "cells"})
    WANTS = ("decision", "neurons")
    KIND = CostEffect

    def setup(self) -> None:
        """Controls: neuron, value; the episodes."""
        system = self.session.system
        self.families = families(system)
        self.effect: NeuronEffect | None = None
        self.each: tuple[NeuronEffect, ...] = ()
        super().setup()
        self.session.observe(self._on_live, "live")
        self.refresh()

    def first_answers(self) -> dict[str, Any]:
        """Silence; forty workloads of the first family."""
        return {"held": 0.0, "workload": next(iter(self.families), ""), "sets": 40, "seed": 0}

    def own_controls(self) -> list[dict[str, Any]]:
        """The value, and which episodes to run."""
        low = 0.0 if self.layer.rectified else -_MOST_HELD
        controls: list[dict[str, Any]] = [
            {"kind": "number", "name": "held", "label": "Keep it at", "low": low, "high": _MOST_HELD, "hint": "0 silences it."},
            {"kind": "button", "name": "each", "label": "Each neuron in turn", "hint": "Hold every neuron of the layer at this value, one at a time, in the present state."},
        ]  # fmt: skip
        if isinstance(self.session.system, EpisodeSystem):
            if self.families:
                options = [[name, name] for name in self.families]
                label = "Episodes of" if self._episodic else "Workloads of"
                controls.append({"kind": "select", "name": "workload", "label": label, "options": options})
            run = "Run episodes" if self._episodic else "Run workloads"
            controls += [
                {"kind": "number", "name": "sets", "label": "Workloads", "low": 2, "high": 5000, "step": 1},
                {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
                {"kind": "button", "name": "run", "label": run, "strong": True, "hint": "With and without the neuron, over the same workloads."},
            ]  # fmt: skip
        return controls

    def code_lines(self) -> tuple[str, ...]:
        """The intervention by itself."""
        answers, held = self.answers, float(self.answers["held"])
        lines = [
            "from dnnexplain.explain import effect_on_cost, intervene",
            f"here = intervene(system, policy, state, {self.session.unit}, value={held!r}{self.layer_argument})",
            "print(here.sentence())",
        ]
        if isinstance(self.session.system, EpisodeSystem):
            sets, seed = int(answers["sets"]), int(answers["seed"])
            lines += [
                f"workloads = system.workloads({answers['workload']!r}, {sets}, seed={seed})",
                f"found = effect_on_cost(system, policy, {self.session.unit}, workloads, value={held!r}, seed={seed}{self.layer_argument})",
                "print(found.sentence())",
            ]
        return tuple(lines)

    @property
    def _episodic(self) -> bool:
        """Whether workloads are whole episodes of many decisions, rather than one decision each."""
        system = self.session.system
        return isinstance(system, Replayable) or isinstance(system.output, Discrete)

    # --- here and now ---

    def refresh(self) -> None:
        """The decision in the present state with the neuron held; three forward passes."""
        if not self.has_network:
            return
        session = self.session
        self.effect = intervene(
            session.system, session.policy, session.state, session.unit,
            value=float(self.answers["held"]), layer=session.ask.layer,
        )  # fmt: skip
        self._draw()

    def silence_each(self) -> None:
        """Hold every neuron in turn, beside the page; the list says which of them change the decision."""
        session, policy = self.session, self.worker_network()
        system, state, layer, held = session.system, session.state, session.ask.layer, float(self.answers["held"])

        def work(task: Task) -> tuple[NeuronEffect, ...]:
            return intervene_each(system, policy, state, value=held, layer=layer, progress=task.progress)

        self.start(work, self._show_each, "Holding each neuron in turn", part=True)

    # --- over episodes ---

    def run(self) -> None:
        """Run the same workloads with and without the neuron, beside the page."""
        session, answers, policy = self.session, self.answers, self.worker_network()
        system: Any = session.system
        neuron, layer, held = session.unit, session.ask.layer, float(answers["held"])
        name, sets, seed = str(answers["workload"]), int(answers["sets"]), int(answers["seed"])

        def work(task: Task) -> CostEffect:
            workloads = system.workloads(name, sets, seed)
            return effect_on_cost(
                system, policy, neuron, workloads, value=held, layer=layer, seed=seed, progress=task.progress
            )

        self.stale = False
        self.start(work, self.show, f"Running {counted(sets, 'workload')} with and without neuron {neuron}")

    def show(self, effect: CostEffect) -> None:
        """Draw a change of cost, computed just now or saved before."""
        self.finding = effect
        self.show_controls()
        self._draw()

    # --- what the user does ---

    def on_answer(self, name: str, value: Any) -> None:
        """Another value, a neuron of the list."""
        if name in {"held", "workload", "sets", "seed"}:
            self._forget()
            self.refresh()
        elif name == "chosen" and value and self.each:
            self.session.unit = self._ordered()[int(value[0])].neuron
        else:
            super().on_answer(name, value)

    def on_press(self, name: str) -> None:
        """Run, silence each, save."""
        actions = {"run": self.run, "each": self.silence_each}
        if name in actions:
            actions[name]()
        else:
            super().on_press(name)

    def on_neuron(self, *, network: bool) -> None:
        """What was run is about another neuron."""
        if network or (self.each and self.each[0].layer != self.layer.name):
            self.each = ()
        self._forget()
        if self.on_page:
            self.refresh()

    def catch_up(self) -> None:
        """The present state may be another one."""
        self.refresh()

    def _on_live(self, _change: object) -> None:
        self.each = ()
        if self.on_page and self.has_network:
            self.guarded(self.refresh)

    def _forget(self) -> None:
        if self.finding is not None:
            self.finding, self.badge = None, {}
            self.show_controls()

    # --- drawing ---

    def _draw(self) -> None:
        effect = self.effect
        if effect is None:
            return
        changes = [*outcome_row(effect), self._decision(effect)]
        words = effect.sentence()
        if self.finding is not None:
            changes.append(cost_row(self.finding))
            words = f"{words} {self.finding.sentence()}"
        figure: dict[str, Any] = {"changes": changes}
        if self.each:
            figure["cells"] = self._list()
        with self.hold_sync():
            self.figure = figure
            self.sentence = words

    def _decision(self, effect: NeuronEffect) -> dict[str, Any]:
        system, names = self.session.system, effect.outputs
        before, after = effect.before.probabilities, effect.after.probabilities
        tell: Callable[[float], str] = probability
        marks = ["as it is", f"neuron {effect.neuron} held at {number(effect.held_at)}"]
        if before is None or after is None:
            before, after = effect.before.outputs, effect.after.outputs
            shown = sorted(np.argsort(-np.abs(effect.moved), kind="stable")[:OUTPUTS].tolist())
            low, high = (round(float(x), 9) for x in (min(before.min(), after.min()), max(before.max(), after.max())))
            tell, ends = partial(with_unit, unit=system.output.unit), [number(low), number(high)]
        else:
            shown, low, high, ends = list(range(len(names))), 0.0, 1.0, ["0", "1"]
        rows: list[dict[str, Any]] = [
            {
                "label": names[i], "colour": self.colours.get(names[i]), "from": float(before[i]), "to": float(after[i]),
                "text": f"{tell(float(before[i]))} → {tell(float(after[i]))}",
            }
            for i in shown
        ]  # fmt: skip
        for i, row in zip(shown, rows, strict=True):
            if not effect.before.valid[i]:
                row |= {"from": None, "to": None, "text": "not possible"}
        kind = "Probability" if isinstance(system.output, Discrete) else "Output"
        return {"caption": f"{kind} here, before and after", "low": low, "high": high, "ends": ends, "marks": marks, "rows": rows}  # fmt: skip

    def _show_each(self, each: tuple[NeuronEffect, ...]) -> None:
        self.each = each
        self._draw()
        still = sum(not item.moved.any() for item in each)
        words = self._told_of_each(each)
        rest = f" {still} of {len(each)} change nothing at all." if still else ""
        self.sentence = f"{words}{rest} {self.sentence}"

    def _told_of_each(self, each: tuple[NeuronEffect, ...]) -> str:
        held = number(each[0].held_at)
        if not isinstance(self.session.system.output, Discrete):
            worst = max(each, key=lambda item: abs(item.worse))
            if not worst.outcome:
                return f"Held at {held} alone, these neurons move the outputs most."
            most = f"neuron {worst.neuron} moves the {worst.outcome} most, by {signed(worst.worse)}"
            return (
                f"Held at {held} alone, {most}."
                if worst.worse
                else f"No neuron held at {held} moves the {worst.outcome}."
            )
        flips = [str(item.neuron) for item in each if item.flips]
        if not flips:
            return f"No neuron held at {held} alone changes the decision here."
        return f"Held at {held} alone, each of these neurons changes the decision here: {', '.join(flips)}."

    def _ordered(self) -> list[NeuronEffect]:
        """Those that change the decision first, then those that move the outcome most, or the outputs."""
        moving = [item for item in self.each if item.moved.any()]
        return sorted(moving, key=lambda item: (not item.flips, -abs(item.worse), -float(np.abs(item.moved).max())))[
            :NEURONS
        ]

    def _list(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for item in self._ordered():
            action, chance = item.before.action, item.after.probabilities
            cells: list[dict[str, str]]
            if action is None or chance is None or item.after.action is None:
                most = int(np.abs(item.moved).argmax())
                outcome = [{"text": signed(item.worse)}] if item.outcome else []
                moved = [{"text": item.outputs[most]}, {"text": signed(float(item.moved[most]))}]
                cells = [{"text": number(item.natural)}, *outcome, *moved]
            else:
                cells = [
                    {"text": number(item.natural)},
                    {"text": item.outputs[item.after.action], "note": "changed" if item.flips else ""},
                    {"text": probability(float(chance[action]))},
                ]
            rows.append({"label": f"Neuron {item.neuron}", "cells": cells})
        choice = isinstance(self.session.system.output, Discrete)
        first = self.each[0].before.action
        chosen = "" if first is None else self.each[0].outputs[first]
        measured = [f"{self.each[0].outcome}, change"] if self.each[0].outcome else []
        shown = ["decision", f"probability of {chosen}"] if choice else [*measured, "moves most", "by"]
        columns = ["it is now", *shown]
        caption = f"Each neuron held at {number(self.each[0].held_at)} alone, in this state"
        return {"caption": caption, "corner": "Held", "columns": columns, "rows": rows, "pick": "row"}


def signed(change: float) -> str:
    """A change with its sign."""
    return in_words(change, sign=True)
