"""Several searches on one problem at equal CPU time, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from dnnexplain.charts import Axis, Chart, lines
from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.explain.gray_box.analysis import worst_case
from dnnexplain.explain.gray_box.budget import Budget, Progress
from dnnexplain.explain.gray_box.methods import METHODS
from dnnexplain.explain.gray_box.problem import Problem
from dnnexplain.explain.gray_box.result import WorstCase
from dnnexplain.numbers import number
from dnnexplain.results import Question, Result

__all__ = ["SearchComparison", "compare_searches"]


@dataclass(frozen=True, eq=False)
class SearchComparison(Result):
    """What several searches found on one problem.

    Attributes:
        question: system, policy, seed; ``settings`` hold the budget of each search.
        cases: one per method, in the order asked for.
        failures: per method that found nothing, why.
        complete: whether every search that was asked for ran to its end.
    """

    question: Question
    cases: tuple[WorstCase, ...]
    failures: Mapping[str, str]
    complete: bool

    @property
    def best(self) -> WorstCase:
        """The case with the largest certified ratio."""
        return max(self.cases, key=lambda case: case.lower)

    def case(self, method: str) -> WorstCase:
        """What one method found."""
        for case in self.cases:
            if case.method == method:
                return case
        raise Choice("searched method", method, tuple(case.method for case in self.cases)).error()

    def table(self) -> list[dict[str, Any]]:
        """One row per method: ratio with its certified interval, and when it was found."""
        names = ("method", "ratio", "lower", "upper", "reached", "cpu_seconds", "evaluations", "stopped")
        return [{name: getattr(case, name) for name in names} for case in self.cases]

    def sentence(self) -> str:
        """The best case, and how the other methods did, in words."""
        best = self.best
        others = sorted((case for case in self.cases if case is not best), key=lambda case: -case.lower)
        words = ", ".join(f"{case.method} {number(case.ratio)}" for case in others)
        return best.sentence() + (f" The others found: {words}." if words else "")

    def picture(self) -> Chart:
        """How the best ratio of each method grew."""
        shown = {case.method: (case.trace[:, 0], case.trace[:, 1]) for case in self.cases}
        return lines(shown, Axis("computing time", "CPU-seconds"), Axis("best ratio"), steps=True)


def compare_searches(
    problem: Problem,
    methods: Sequence[str] = ("gray-box", "random"),
    *,
    budget: Budget | float = 10.0,
    seed: int = 0,
    question: Question | None = None,
    cancel: Event | None = None,
    progress: Callable[[str, Progress], None] | None = None,
    resume: SearchComparison | None = None,
) -> SearchComparison:
    """Run searches one after another, each with the same budget and seed.

    Args:
        problem: what is searched.
        methods: names in ``METHODS``, each once.
        budget: CPU-seconds of each search, or a :class:`Budget`.
        seed: of each search.
        question: what is asked, for the results.
        cancel: ends the search under way, which keeps what it has; later ones are not begun.
        progress: called with the method and where it stands.
        resume: earlier results; each method goes on from its own case, and its time adds up.

    Raises:
        DnnExplainError: for no, unknown or repeated methods, and if no search found anything.
    """
    for name in methods:
        if name not in METHODS:
            raise Choice("method", name, tuple(METHODS)).error()
    if not methods or len(set(methods)) != len(methods):
        msg = f"name at least one method, each once; given: {', '.join(methods) or 'none'}"
        raise DnnExplainError(msg)
    earlier = {case.method: case for case in resume.cases} if resume is not None else {}
    cases, failures = [], {}
    for name in methods:
        if cancel is not None and cancel.is_set():
            cases += [earlier[name]] if name in earlier else []
            continue
        tell = None if progress is None else lambda state, name=name: progress(name, state)
        try:
            case = worst_case(
                problem, name, budget=budget, seed=seed, question=question, cancel=cancel, progress=tell,
                resume=earlier.get(name),
            )  # fmt: skip
        except DnnExplainError as error:
            failures[name] = str(error)
        else:
            cases.append(case)
    if not cases:
        why = "; ".join(f"{name}: {text}" for name, text in failures.items())
        msg = f"no search of {problem.name} found a case. {why}".strip()
        raise DnnExplainError(msg)
    about = question or Question(system=problem.name, seed=seed)
    complete = len(cases) == len(methods) and all(case.stopped in {"budget", "finished"} for case in cases)
    return SearchComparison(about, tuple(cases), failures, complete)
