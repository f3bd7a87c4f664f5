"""States as points, by what a layer makes of them: which ones look alike to the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dnnexplain.contract import DnnExplainError, Flowing, Measured, Replayable, State, System
from dnnexplain.counts import counted
from dnnexplain.explain.probing.embedding import Embedding, Projection, embed, label_names, locate, relabelled
from dnnexplain.explain.probing.states_met import Visited, families, visited
from dnnexplain.numbers import percent
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.probing import ProbingPanel
from dnnexplain_widgets.words import number

__all__ = ["EmbeddingPanel"]


class EmbeddingPanel(ProbingPanel):
    """Which states look alike to it? A click on a point loads its state."""

    QUESTION = "Which states look alike to it?"
    PROMISE = "Press “Place the states”: states that the layer sees alike lie near each other; a few seconds, with t-SNE about half a minute."
    LATER = ("states", "seed", "method")
    PARTS = ({"part": "scatter"},)
    KIND = Embedding
    SETTINGS = ("method", "states", "seed", "workload")
    NEURON = False

    def setup(self) -> None:
        """Controls: how many states, PCA or t-SNE, what the colours mean."""
        system = self.session.system
        self.families = families(system)
        self.labels = _offered(system)
        self.seen: Visited | None = None
        self.states: list[State] = []
        super().setup()
        self.session.observe(self._on_live, "live")

    def first_answers(self) -> dict[str, Any]:
        """PCA of 600 states, coloured by the decision, or by what is measured of it."""
        workload = next(iter(self.families), "")
        return {"method": "pca", "label": self.labels[0], "states": 600, "seed": 0, "point": -1, "workload": workload}

    def own_controls(self) -> list[dict[str, Any]]:
        """Which states, how they are placed, what colours them."""
        labels = [[name, name] for name in self.labels]
        controls: list[dict[str, Any]] = []
        if len(self.families) > 1:
            options = [[name, name] for name in self.families]
            label = "Episodes of" if isinstance(self.session.system, Replayable) else "Workloads of"
            controls.append({"kind": "select", "name": "workload", "label": label, "options": options})
        return [
            *controls,
            {"kind": "number", "name": "states", "label": "States", "low": 3, "high": 5000, "step": 1},
            {"kind": "number", "name": "seed", "label": "Seed", "low": 0, "high": 2**31 - 1, "step": 1},
            {"kind": "select", "name": "method", "label": "Placed by", "options": [["pca", "PCA"], ["tsne", "t-SNE"]]},
            {"kind": "select", "name": "label", "label": "Coloured by", "options": labels},
            {"kind": "button", "name": "place", "label": "Place the states", "strong": True},
        ]

    def code_lines(self) -> tuple[str, ...]:
        """The picture by itself."""
        count, workload, seed = self._options()
        how = f"method={self.answers['method']!r}, label={self.answers['label']!r}, seed={seed}{self.layer_argument}"
        return (
            "from dnnexplain.explain import embed, visited",
            f"states = visited(system, policy, {count}, workload={workload!r}, seed={seed}).states(system)",
            f"found = embed(system, policy, states, {how})",
            "print(found.sentence())",
        )

    def place(self) -> None:
        """Collect states and place them, beside the page."""
        session, policy, answers = self.session, self.worker_policy(), self.answers
        system, layer = session.system, session.ask.layer
        method, label = Projection(str(answers["method"])), str(answers["label"])
        count, workload, seed = self._options()

        def work(task: Task) -> tuple[Visited, list[State], Embedding]:
            task.progress(None, "Collecting states")
            seen = visited(system, policy, count, workload=workload, seed=seed)
            states = seen.states(system)
            task.progress(None, f"Placing {counted(len(states), 'state')}")
            return seen, states, embed(system, policy, states, method=method, label=label, layer=layer, seed=seed)

        self.stale = False
        self.start(work, self._show_placed, "Collecting states")

    def show(self, embedding: Embedding) -> None:
        """Draw points; those of a saved picture can be loaded only once its states are collected again."""
        if self.seen is None or not embedding.index.size or embedding.index[-1] >= len(self.states):
            self.seen, self.states = None, []
        self.finding = embedding
        self._draw()
        self.show_controls()

    def checked(self, embedding: Any) -> Any:
        """A saved picture: its states are not in it, so they are collected again from its seed."""
        embedding = super().checked(embedding)
        self.seen, self.states = None, []
        return embedding

    def load_point(self, point: int) -> None:
        """Put a point's state into the session."""
        if self.finding is None or not 0 <= point < len(self.finding.points):
            msg = f"there is no state number {point} in this picture"
            raise DnnExplainError(msg)
        if not self.states:
            msg = "this picture was saved without its states; press the button to place states anew, then click"
            raise DnnExplainError(msg)
        self.session.open_in_editor(self.states[int(self.finding.index[point])], f"state {point + 1} of the picture")

    def on_answer(self, name: str, value: Any) -> None:
        """A point was clicked, or the colours are to mean something else."""
        if name == "point":
            if int(value) >= 0:
                self.load_point(int(value))
        elif name == "label":
            self._recolour(str(value))
        else:
            super().on_answer(name, value)

    def on_press(self, name: str) -> None:
        """Place, save."""
        if name == "place":
            self.place()
        else:
            super().on_press(name)

    def on_neuron(self, *, network: bool) -> None:
        """To another layer or network, other states look alike."""
        if self.finding is not None and (network or self.finding.layer != self.layer.name):
            self.finding, self.figure, self.sentence, self.states = None, {}, "", []
            self.show_controls()
            if self.on_page and not network:
                self.place()

    def catch_up(self) -> None:
        """The present state may be another one."""
        self._draw()

    def _show_placed(self, given: tuple[Visited, list[State], Embedding]) -> None:
        self.seen, self.states, result = given
        self.set_answers(point=-1)
        self.show(result)
        if result.label != self.answers["label"]:  # it was changed while the states were placed
            self._recolour(str(self.answers["label"]))

    def _options(self) -> tuple[int, str, int]:
        return int(self.answers["states"]), str(self.answers["workload"]), int(self.answers["seed"])

    def _recolour(self, label: str) -> None:
        """The same points in other colours: at most one forward pass; what is measured takes a second, beside the page."""
        if self.finding is None or not self.states:
            return
        system, result, states = self.session.system, self.finding, self.states
        if not isinstance(system, Measured) or label != system.outcome:
            self._recoloured(relabelled(system, self.session.policy, result, states, label))
            return
        policy = self.worker_policy()

        def work(task: Task) -> Embedding:
            task.progress(None)
            return relabelled(system, policy, result, states, label)

        self.start(work, self._recoloured, f"Computing the {label} of {counted(len(result.index), 'state')}", part=True)

    def _recoloured(self, embedding: Embedding) -> None:
        self.finding = embedding
        self._draw()

    def _on_live(self, _change: object) -> None:
        if self.on_page and self.finding is not None:
            self.guarded(self._draw)

    def _here(self) -> list[float] | None:
        """Where the present state lies, if the picture can tell: one forward pass."""
        result, session = self.finding, self.session
        if (
            result is None
            or self.stale
            or not self.has_network
            or not result.axes.size
            or result.layer != self.layer.name
        ):
            return None
        spot: list[float] = locate(session.system, session.policy, result, [session.state])[0].tolist()
        return spot

    def _draw(self) -> None:
        finding = self.finding
        if finding is None:
            return
        here = self._here()
        old = self.figure.get("scatter", {})
        points = np.ascontiguousarray(finding.points, np.float32).tobytes()
        words = f"{finding.sentence()}"
        if self.seen is not None:
            words += f" They are {self.seen.source}."
        if here is not None:
            words += " The crosshair is the present state."
        by = [f"{percent(share)} of the variance" for share in finding.explained]
        figure = {
            "points": points if points != old.get("points") else old["points"],
            "values": np.ascontiguousarray(finding.values, np.float32).tobytes(),
            "names": list(finding.names),
            "colours": self._colours_of(finding.names),
            "low": float(finding.values.min()),
            "high": float(finding.values.max()),
            "unit": finding.unit,
            "here": here,
            "words": words,
            "axes": by or ["", f"neighbours stay neighbours, seed {number(finding.question.seed or 0)}"],
        }
        with self.hold_sync():
            self.figure = {"scatter": figure}
            self.sentence = words

    def _colours_of(self, names: Sequence[str]) -> list[int | None]:
        """A colour for each name: its object's, as in all panels; where none has one, one after the other."""
        known = [self.colours.get(name) for name in names]
        return known if any(item is not None for item in known) else list(range(len(names)))


def _offered(system: System) -> tuple[str, ...]:
    """What the points may be coloured by; of demands over time only those that are carried."""
    names = label_names(system)
    if not isinstance(system, Flowing):
        return names
    left_out = {knob.name for knob in system.knobs} - {system.knobs[place].name for place in system.graph.knobs}
    return tuple(name for name in names if name not in left_out)
