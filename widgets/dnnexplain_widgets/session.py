"""What the panels of one page share: a state, a policy, what is asked about them, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from dnnexplain.contract import (
    Choice,
    Discrete,
    DnnExplainError,
    Flowing,
    NetworkPolicy,
    Policy,
    State,
    System,
    state_from_values,
)
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.explain.networks.hooks import layers, network_of
from dnnexplain.explain.probing.responses import Response
from dnnexplain.explain.probing.thresholds import Curves
from dnnexplain_widgets.background_map import LateMap
from dnnexplain_widgets.history import History
from dnnexplain_widgets.hub import Hub
from dnnexplain_widgets.inpage import in_page_if_small
from dnnexplain_widgets.live import Ask, Live, compute
from dnnexplain_widgets.messages import about, live_message, scene
from dnnexplain_widgets.moves import valid_values
from dnnexplain_widgets.sentences import sentences
from dnnexplain_widgets.words import error_sentence

__all__ = ["MANY", "Session", "telling_unit"]

MANY = 1000
"""Knobs from which what is made of all of them at each step takes long enough to be avoided."""


class Session(t.HasTraits):
    """A system, a policy and a state, explained as they change.

    Panels that are given the same session show the same state and never know one another::

        session = Session(system, policy)
        display(StateEditor(session=session), DecisionPanel(session=session))

    Setting ``state``, ``policy``, ``ask`` or ``unit`` computes the light explanations once, in
    :attr:`live`, and sends them to the page as one message.

    Args:
        system: the world.
        policy: the network (or any policy) that is explained.
        state: where to start; the knobs' defaults if not given.
        rules: names of the rules to compare with; all of the system's if not given.

    Raises:
        DnnExplainError: a state of another system, an unknown rule.
    """

    state = t.Instance(State, help="What is decided in; setting it adds to the history.")
    policy = t.Any(help="The policy that is explained.")
    ask = t.Instance(Ask, help="What is computed at each step.")
    unit = t.Int(0, help="The neuron whose curves are shown, counted from 0.")
    theme = t.Enum(("auto", "light", "dark"), "auto", help="The user's wish; auto follows the host.")
    section = t.Unicode(help="The key of the section of the page that is open.")
    live = t.Instance(Live, help="The explanations of the present state.")

    def __init__(
        self, system: System, policy: Policy, state: State | None = None, *, rules: Sequence[str] | None = None
    ) -> None:
        super().__init__()
        self.system = system
        self.history = History()
        self.stamp = 0
        self.keeper: Callable[[], str] | None = None
        """Writes the link by which the page opens again as it is; see :meth:`keep_link`."""
        self.adopt: Callable[[str, Policy], None] | None = None
        """Takes a policy among those to choose from, under a name, and explains it; whoever has a list of them sets it."""
        self.bring: Callable[[str], object] | None = None
        """Makes a panel, opens its section and gives it back, by the name of its class; whoever has sections sets it."""
        self.at_hand: frozenset[str] = frozenset()
        """Names of the panels that :attr:`bring` can make."""
        self.by_hand = False
        """Whether the change of state that goes on was made by moving a knob on the page, and not by loading a state."""
        self._moved = False  # the present state came by hand
        self._linked: tuple[Any, ...] = ()
        self._hub: Hub | None = None
        self._late = LateMap()
        self._quiet = True
        self.policy = policy
        self.state = self._checked(state if state is not None else state_from_values(system, {}))
        self.ask = Ask(parts=frozenset(), sweep=_first_kind(system), rules=_rules_of(system, rules))
        self.live = compute(system, policy, self.state, self.ask)
        self._quiet = False

    # --- what the panels use ---

    @property
    def hub(self) -> Hub:
        """The page's side of the session, made when the first panel is shown."""
        if self._hub is None:
            self._hub = Hub(scene=scene(self.system), theme=self.theme)
            self._hub.network = in_page_if_small(self.system, self.policy)
            self._hub.about = about(self.policy)
            self._hub.show(self._message(self.live), self.state.background)
            self._hub.observe(self._on_wish, "wish")
            self._hub.observe(self._on_travel, "travel")
        return self._hub

    def keep_link(self, keeper: Callable[[], str]) -> None:
        """Have the page told, from now on, the link by which it opens again as it is."""
        self.keeper = keeper
        self._send()

    def want(self, *parts: str) -> None:
        """Have parts of :data:`live.PARTS` computed at each step from now on."""
        wanted = self.ask.parts | set(parts)
        if wanted == self.ask.parts:
            return
        first_neurons = "neurons" in wanted - self.ask.parts
        self.ask = replace(self.ask, parts=wanted)
        if first_neurons and self.live.curves is not None:
            self.unit = telling_unit(self.live.curves)

    def question(self, **changes: Any) -> None:
        """Change what is asked: ``session.question(target="logit", method="integrated-gradients")``."""
        known = Ask.__dataclass_fields__
        for name in changes:
            if name not in known:
                raise Choice("question", name, tuple(known)).error()
        self.ask = replace(self.ask, **changes)

    def move(
        self, values: NDArray[np.float64], *, settled: bool = True, before: NDArray[np.float64] | None = None
    ) -> None:
        """Put all knobs at values ``[K]``, repaired to the nearest valid ones.

        While a drag goes on (``settled`` false) the history keeps only the state before it. ``before`` are the
        values that the drag began with, if they are not the present ones: against them a knob has moved.
        """
        wanted = np.asarray(values, dtype=np.float64)
        if wanted.shape != self.state.values.shape or not np.isfinite(wanted).all():
            msg = f"{self.system.name} needs {len(self.system.knobs)} finite knob values, not {wanted.tolist()}"
            raise DnnExplainError(msg)
        begun = self.state.values if before is None or before.shape != wanted.shape else before
        moved = State(valid_values(self.system, wanted, begun), self.state.background)
        with self.history.drag(settled=settled):
            self.state = moved

    def open_in_editor(self, state: State, what: str) -> None:
        """Load a state that a panel found; the page shows the editor, and says what was opened: ``"decision 31"``."""
        self.state = state
        if self._hub is not None:
            self._hub.loaded_state = {"count": self._hub.loaded_state.get("count", 0) + 1, "what": what}

    def show_panel(self, name: str) -> object:
        """Have a panel brought into sight, by the name of its class: ``"TransferPanel"``; the panel, if the page has it."""
        panel = None if self.bring is None else self.bring(name)
        if self._hub is not None:
            self._hub.goto = {"count": self._hub.goto.get("count", 0) + 1, "panel": name}
        return panel

    def close(self) -> None:
        """Stop what is made for later, hear of nothing any more, and free what the page has of the session."""
        self._late.jobs.cancel()
        self.unobserve_all()
        if self._hub is not None:
            self._hub.unobserve_all()
            self._hub.close()

    def undo(self) -> None:
        """Back to the state before."""
        self._travel(self.history.undo(self.state))

    def redo(self) -> None:
        """Forward again."""
        self._travel(self.history.redo(self.state))

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the network's hidden layers; none for a rule."""
        if not isinstance(self.policy, NetworkPolicy):
            return ()
        available = layers(network_of(self.policy), self.system.observation_shape)
        return tuple(layer.name for layer in available if not layer.last) or tuple(layer.name for layer in available)

    # --- how it stays up to date ---

    def _checked(self, state: State) -> State:
        if state.values.shape != (len(self.system.knobs),):
            msg = f"{self.system.name} has {counted(len(self.system.knobs), 'knob')}, the state has {state.values.shape}; was it made for another system?"
            raise DnnExplainError(msg)
        return state

    @t.validate("state")
    def _valid_state(self, proposal: Mapping[str, Any]) -> State:
        return self._checked(proposal["value"])

    @t.observe("state")
    def _on_state(self, change: Mapping[str, Any]) -> None:
        if self._quiet:
            return
        if isinstance(change["old"], State):
            self.history.note(change["old"])
        self._moved = self.by_hand
        self._refresh()

    @t.observe("policy", "ask")
    def _on_question(self, change: Mapping[str, Any]) -> None:
        if self._quiet:
            return
        if self._hub is not None and change["name"] == "policy":
            self._hub.network = in_page_if_small(self.system, self.policy)
            self._hub.about = about(self.policy)
        self._refresh()

    @t.observe("unit")
    def _on_unit(self, _change: Mapping[str, Any]) -> None:
        self._send()

    @t.observe("theme")
    def _on_theme(self, _change: Mapping[str, Any]) -> None:
        if self._hub is not None:
            self._hub.theme = self.theme

    def _travel(self, state: State | None) -> None:
        if state is not None:
            with self.history.paused():
                self.state = state

    def _refresh(self) -> None:
        ask = self._late.now(self.policy, self.ask)
        live = compute(self.system, self.policy, self.state, ask)
        self._late.note(ask, live)
        if live.activations.size and self.unit >= live.activations.size:
            self.unit = 0
        if self._hub is not None:
            self._hub.show(self._message(live), live.state.background)  # before panels that compute more hear of it
        self.live = live
        if ask is not self.ask:
            self._late.make(self.system, self.state, self.ask, partial(self._join, self.ask))

    def _join(self, ask: Ask, late: Live) -> None:
        """The map of the present state has come after the rest; one that answers an earlier question is left out."""
        same = all(getattr(ask, name) == getattr(self.ask, name) for name in ("target", "method", "baseline"))
        if same and late.state is self.live.state:
            failures = {**self.live.failures, **late.failures}
            joined = replace(self.live, attribution=late.attribution, failures=failures)
            if self._hub is not None:
                self._hub.show(self._message(joined), joined.state.background)
            self.live = joined

    def _send(self) -> None:
        if self._hub is not None:
            self._hub.show(self._message(self.live), self.live.state.background)

    def _message(self, live: Live) -> dict[str, Any]:
        words = sentences(self.system, live, self.unit, self.ask)
        message = live_message(live, self.unit, self.stamp, words)
        if self.keeper is not None and not self.history.dragging and not self._page_knows_link():
            message["link"], self._linked = self.keeper(), self._beside_knobs()
        if live.curves is not None:
            places = {knob.name: index for index, knob in enumerate(self.system.knobs)}
            swept = zip(message.pop("sweptKnobs"), live.curves.values, strict=True)
            message["swept"] = [[places[name], len(grid), float(grid[0]), float(grid[-1])] for name, grid in swept]
        choices = {name: getattr(self.ask, name) for name in ("target", "method", "layer", "sweep")}
        message["ask"] = {**choices, "parts": sorted(self.ask.parts)}
        return message

    def _beside_knobs(self) -> tuple[Any, ...]:
        """What a link holds beside the knobs."""
        return self.policy, self.ask, self.unit

    def _page_knows_link(self) -> bool:
        """Whether the page can make the link of this step from the last one: packing very many knobs takes a second.

        It can where knobs were moved by hand and nothing else, however often the step is told.
        """
        return self._moved and len(self.system.knobs) > MANY and self._linked == self._beside_knobs()

    def _on_travel(self, change: Mapping[str, Any]) -> None:
        """Undo and redo by keyboard: the page counts, so that two quick presses are two steps."""
        for way, step in (("undo", self.undo), ("redo", self.redo)):
            for _ in range(int(change["new"].get(way, 0)) - int(change["old"].get(way, 0))):
                step()

    def _on_wish(self, change: Mapping[str, Any]) -> None:
        wish = change["new"]
        self.stamp = int(wish["stamp"])
        before = self.live
        self.by_hand = True
        try:
            begun = np.array(wish.get("from", []), dtype=np.float64)
            self.move(np.array(wish["values"], dtype=np.float64), settled=bool(wish["settled"]), before=begun)
        except DnnExplainError as error:
            self.live = replace(self.live, failures={**self.live.failures, "all": error_sentence(error)})
        finally:
            self.by_hand = False
        if self.live is before or "all" in self.live.failures:
            self._send()  # the page waits for an answer to this stamp even if nothing changed


def telling_unit(curves: Curves) -> int:
    """The neuron to begin with: it is switched by the most knobs, and moves most among those that are."""
    switched = [
        (labels == Response.DEAD).any(axis=1) & (labels != Response.DEAD).any(axis=1) for labels in curves.labels
    ]
    spread = np.max([np.ptp(values, axis=1) for values in curves.activation], axis=0)
    return int(np.lexsort((spread, np.sum(switched, axis=0)))[-1])


def _first_kind(system: System) -> str:
    """The kind of knob that curves run over at first: one that several objects share, else the first knob."""
    if isinstance(system, Flowing):
        return str(max((system.knobs[knob] for knob in system.graph.knobs), key=lambda knob: knob.start).name)
    shared = kinds(system)
    return next(iter(shared), system.knobs[0].name if system.knobs else "")


def _rules_of(system: System, names: Sequence[str] | None) -> tuple[str, ...]:
    if not isinstance(system.output, Discrete):
        return ()
    known = tuple(system.rules())
    for name in names or ():
        if name not in known:
            raise Choice("rule", name, known).error()
    return known if names is None else tuple(names)
