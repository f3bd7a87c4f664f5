"""What alone forces this? The knobs that settle a decision whatever all others are, proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dnnexplain.contract import DnnExplainError, Knob, NetworkPolicy
from dnnexplain.counts import counted, joined
from dnnexplain.explain.proofs.beside import BesideAttribution, beside_attribution
from dnnexplain.explain.proofs.sufficient import LIMITS, SufficientReason, sufficient_reason
from dnnexplain.numbers import share, with_unit
from dnnexplain_widgets.jobs import Task
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.words import decision_name

__all__ = ["ReasonPanel"]

ROWS, NAMED = 20, 4
"""Groups that are shown, and knobs of each that are told with their values."""
NOTHING = 1e-6
"""A share of a knob's range; a value below it is what rounding leaves of zero."""


class ReasonPanel(Panel):
    """What alone forces this decision?

    Knobs are set free one after another as long as a proof says that the decision stays whatever they are; what is left
    forces it. Beside it: the fewest knobs whose change was found to flip it.

    Args:
        seconds: at most about so long.
    """

    QUESTION = "What alone forces this?"
    PROMISE = "Press “Find”: the few inputs that force this decision whatever all others are, with a proof; seconds, at most a minute."
    PARTS = ({"part": "cells"},)
    OPTIONS = ("seconds",)
    SETTINGS = ("minimum",)
    ABOUT = ("policy", "state")

    def setup(self) -> None:
        """Controls: the smallest of all, find, open what flips it."""
        self.finding: SufficientReason | None = None
        self.beside: BesideAttribution | None = None
        self.answers = {"minimum": False, "chosen": None}
        self._show_controls()

    @property
    def result(self) -> SufficientReason | None:
        """The reason; ``None`` until one was looked for."""
        return self.finding

    def code_lines(self) -> tuple[str, ...]:
        """The reason by itself."""
        return (
            "from dnnexplain.explain.proofs.sufficient import sufficient_reason",
            f"found = sufficient_reason(system, policy, state, minimum={bool(self.answers['minimum'])})",
            "from dnnexplain.explain.proofs.beside import beside_attribution",
            "print(found.sentence(), beside_attribution(system, policy, state, found.fixed).words)",
        )

    def run(self) -> None:
        """Look for the reason of the present decision, beside the page.

        Raises:
            DnnExplainError: the policy is no network.
        """
        system, policy, state = self.session.system, self.worker_policy(), self.session.state
        if not isinstance(policy, NetworkPolicy):
            msg = "only a network's decision can be proved to be forced; this policy is a rule"
            raise DnnExplainError(msg)
        minimum = bool(self.answers["minimum"])
        limits = replace(LIMITS, seconds=float(self.options.get("seconds", 30.0)))

        def work(task: Task) -> tuple[SufficientReason, BesideAttribution | None]:
            reason = sufficient_reason(
                system, policy, state, minimum=minimum, budget=limits, cancel=task.enough,
                progress=lambda done, total: task.progress(done / total, f"{done} of {counted(total, 'knob')} settled"),
            )  # fmt: skip
            return reason, beside_attribution(system, policy, state, reason.fixed) if reason.proved else None

        self.start(work, lambda both: self._take(*both), "Looking for the reason", keeps=True)

    def on_press(self, name: str) -> None:
        """Find, or open the state in which the decision is another."""
        if name == "run":
            self.run()
        elif name == "open" and self.finding is not None and self.finding.flipped is not None:
            self.session.state = self.finding.flipped

    def _take(self, reason: SufficientReason, beside: BesideAttribution | None = None) -> None:
        self.finding, self.beside = reason, beside
        knobs = self.session.system.knobs
        units = {knob.name: knob.unit for knob in knobs}
        groups: dict[str, list[str]] = {}
        for knob in knobs:
            if knob.name in reason.fixed:
                name, value = _short(knob), with_unit(_seen(knob, reason.fixed[knob.name]), units[knob.name])
                groups.setdefault(knob.group or knob.name, []).append(f"{name} = {value}" if name else value)
        free = () if beside is None else beside.large_but_free
        shown = [*groups, *(name for name in free if name not in groups)] if reason.proved else []
        sizes = {name: sum((knob.group or knob.name) == name for knob in knobs) for name in shown}
        rows = [
            {"label": name, "cells": [{"text": f"{len(groups.get(name, ()))} of {sizes[name]}"}, {"text": _listed(groups.get(name, []), sizes[name])},
                                      {"text": _share(beside, name)}]}
            for name in shown[:ROWS]
        ]  # fmt: skip
        if left := len(shown) - len(rows):
            rest = [{"text": ""}, {"text": "in the saved result"}, {"text": ""}]
            rows.append({"label": counted(left, "more group"), "cells": rest})
        self.figure = (
            {}
            if not rows
            else {
                "cells": {
                    "caption": "Knobs that force the decision",
                    "corner": "Group",
                    "columns": ["fixed", "at", "share of slopes"],
                    "rows": rows,
                }
            }
        )
        self.sentence = _sentence(reason, len(knobs)) + ("" if beside is None else f" {beside.words}")
        self._show_controls()

    def _show_controls(self) -> None:
        flips = self.finding is not None and self.finding.flipped is not None
        self.controls = [
            {"kind": "check", "name": "minimum", "label": "The smallest of all"},
            {"kind": "button", "name": "run", "label": "Find", "strong": True},
            {"kind": "button", "name": "open", "label": "Open what flips it", "disabled": not flips,
             "hint": "The state with the fewest changes that was found, in which the decision is another."},
        ]  # fmt: skip


def _share(beside: BesideAttribution | None, group: str) -> str:
    return "" if beside is None else share(beside.shares[group], 1)


def _seen(knob: Knob, value: float) -> float:
    """A knob's value; next to nothing of its range, which rounding leaves of a zero, is zero."""
    return 0.0 if abs(value) < NOTHING * (knob.high - knob.low) else value


def _short(knob: Knob) -> str:
    """A knob's name without that of its group: ``demand`` of ``user 1 demand``."""
    return knob.name.removeprefix(knob.group).removesuffix(knob.group).strip() if knob.group else ""


def _listed(values: list[str], of: int) -> str:
    """The first few, and how many there are more; of a large group that is fixed whole no value stands out."""
    if not values:
        return "free: whatever it is, the decision stays"
    if len(values) == of > NAMED:
        return "as they are now"
    rest = len(values) - NAMED
    return "; ".join(values[:NAMED]) + (f"; and {rest} more" if rest > 0 else "")


def _flips(names: Sequence[str]) -> str:
    """The first few of the knobs whose change flips a decision."""
    rest = len(names) - NAMED
    return joined([*names[:NAMED], f"{rest} more"] if rest > 0 else names)


def _sentence(reason: SufficientReason, count: int) -> str:
    free = count - len(reason.fixed)
    if not reason.proved:
        return f"No smaller set than all knobs is proved to force {decision_name(reason.decision)}: {reason.reason}."
    word = (
        "no set is smaller"
        if reason.minimum
        else "none can be left out"
        if reason.minimal
        else "perhaps not all are needed"
    )
    what = counted(len(reason.fixed), "knob")
    others = "the other one is" if free == 1 else f"the other {free:,} are"
    whole = f"All {what} together force" if not free else f"Whatever {others}, these {what} force"
    first = (
        f"{whole} {decision_name(reason.decision)} (proved; {word})."
        if reason.fixed
        else f"The decision is {decision_name(reason.decision)} in every valid state (proved)."
    )
    flips = f" Changing {_flips(reason.flips)} alone can flip it." if reason.flips else ""  # fmt: skip
    return first + flips + (f" {reason.reason[0].upper()}{reason.reason[1:]}." if reason.reason else "")
