"""The way in: what is controlled, how the page is read, and three things to try, each of which is seen when it happens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import traitlets as t

from dnnexplain.contract import Decision, Discrete, NetworkPolicy, System
from dnnexplain.contract.tours import Step
from dnnexplain.explain.verdict.kept import find_standing
from dnnexplain.explain.verdict.optimality import Optimality, judged
from dnnexplain.registry import spec_of
from dnnexplain_widgets.live import Live
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import joined, with_unit

__all__ = ["GuidePanel", "steps_of"]

_READ = (
    "What an object is drawn in is its colour everywhere: in the picture, the bars, the curves.",
    "In a map or a bar of what moved the decision, orange spoke for it, blue against it, grey did not matter.",
    "Words with dotted lines explain themselves: point at them, tap them, or go there with Tab.",
)


def steps_of(system: System, *, network: bool = True) -> tuple[Step, ...]:
    """The three steps of a system's spec, or three that fit any system."""
    given = spec_of(system).tour
    if given:
        return given
    first = Step("Drag an edge or a slider until the network decides otherwise.", "decision")
    second = Step("Wait a second: does the optimum agree with this decision?", "optimum")
    third = Step("Go on dragging until a neuron switches on or off.", "neuron")
    move = Step("Move any slider and see what changes with it.", "move")
    return tuple(filter(None, (move, first, second if judged(system) else None, third if network else None)))[-3:]


class GuidePanel(Panel):
    """Where does one begin?

    Args:
        lead: what is controlled and what the network sees; the spec's if not given.
    """

    page = t.Dict(help="What no step changes: {lead, read, key}.").tag(sync=True)

    QUESTION = "Where does one begin?"
    PARTS = ({"part": "guide"},)
    OPTIONS = ("lead",)
    WANTS = ("decision", "neurons")
    COPYABLE = False
    WRITES = False

    def setup(self) -> None:
        """Begin with the first step."""
        spec = spec_of(self.session.system)
        self.lead = str(self.options.get("lead") or spec.lead or spec.sentence)
        self._assumed = spec.caveats
        self._card, self._card_of = "", None
        self.restart()
        self.session.observe(self._on_live, "live")

    def has_answer(self) -> bool:
        """Nothing in it can be old."""
        return False

    def restart(self) -> None:
        """Forget what was tried."""
        self.steps: Sequence[Step] = steps_of(
            self.session.system, network=isinstance(self.session.policy, NetworkPolicy)
        )
        self.learnt: list[str] = []
        self._began = self.session.live
        self._show()

    def on_press(self, name: str) -> None:
        """Begin again, or leave a step out."""
        if name == "again":
            self.restart()
        elif name == "next":
            self._took("")

    def heard(self, optimality: Optimality | None) -> None:
        """The optimum has judged the present decision."""
        if optimality is not None and self._until() == "optimum":
            self._took(optimality.sentence())

    def _until(self) -> str:
        return self.steps[len(self.learnt)].until if len(self.learnt) < len(self.steps) else ""

    def _on_live(self, _change: object) -> None:
        live, until = self.session.live, self._until()
        if self.session.policy is not self._card_of:
            self._show()
        if live is self._began:
            return
        seen = {"decision": _decided, "neuron": _switched, "move": _moved}.get(until)
        words = seen(self.session.system, self._began, live) if seen is not None else ""
        if words:
            self._took(words)

    def _took(self, words: str) -> None:
        if not self._until():
            return
        learn = self.steps[len(self.learnt)].learn if words else ""
        self.learnt = [*self.learnt, f"{words} {learn}".strip()]
        self._began = self.session.live
        self._show()

    def _show(self) -> None:
        steps = [
            {"say": step.say, "learnt": self.learnt[at] if at < len(self.learnt) else "", "done": at < len(self.learnt)}
            for at, step in enumerate(self.steps)
        ]
        read = [*_READ, *self._assumed, *filter(None, [self._network_card()])]
        self.page = {"lead": self.lead, "read": read, "key": self.session.system.name}
        self.figure = {"steps": steps}

    def _network_card(self) -> str:
        """The network's name and how it stands, where that is known."""
        policy = self.session.policy
        if policy is not self._card_of:
            self._card_of = policy
            network = isinstance(policy, NetworkPolicy)
            known = find_standing(self.session.system, policy) if network else None
            self._card = f"{policy.name}: {known.sentence()}" if known is not None else ""
        return self._card


def _moved(system: System, before: Live, now: Live) -> str:
    """The knobs that were moved, with their values; empty if none was."""
    changed = np.flatnonzero(~np.isclose(before.state.values, now.state.values))
    if not len(changed):
        return ""
    named = changed[:2] if len(changed) <= 2 else changed[-1:]  # of many at once, as of a whole history, the newest
    words = [
        f"{system.knobs[at].name} is now {with_unit(float(now.state.values[at]), system.knobs[at].unit)}"
        for at in named
    ]
    rest = len(changed) - len(named)
    return f"{_capital(joined(words))}{f', {rest} more moved with it' if rest else ''}."


def _decided(system: System, before: Live, now: Live) -> str:
    """The other decision, and the knob at which it was made."""
    if before.decision is None or now.decision is None or not _moved(system, before, now):
        return ""
    if _same(system, before.decision, now.decision):
        return ""
    where = _moved(system, before, now).rstrip(".")
    if isinstance(system.output, Discrete):
        first, other = (int(done.action or 0) for done in (before.decision, now.decision))
        return f"{where}, and the network {system.output.acts(other)}; before, it would {system.output.act(first)}."
    return f"{where}, and the network decides otherwise."


def _same(system: System, decision: Decision, other: Decision) -> bool:
    if isinstance(system.output, Discrete):
        return decision.action == other.action
    valid = None
    acts = [system.output.decide(np.asarray(each.outputs)[None], valid) for each in (decision, other)]
    return bool(np.all(system.output.same(*acts)))


def _switched(_system: System, before: Live, now: Live) -> str:
    """Which neurons switched, the largest change first."""
    if before.activations.shape != now.activations.shape or not now.activations.size:
        return ""
    on, off = now.activations > 0, before.activations > 0
    changed = np.flatnonzero(on != off)
    if not len(changed):
        return ""
    first = int(changed[np.argmax(np.abs(now.activations - before.activations)[changed])])
    rest = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"Neuron {first} turned {'on' if on[first] else 'off'}{rest}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
