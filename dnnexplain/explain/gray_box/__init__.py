"""Gray-box worst-case analysis of any pipeline (Namyar et al., HotNets 2024)."""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Alternative": "problem",
    "Autodiff": "component",
    "BLACK_BOX": "methods",
    "Budget": "budget",
    "Carry": "component",
    "Component": "component",
    "Domain": "problem",
    "ENDLESS": "budget",
    "Envelope": "component",
    "Formula": "component",
    "GapBox": "box",
    "Inner": "problem",
    "METHODS": "methods",
    "Pipeline": "pipeline",
    "Problem": "problem",
    "Progress": "budget",
    "Sampled": "sampled",
    "SearchComparison": "comparison",
    "Surrogate": "surrogate",
    "WhiteBox": "white_box",
    "WhiteBoxBound": "white_box",
    "Witness": "problem",
    "WorstCase": "result",
    "compare_searches": "comparison",
    "gap_box": "box",
    "WorstRegret": "regret",
    "problem_of": "assemble",
    "problem_of_workloads": "assemble",
    "solve_white_box": "white_box",
    "white_box_of": "assemble",
    "worst_case": "analysis",
    "worst_regret": "regret",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
