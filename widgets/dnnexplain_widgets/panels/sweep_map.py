"""What the network does over two quantities, beside a rule: a map of actions."""

from __future__ import annotations

from time import thread_time
from typing import Any

import numpy as np
import traitlets as t

from dnnexplain.contract import Discrete, SweepView
from dnnexplain.counts import counted
from dnnexplain.explain.decisions.sweep_map import SweepMap, axis_values, sweep_map, sweep_of
from dnnexplain.explain.decisions.sweeps import knob_index
from dnnexplain.numbers import number
from dnnexplain.registry import spec_of
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.menus import menu_of
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.sweep_choice import first_pair
from dnnexplain_widgets.views import views_of_kind
from dnnexplain_widgets.words import label

__all__ = ["SweepMapPanel"]

OWN = "two knobs"
AT_ONCE, A_SECOND = 40_000_000, 12_000_000
"""Numbers (states times knobs and outputs) up to which a map is drawn unasked, and that about a second takes."""

QUICK = 0.08
"""Seconds of processor time up to which both maps follow the state by themselves."""


class SweepMapPanel(Panel):
    """What does it do over two quantities? Colours tell the action; press on the map to go there."""

    QUESTION = "What does it do over two quantities?"
    PARTS = ({"part": "sweep-map"},)
    SETTINGS = ("view", "across", "down", "rule", "output")

    def setup(self) -> None:
        """Controls: which map, of which two knobs, beside which rule, of which output."""
        system = self.session.system
        self.finding: tuple[SweepMap, ...] = ()
        self._spent = 0.0
        self._drawn: Any = None
        self.views = {view.title: view for view in views_of_kind(system, SweepView)}
        across, down, output = first_pair(self.session)
        rules = system.rules()
        baselines = [name for name in spec_of(system).baselines if name in rules]
        self.answers = {
            "view": next(iter(self.views), OWN), "across": across, "down": down,
            "rule": next(iter([*baselines, *rules]), ""), "output": output,
        }  # fmt: skip
        self._show_controls()
        self.session.observe(self._on_live, "live")
        self.observe(self._on_live, "on_page")
        states, numbers = self._size()
        if states * numbers <= AT_ONCE:
            self.refresh()
        else:
            seconds = number(max(1.0, 2 * states * numbers / A_SECOND))
            self.sentence = (
                f"Each map asks about {counted(states, 'state')}, {counted(numbers, 'number')} each: it takes about {seconds} s, so it is "
                "drawn when you press Draw."
            )

    @t.validate("answers")
    def _known_knobs(self, proposal: Any) -> dict[str, Any]:
        """A knob that there is not is refused: the one before stays."""
        wanted: dict[str, Any] = dict(proposal["value"])
        names = {knob.name for knob in self.session.system.knobs}
        for axis in ("across", "down"):
            if axis in self.answers and wanted.get(axis) not in names:
                wanted[axis] = self.answers[axis]
        return wanted

    @property
    def about(self) -> tuple[str, ...]:
        """A map that holds all else as it is depends on the state."""
        return ("policy", "state") if self.view.follows else ("policy",)

    @property
    def view(self) -> SweepView:
        """The map that is chosen."""
        chosen, system = str(self.answers["view"]), self.session.system
        return self.views.get(chosen) or sweep_of(system, self.answers["across"], self.answers["down"])

    def _size(self) -> tuple[int, int]:
        """How many states a map has, and how many numbers each of them is."""
        system, view = self.session.system, self.view
        states = len(axis_values(system, view.across)) * len(axis_values(system, view.down))
        return states, len(system.knobs) + len(system.output.names)

    @property
    def result(self) -> SweepMap | None:
        """The network's map."""
        return self.finding[0] if self.finding else None

    def code_lines(self) -> tuple[str, ...]:
        """The map by itself."""
        a = self.answers
        if a["view"] in self.views:
            chosen = (
                "from dnnexplain.registry import views_of",
                f"view = next(view for view in views_of(system) if view.title == {a['view']!r})",
            )
        else:
            chosen = (
                "from dnnexplain.explain.decisions.sweep_map import sweep_of",
                f"view = sweep_of(system, {a['across']!r}, {a['down']!r})",
            )
        last = f"found = sweep_map(system, policy, view, state, output={a['output']!r})"
        return ("from dnnexplain.explain import sweep_map", *chosen, last, "print(found.sentence())")

    def refresh(self, *, quick: bool = False) -> None:
        """Both maps, beside the page.

        Args:
            quick: whether it is known that they are quick to draw, so that nothing is said of it.
        """
        session, answers, view = self.session, dict(self.answers), self.view
        system, state, policy = session.system, session.state, self.worker_policy()
        rule = system.rules().get(answers["rule"])
        self._drawn = (session.policy, state)

        def work(task: Task) -> tuple[tuple[SweepMap, ...], float]:
            began = thread_time()
            maps: list[SweepMap] = []
            for decider in (policy, rule):
                if decider is not None:
                    task.progress(len(maps) / 2, f"Asking {label(decider.name)}")
                    maps.append(sweep_map(system, decider, view, state, output=str(answers["output"])))
            return tuple(maps), thread_time() - began

        self.start(work, self._show, "Drawing the map", quick=quick)

    def on_answer(self, name: str, value: Any) -> None:
        """Another map, rule or output; or a place on the map was pressed."""
        if name == "place":
            if value:
                self.go(int(value[0]), int(value[1]))
            return
        self._show_controls()
        self.refresh()

    def on_press(self, name: str) -> None:
        """Draw anew."""
        assert name == "run"
        self.refresh()

    def go(self, row: int, column: int) -> None:
        """Bring the state to a place on the map."""
        result, view, system = self.result, self.view, self.session.system
        if result is None:
            return
        values = self.session.state.values.copy()
        for axis, value in ((view.across, result.across_values[column]), (view.down, result.down_values[row])):
            values[[knob_index(system, knob) for knob in axis.knobs]] = value
        self.session.move(view.settle(values[None])[0] if view.settle is not None else values)

    def _on_live(self, _change: object) -> None:
        """A map that is quick to draw follows; another says that it is an earlier one's."""
        session = self.session
        if self._drawn is None or self.jobs.current is not None or not self.on_page or session.history.dragging:
            return
        policy, state = self._drawn
        if policy is not session.policy:
            self.guarded(self.refresh)
        elif self.view.follows and state is not session.state and self._spent < QUICK:
            self.guarded(lambda: self.refresh(quick=True))

    def _show_controls(self) -> None:
        system = self.session.system
        names = [knob.name for knob in system.knobs]
        controls: list[dict[str, Any]] = [
            {"kind": "select", "name": "view", "label": "Map", "options": [*([view, view] for view in self.views), [OWN, "any two knobs"]]}
        ]  # fmt: skip
        if self.answers["view"] == OWN:
            controls += [
                menu_of("across", "Across", names),
                menu_of("down", "Up", names),
            ]
        outputs = system.output.names
        if not isinstance(system.output, Discrete) and len(outputs) > 1:
            first = [] if system.output.kind == "values" else [("", "how many are on")]
            controls.append(menu_of("output", "Of", outputs, first))
        rules = [[name, label(name)] for name in system.rules()]
        controls.append({"kind": "select", "name": "rule", "label": "Beside", "options": rules})
        self.controls = [*controls, {"kind": "button", "name": "run", "label": "Draw", "strong": True}]

    def _show(self, given: tuple[tuple[SweepMap, ...], float]) -> None:
        self.finding, self._spent = given
        first, view = self.finding[0], self.view
        self.figure = {"sweep": _figure(self.finding, self.session.system, view)}
        said = [item.words(label(item.question.policy)) for item in self.finding]
        self.sentence = " ".join([*said, first.note]).strip()
        self._on_live(None)  # the state may have gone on meanwhile


def _figure(maps: tuple[SweepMap, ...], system: Any, view: SweepView) -> dict[str, Any]:
    first = maps[0]
    every = np.stack([item.action for item in maps])
    kind = np.uint16 if first.kind == "choice" else np.float32
    axes = {}
    for way, axis in (("across", view.across), ("down", view.down)):
        values, unit = getattr(first, f"{way}_values"), getattr(first, f"{way}_unit")
        knobs = [knob_index(system, name) for name in axis.knobs]
        axes[way] = {"name": axis.name, "unit": unit, "values": values.tolist(), "knobs": knobs}
    return {
        **axes,
        "sides": [{"name": label(item.question.policy), "action": item.action.astype(kind).tobytes()} for item in maps],
        "kind": first.kind,
        "names": list(first.names),
        "ordered": first.ordered or first.kind != "choice",
        "low": float(min(every.min(), 0.0)) if first.kind != "choice" else 0.0,
        "high": float(max(every.max(), 1.0)) if first.kind != "choice" else float(len(first.names) - 1),
    }
