"""Linear probes: which facts of the domain can be read off a layer, held against a control task."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Replayable
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.explain.probing.domain_facts import domain_facts, objects_of
from dnnexplain.explain.probing.linear_probes import Fact, Knowledge, ProbedFact, probe_facts
from dnnexplain.explain.probing.states_met import families, visited
from dnnexplain.numbers import percent
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.probing import ProbingPanel
from dnnexplain_widgets.words import joined, number

__all__ = ["KnowledgePanel"]

NAMED = 3
"""Facts that the sentence names."""
MANY = 12
"""Quantities of which all at once would take a minute: the panel begins with one object's."""


class KnowledgePanel(ProbingPanel):
    """What does the layer know?

    Args:
        facts: further facts by name, as functions of knob values ``[S, K]``.
    """

    QUESTION = "What does the layer know?"
    PROMISE = "Press “Probe”: which facts can be read off the layer, and how much better than from a layer with random weights; a few seconds for each object."
    LATER = ("above", "states", "repeats", "seed")
    PARTS = ({"part": "changes"},)
    OPTIONS = ("facts",)
    KIND = Knowledge
    SETTINGS = ("about", "above", "states", "repeats", "seed", "workload")
    NEURON = False

    def setup(self) -> None:
        """Controls: which facts, from how many states; probe, save, load."""
        system = self.session.system
        self.objects = objects_of(system)
        self.families = families(system)
        self.own_facts: dict[str, Fact] = dict(self.options.get("facts") or {})
        shared = next(iter(kinds(system).values()), ())
        self.limited = system.knobs[shared[0]] if shared else None
        super().setup()

    def first_answers(self) -> dict[str, Any]:
        """About the first object, of few quantities the whole state; 600 states, the limit in the middle."""
        limit = 0.0 if self.limited is None else self.limited.snap((self.limited.low + self.limited.high) / 2)
        many = self.limited is not None or len(self.session.system.knobs) > MANY
        about = self.objects[0] if self.objects and many else ""
        workload = next(iter(self.families), "")
        return {"about": about, "above": limit, "states": 600, "repeats": 10, "seed": 0, "workload": workload}

    def own_controls(self) -> list[dict[str, Any]]:
        """Which facts, and from what states."""
        controls: list[dict[str, Any]] = []
        if self.objects:
            every = [["", "all of them" if self.limited is not None else "the whole state"]]
            named = [[name, name] for name in self.objects]
            options = named + every if self.limited is not None else every + named
            controls.append({"kind": "select", "name": "about", "label": "Facts about", "options": options})
        if self.limited is not None:
            kind = next(iter(kinds(self.session.system)))
            knob = self.limited
            controls.append(
                {"kind": "number", "name": "above", "label": f"“{kind} above”", "unit": knob.unit, "low": knob.low, "high": knob.high, "step": knob.step or "any"}
            )  # fmt: skip
        if len(self.families) > 1:
            options = [[name, name] for name in self.families]
            label = "Episodes of" if isinstance(self.session.system, Replayable) else "Workloads of"
            controls.append({"kind": "select", "name": "workload", "label": label, "options": options})
        return [
            *controls,
            {"kind": "number", "name": "states", "label": "States", "low": 40, "high": 20000, "step": 10},
            {"kind": "number", "name": "repeats", "label": "Splits", "low": 2, "high": 100, "step": 1},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "button", "name": "probe", "label": "Probe", "strong": True},
        ]

    def code_lines(self) -> tuple[str, ...]:
        """The probes by themselves."""
        options = self._options()
        return (
            "from dnnexplain.explain import domain_facts, probe_facts, visited",
            f"seen = visited(system, policy, {options['states']}, workload={options['workload']!r}, seed={options['seed']})",
            f"facts = domain_facts(system, seen.observations, about={options['about']!r}, above={options['above']!r})",
            f"found = probe_facts(system, policy, seen.states(system), facts, repeats={options['repeats']}, seed={options['seed']}{self.layer_argument})",
            r"print(*found.sentences(), sep='\n')",
        )

    def probe(self) -> None:
        """Collect states, train the probes, beside the page."""
        system, policy, options = self.session.system, self.worker_policy(), self._options()
        layer, own = self.session.ask.layer, self.own_facts

        def work(task: Task) -> Knowledge:
            task.progress(None, "Collecting states")
            seen = visited(system, policy, options["states"], workload=options["workload"], seed=options["seed"])
            facts: dict[str, Fact] = dict(
                domain_facts(system, seen.observations, about=options["about"], above=options["above"])
            )
            facts |= own
            if not facts:
                msg = "none of these facts holds in some of the states and not in others; ask about another object or limit"
                raise DnnExplainError(msg)

            def tell(fraction: float) -> None:
                place = min(int(fraction * len(facts)), len(facts) - 1)
                task.progress(fraction, f"Probing “{list(facts)[place]}”")

            return probe_facts(
                system, policy, seen.states(system), facts,
                layer=layer, repeats=options["repeats"], seed=options["seed"], progress=tell,
            )  # fmt: skip

        self.stale = False
        self.start(work, self.show, "Collecting states")

    def show(self, knowledge: Knowledge) -> None:
        """Draw probes, trained just now or saved before."""
        self.finding = knowledge
        ordered = sorted(knowledge.facts, key=lambda fact: -np.nan_to_num(fact.selectivity, nan=-1.0))
        self.figure = {
            "changes": [
                {
                    "caption": "Accuracy of a probe per fact, beside its control task",
                    "low": 0.5,
                    "high": 1.0,
                    "ends": ["0.5, guessing,", "1"],
                    "marks": ["learnt by heart (control task)", "read off the layer"],
                    "rows": [_row(fact, knowledge.level) for fact in ordered],
                }
            ]
        }
        known = [fact.name for fact in ordered if fact.low > 0]
        unknown = [fact.name for fact in ordered if not fact.note and not fact.low > 0]
        skipped = [f"{fact.name} ({fact.note})" for fact in ordered if fact.note]
        parts = [
            f"Layer {knowledge.layer} holds {_listed(known)}."
            if known
            else f"Layer {knowledge.layer} holds none of these."
        ]
        if unknown:
            parts.append(f"Not told apart from what a probe learns by heart: {_listed(unknown)}.")
        if skipped:
            parts.append(f"Not probed: {'; '.join(skipped)}.")
        self.sentence = f"{' '.join(parts)}"
        self.badge = _badge(knowledge)
        self.show_controls()

    def on_press(self, name: str) -> None:
        """Probe, save."""
        if name == "probe":
            self.probe()
        else:
            super().on_press(name)

    def on_neuron(self, *, network: bool) -> None:
        """Of another layer or network nothing is known yet."""
        if self.finding is not None and (network or self.finding.layer != self.layer.name):
            self.finding, self.figure, self.badge = None, {}, {}
            self.sentence = "Another network or layer was chosen; press Probe."
            self.show_controls()

    def _options(self) -> dict[str, Any]:
        answers = self.answers
        return {
            "about": str(answers["about"]),
            "above": None if self.limited is None else float(answers["above"]),
            "states": int(answers["states"]),
            "repeats": int(answers["repeats"]),
            "seed": int(answers["seed"]),
            "workload": str(answers["workload"]),
        }


def _row(fact: ProbedFact, level: float) -> dict[str, Any]:
    if fact.note:
        return {"label": fact.name, "from": None, "to": None, "text": "not probed", "hint": fact.note}
    interval = f"{number(fact.low)} to {number(fact.high)}"
    return {
        "label": fact.name, "from": fact.control, "to": fact.accuracy,
        "text": f"{number(fact.control)} → {number(fact.accuracy)}",
        "hint": f"{fact.sentence()} Interval at {100 * level:.3g}%: {interval}. It holds in {percent(fact.share)} of the states.",
    }  # fmt: skip


def _badge(knowledge: Knowledge) -> dict[str, Any]:
    probed = [fact for fact in knowledge.facts if not fact.note]
    clear = sum(fact.low > 0 for fact in probed)
    level = "grey" if not probed else "green" if clear == len(probed) else "amber"
    figures = [
        {
            "name": fact.name,
            "value": f"selectivity {number(fact.selectivity)} ({number(fact.low)} to {number(fact.high)})",
            "meaning": fact.sentence(),
        }
        for fact in probed
    ]
    text = f"{clear} of {counted(len(probed), 'fact')} clearly above {'its' if len(probed) == 1 else 'their'} control, {counted(knowledge.states, 'distinct state')}, {counted(knowledge.repeats, 'split')}"
    return {"level": level, "text": text, "figures": figures}


def _listed(names: list[str]) -> str:
    """The first facts one after another, as the figure has all; those with commas of their own in quotation marks."""
    shown = [f"“{name}”" for name in names] if any("," in name for name in names) else names
    return joined([*shown[:NAMED], f"{len(names) - NAMED:,} more"] if len(names) > NAMED + 1 else shown)
