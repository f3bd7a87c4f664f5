"""A policy that decides on many parts at once, told as rules part by part: a router's path for each pair of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Policy, State, System
from dnnexplain.explain.distillation import Parted, Parts
from dnnexplain_widgets.live import best_actions
from dnnexplain_widgets.panels.rules.panel import RulesPanel

__all__ = ["PartRulesPanel"]


class PartRulesPanel(RulesPanel):
    """Which rules is the network, part by part?

    One tree for all parts; the path of the chosen part in the present state is lit. Everything else (sizes,
    changes and their cost, export) is as in :class:`RulesPanel`, for the tree is run as a whole policy.

    Args:
        settings, compare_sets, bound_seconds: as of :class:`RulesPanel`.
    """

    def setup(self) -> None:
        """As of :class:`RulesPanel`, and which part is lit."""
        if not isinstance(self.session.system, Parted):
            msg = f"{self.session.system.name} does not decide on parts; use RulesPanel"
            raise DnnExplainError(msg)
        self.parted: Parted = self.session.system
        self.by_part: Parts = self.parted.in_parts(self.session.policy)
        super().setup()
        self.settings = {"sets": 40, "rounds": 0, "unseen": 40, "seeds": 2, "weighting": "soft", **self.settings}
        self.bound_seconds = float(self.options.get("bound_seconds", 1.0))
        self.set_answers(part=self.parted.part_names[0])

    @property
    def part(self) -> int:
        """The part that is lit."""
        return self.parted.part_names.index(str(self.answers.get("part", self.parted.part_names[0])))

    def world(self) -> System:
        """Single parts, each a choice."""
        return self.by_part.world

    def seen(self) -> NDArray[Any]:
        """The chosen part of the present state."""
        return self.by_part.observe(self.session.state, self.part)

    def network_action(self) -> int | None:
        """What the router does with the chosen part, by its own network."""
        return int(best_actions(self.by_part.world, self.by_part.teacher, self.seen())[0])

    def lit_part(self) -> str:
        """The chosen part, by its name."""
        return self.parted.part_names[self.part]

    def worker_policy(self) -> Policy:
        """The policy asked part by part, with a network of its own."""
        return self.parted.in_parts(super().worker_policy()).teacher

    def open_found(self, state: State, name: str) -> None:
        """Load what the policy saw into the session; what it does not see stays as it is."""
        part, whole = self.by_part.whole(state, self.session.state)
        self.set_answers(part=self.parted.part_names[part])
        super().open_found(whole, name)

    def code_lines(self) -> tuple[str, ...]:
        """The distillation by itself, part by part."""
        lines = tuple(
            line.replace("system.workloads", "asked.world.workloads").replace(
                "distil(system, policy,", "distil(asked.world, asked.teacher,"
            )
            for line in super().code_lines()
        )
        return (lines[0], "asked = system.in_parts(policy)", *lines[1:])

    def on_answer(self, name: str, value: Any) -> None:
        """Another part is lit."""
        if name == "part":
            self._light()
        else:
            super().on_answer(name, value)

    def _forget(self, change: Mapping[str, Any]) -> None:
        self.by_part = self.parted.in_parts(self.session.policy)
        self.system = self.by_part.world
        super()._forget(change)

    def _show_controls(self) -> None:
        super()._show_controls()
        options = [[name, name] for name in self.parted.part_names]
        lit = {"kind": "select", "name": "part", "label": "Path lit for", "options": options}
        self.controls = [lit, *self.controls]
