"""All methods on the same decision, each with the same computing time, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from dnnexplain.charts import Axis, Chart, lines
from dnnexplain.contract import DnnExplainError, Policy, State, System
from dnnexplain.explain.adversarial.result import Adversarial
from dnnexplain.explain.adversarial.search import METHODS, attack
from dnnexplain.numbers import number
from dnnexplain.results import Result

__all__ = ["MethodTable", "compare_methods"]


@dataclass(frozen=True, eq=False)
class MethodTable(Result):
    """What each method found with the same computing time.

    Attributes:
        answers: one per method, with everything it found.
        refused: methods that do not apply, with the reason.
        seconds: CPU seconds that each had.
        words: which one was best.
    """

    answers: Mapping[str, Adversarial]
    refused: Mapping[str, str]
    seconds: float
    words: str

    def table(self) -> list[dict[str, Any]]:
        """One row per method."""
        return [
            {
                "method": name,
                "distance": answer.distance,
                "proved minimal": answer.proved_minimal,
                "first found, s": answer.trace[0].seconds if answer.trace else None,
                "best found, s": answer.trace[-1].seconds if answer.trace else None,
                "states": answer.evaluated,
                "judged": answer.judged,
                "CPU s": answer.seconds,
                "ended by": answer.ended_by or "all looked at",
            }
            for name, answer in self.answers.items()
        ]

    def picture(self) -> Chart:
        """How the cost of the cheapest change fell, method by method."""
        shown = {
            name: ([item.seconds for item in answer.trace], [item.distance for item in answer.trace])
            for name, answer in self.answers.items()
        }
        return lines(shown, Axis("computing time", "CPU-seconds"), Axis("cost of the change"), steps=True)


def compare_methods(
    system: System,
    policy: Policy,
    state: State,
    *,
    methods: Sequence[str] = tuple(METHODS),
    seconds: float = 5.0,
    clock: Callable[[], float] = time.process_time,
    cancel: Event | None = None,
    progress: Callable[[int, int], object] | None = None,
    keep: Callable[[Callable[[], MethodTable]], object] | None = None,
    **options: Any,
) -> MethodTable:
    """Run every method for the same CPU time on one decision.

    Args:
        system, policy, state: as for :func:`~dnnexplain.explain.adversarial.search.attack`.
        methods: which.
        seconds: for each, by ``clock``.
        clock: CPU time of this process by default.
        cancel: ends the comparison; the methods done so far are kept.
        progress: called with methods done and in all.
        keep: called again and again, within a method too, with a function that makes the table so far.
        **options: further arguments of ``attack``.
    """
    answers: dict[str, Adversarial] = {}
    refused: dict[str, str] = {}
    limit = _limit(seconds, options.get("rounds"))

    def table(under_way: Mapping[str, Adversarial]) -> MethodTable:
        known = {**answers, **under_way}
        return MethodTable(known, dict(refused), seconds, _words(known, limit))

    for done, name in enumerate(methods, start=1):
        if cancel is not None and cancel.is_set():
            break
        try:
            within = None if keep is None else partial(_within, keep, table, name)
            answers[name] = attack(
                system, policy, state, method=name, seconds=seconds, clock=clock, cancel=cancel, keep=within, **options
            )
        except DnnExplainError as error:
            if name != "gradient":
                raise
            refused[name] = str(error)
        if keep is not None:
            keep(lambda: table({}))
        if progress is not None:
            progress(done, len(methods))
    return table({})


def _within(
    keep: Callable[[Callable[[], MethodTable]], object],
    table: Callable[[Mapping[str, Adversarial]], MethodTable],
    name: str,
    make: Callable[[], Adversarial],
) -> None:
    """Keep the table with what the method that is under way has so far."""
    keep(lambda: table({name: make()}))


def _limit(seconds: float, rounds: int | None) -> str:
    return f"{number(seconds)} CPU seconds" if rounds is None else f"{rounds:,} batches"


def _words(answers: Mapping[str, Adversarial], limit: str) -> str:
    reached = {name: answer for name, answer in answers.items() if answer.distance is not None}
    if not reached:
        return f"No method found an adversarial change in {limit}."
    least = min(item.distance for item in reached.values() if item.distance is not None)
    best = [name for name, item in reached.items() if item.distance == least]
    proved = any(item.proved_minimal for item in reached.values())
    tail = ", proved minimal" if proved else ""
    return f"With {limit} each: cost {number(least)} by {', '.join(best)}{tail}."
