"""Runs over the same work side by side, decision by decision: what every panel that shows episodes shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import (
    DnnExplainError,
    Metric,
    Policy,
    Replay,
    Replayable,
    State,
    System,
    state_from_observation,
)
from dnnexplain.counts import whose
from dnnexplain.explain.decisions.decision import valid_of
from dnnexplain.numbers import as_told, went_wrong
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.timeline import dragged, timeline_figure
from dnnexplain_widgets.words import label, number, with_unit

__all__ = ["Pair", "WatchPanel", "decision_words", "pair_sentence", "run_pair"]


@dataclass(frozen=True, eq=False)
class Pair:
    """The network's and a rule's run over the same work.

    Attributes:
        network, rule: the two runs.
        advice: what the rule would have done in each decision of the network's run ``[T]`` or ``[T, A]``.
        apart: whether that is another decision than the network's ``[T]``.
        optimum: the best plan that is known, where it was asked for.
        called: the other run's name for people: a rule as in menus, a network as it is named.
    """

    network: Replay
    rule: Replay
    advice: NDArray[Any]
    apart: NDArray[np.bool_]
    optimum: Replay | None = None
    called: str = ""

    @property
    def beside(self) -> str:
        """What the other run is called."""
        return self.called or label(self.rule.policy)

    @property
    def disagreements(self) -> NDArray[np.int64]:
        """The decisions of the network's run in which the rule would have done something else."""
        return np.flatnonzero(self.apart)


def run_pair(
    system: Replayable, policy: Policy, rule: Policy, work: Any, *, seed: int = 0, sample: bool = False, task: Task
) -> Pair:
    """Run the network and the rule, and ask the rule about each of the network's decisions."""
    task.progress(0.1, f"Running {policy.name}")
    network = system.replay(policy, work, seed=seed, sample=sample)
    task.progress(0.5, f"Running {label(rule.name)}")
    other = system.replay(rule, work, seed=seed)
    task.progress(0.9, "Comparing their decisions")
    seen = network.observations
    advice = system.output.decide(rule.outputs(seen), valid_of(system, rule, seen))
    called = label(rule.name) if rule.name in system.rules() else rule.name
    return Pair(network, other, advice, ~system.output.same(network.actions, advice), called=called)


class WatchPanel(Panel):
    """A panel that shows runs over the same work, and opens a decision of the network's in the editor."""

    pair: Pair | None = None
    _loads = False

    @property
    def system(self) -> Replayable:
        """The session's system, which can replay.

        Raises:
            DnnExplainError: it cannot.
        """
        system = self.session.system
        if not isinstance(system, Replayable):
            msg = f"{system.name} cannot replay episodes: it has no replay(); see contract.Replayable"
            raise DnnExplainError(msg)
        return system

    def state_at(self, decision: int) -> State:
        """The state of one decision of the network's run, to the bit.

        Raises:
            DnnExplainError: nothing was run yet, or there is no such decision.
        """
        if self.pair is None:
            msg = "run an episode first"
            raise DnnExplainError(msg)
        seen = self.pair.network.observations
        if not 0 <= decision < len(seen):
            msg = f"this episode has decisions 1 to {len(seen)}, not {decision + 1}"
            raise DnnExplainError(msg)
        return state_from_observation(self.system, seen[decision])

    def watch(self, pair: Pair, *others: Replay) -> dict[str, Any]:
        """Take a pair (and further runs below it) to the page, at the decision where they part first.

        Returns:
            The figure of the timeline part.
        """
        self.pair = pair
        apart = pair.disagreements
        self.session.observe(self._on_another_state, "state")
        self.set_answers(decision=int(apart[0]) if len(apart) else 0, opened=-1)
        runs, metrics = (pair.network, pair.rule, *others), spec_of(self.system).metrics
        names = (pair.network.policy, pair.beside, *(label(other.policy) for other in others))
        return timeline_figure(runs, apart, flags(pair, others), metrics, names) | dragged(self.system, pair.network)

    def on_press(self, name: str) -> None:
        """Take the present decision to the editor: for good, or while a mark of it is dragged."""
        if name == "open":
            self.open_decision()
        elif name == "hold":
            self.hold_decision()

    def step_to(self, decision: int) -> None:
        """The scrubber moved: the editor follows if it is asked to."""
        if self.pair is not None and self.answers.get("follow"):
            self._load(decision)

    def hold_decision(self) -> None:
        """A mark of the present decision was taken hold of in the timeline: the editor gets its state, which the drag then changes."""
        self.session.want("decision")
        self._load(int(self.answers["decision"]))

    def open_decision(self) -> None:
        """Load the present decision into the editor, and so into every other panel."""
        self._load(int(self.answers["decision"]), said=True)

    def _load(self, decision: int, *, said: bool = False) -> None:
        state = self.state_at(decision)
        self._loads = True
        try:
            if said:
                self.session.open_in_editor(state, f"decision {decision + 1} of the network's run")
            else:
                self.session.state = state
        finally:
            self._loads = False
        self.set_answers(opened=decision)

    def _on_another_state(self, _change: object) -> None:
        """A state was loaded from elsewhere: what the editor has is no decision of these runs any more, moved or not."""
        if not self._loads and not self.session.by_hand and self.answers.get("opened", -1) >= 0:
            self.set_answers(opened=-1)

    def watch_controls(self) -> list[dict[str, Any]]:
        """Controls that take a decision to the editor; none before there is a run."""
        if self.pair is None:
            return []
        explain = "Load this decision into the editor; the other panels explain it."
        return [
            {"kind": "button", "name": "open", "label": "Open in editor", "hint": explain},
            {"kind": "check", "name": "follow", "label": "Editor follows", "hint": "Load each decision into the editor as you step."},
        ]  # fmt: skip


def flags(pair: Pair, others: Sequence[Replay]) -> list[tuple[int, str]]:
    """The decisions of the network's run where it first leaves the others, with words for the chart."""
    apart = pair.disagreements
    marks = [(int(apart[0]), f"parts from {pair.beside}")] if len(apart) else []
    for other in others:
        at = first_other_start(pair.network, other)
        if at is not None:
            marks.append((at, f"parts from the {other.policy}"))
    return marks


def first_other_start(run: Replay, other: Replay) -> int | None:
    """The first decision of a run that starts an object at another time than a schedule does, if any."""
    if run.objects != other.objects:
        return None
    placed = np.flatnonzero(run.chosen >= 0)
    objects = run.chosen[placed]
    apart = placed[run.start[objects] != other.start[objects]]
    return int(apart[0]) if len(apart) else None


def pair_sentence(pair: Pair, metrics: Sequence[Metric] = ()) -> str:
    """How the two did, what went wrong by the system's metrics included."""
    first, second = pair.network, pair.rule
    name, (ours, others) = as_told(first.cost_name, first.cost, second.cost)
    if second.cost > 0 and name == first.cost_name:  # what is earned has the other sign: no share of a cost
        change = (first.cost - second.cost) / second.cost
        beside = f", {number(abs(100 * change))}% {'below' if change < 0 else 'above'} {whose(pair.beside)} {number(second.cost)}"
    else:
        beside = f" against {whose(pair.beside)} {number(others)}"
    runs = ((first.policy, first), (pair.beside, second))
    parts = [f"{who}: {said}" for who, run in runs if (said := went_wrong(metrics, run.metrics))]
    wrong = f" {_capital('; '.join(parts))}." if parts else ""
    return f"{_capital(name)} of {first.policy}: {number(ours)}{beside}.{wrong}"


def decision_words(system: System, pair: Pair, decision: int, *others: Replay) -> str:
    """One decision of the network's run, beside the rule's advice and the schedules in ``others``."""
    space, run = system.output, pair.network
    where = f"Decision {decision + 1}, at {with_unit(float(run.times[decision]), run.time_unit)}"
    took = run.actions[decision]
    chosen = int(run.chosen[decision])
    placed = f" ({run.objects[chosen]})" if chosen >= 0 else ""
    rule = pair.beside
    if not pair.apart[decision]:
        text = f"{where}: both {space.act(took)}{placed}."
    else:
        advice = space.act(pair.advice[decision])
        text = f"{where}: the network {space.acts(took)}{placed}, {rule} would {advice}."
    return " ".join([text, *(_start_words(run, other, chosen) for other in others)]).strip()


def _start_words(run: Replay, other: Replay, chosen: int) -> str:
    """When a schedule starts the object that a decision placed, where that is another time."""
    if (
        chosen < 0
        or run.objects != other.objects
        or run.start[chosen] == other.start[chosen]
        or not np.isfinite(run.start[chosen])
    ):
        return ""
    times = [with_unit(float(item.start[chosen]), run.time_unit) for item in (run, other)]
    return f"{_capital(run.objects[chosen])} starts at {times[0]} there, in the {other.policy} at {times[1]}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
