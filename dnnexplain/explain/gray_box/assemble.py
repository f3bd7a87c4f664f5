"""A problem from what a system tells of itself (``contract.SearchBox``): the pipeline and all forms of its optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnexplain.contract import (
    Attackable,
    DnnExplainError,
    ExactInner,
    FixedOptimum,
    GradientBox,
    Policy,
    Remarking,
    SearchBox,
    SecondSolution,
    System,
    Witnessed,
    WorkloadBox,
    need,
)
from dnnexplain.explain.gray_box.component import Autodiff, Carry, Component, Envelope, Formula
from dnnexplain.explain.gray_box.pipeline import Pipeline
from dnnexplain.explain.gray_box.problem import Alternative, Domain, Inner, Problem, Witness
from dnnexplain.explain.gray_box.sampled import Sampled
from dnnexplain.explain.gray_box.white_box import WhiteBox
from dnnexplain.registry import fair_rules

__all__ = ["problem_of", "problem_of_workloads", "problem_with", "white_box_of"]

SAMPLES = 12
"""Runs of the simulator around a workload, from which a slope is estimated."""


def problem_of(
    system: System, policy: Policy, routed: ArrayLike | None = None, *, name: str = "", **choices: Any
) -> Problem:
    """Cost over optimum of a policy, as a problem for ``worst_case``.

    Args:
        system: one that lets a search in (``contract.Attackable``).
        policy: a network, or a rule (whose outputs are then sampled as a black box).
        routed: what must be carried, if only what the policy sees is the adversary's.
        name: for results; the policy's if not given.
        choices: further ones that this system's ``adversary`` offers, such as ``history="plausible"``.

    Raises:
        DnnExplainError: the system says nothing of an adversary, or nothing of the input is the adversary's.
    """
    if not isinstance(system, Attackable):
        msg = (
            f"{system.name} does not say what an adversary may choose (adversary), so its worst case cannot be searched"
        )
        raise DnnExplainError(msg)
    adversary: Any = system.adversary
    return problem_with(adversary(policy, routed, **choices), name or policy.name, system.cost_name)


def problem_with(parts: SearchBox, name: str, cost_name: str) -> Problem:
    """The same from what may be chosen, if that is at hand.

    Args:
        parts: a box and a cost. What else it can do (``contract.GradientBox``, ``Witnessed``, ``SecondSolution``,
            ``ExactInner``) each adds a way of searching; without a gradient the cost is a black box.
        name: for results.
        cost_name: what is divided by its optimum, in words.

    Raises:
        DnnExplainError: it is no ``contract.SearchBox``.
    """
    need(parts, SearchBox, "a worst case")
    constant = isinstance(parts, FixedOptimum) and parts.fixed
    pipeline, optimum = (
        _chain(parts, float(np.max(parts.high))) if isinstance(parts, GradientBox) else _black_box(parts)
    )
    return Problem(
        name,
        pipeline,
        Domain(parts.low, parts.high, parts.names, parts.unit, parts.blocks, parts.valid),
        optimum,
        parts.bound,
        floor=parts.floor,
        deployed=parts.deployed,
        cost_name=cost_name,
        remarks=parts.remarks if isinstance(parts, Remarking) else None,
        black_box=not isinstance(parts, GradientBox),
        witness=None if constant else _witness(parts),
        alternative=None if constant else _alternative(parts),
        inner=None if constant else _inner(parts),
    )


def _chain(parts: GradientBox, high: float) -> tuple[Pipeline, Component]:
    """The cost through the policy, and the optimum with its own derivative."""
    network: Component = (
        Sampled(parts.splits, samples=32, radius=parts.sampling_radius, low=0.0, high=high, name="network")
        if parts.network is None
        else Autodiff(parts.network, "network")
    )
    pipeline = Pipeline([Carry(network, parts.seen, parts.free), Autodiff(parts.links, "links")])
    return pipeline, Envelope(parts.optimum, lambda x: parts.optimum(x)[0])


def _black_box(parts: SearchBox) -> tuple[Pipeline, Component]:
    """The cost as deployed and the optimum as bounded, of which only values are known."""
    around: dict[str, Any] = {
        "samples": SAMPLES, "radius": np.maximum(0.01 * (parts.high - parts.low), 1e-9), "low": parts.low, "high": parts.high,
    }  # fmt: skip

    def best(x: NDArray[np.float64]) -> NDArray[np.float64]:
        upper = np.array([parts.bound(row).upper for row in x], dtype=np.float64)
        return np.where(np.isfinite(upper), upper, 0.0)  # where no solution is known there is nothing to divide by

    return Pipeline([Sampled(parts.deployed, **around, name="cost")]), Sampled(best, **around, name="optimum")


def _witness(parts: SearchBox) -> Witness | None:
    if not isinstance(parts, Witnessed):
        return None
    return Witness(
        Formula(parts.witness_input, parts.witness_input_pull, "input of a solution"),
        Formula(parts.witness_value, parts.witness_value_pull, "cost of a solution"),
        parts.witness_valid,
        parts.witness_lift,
        parts.witness_scale,
    )


def _alternative(parts: SearchBox) -> Alternative | None:
    if not isinstance(parts, SecondSolution):
        return None
    return Alternative(parts.second_size, Autodiff(parts.second, "second solution"))


def _inner(parts: SearchBox) -> Inner | None:
    """Only where the policy sees none of the part, and a gradient tells the two parts apart."""
    if not getattr(parts, "blind", False) or not isinstance(parts, ExactInner) or not isinstance(parts, GradientBox):
        return None
    return Inner(parts.seen, parts.free, parts.maximise, parts.ideal)


def problem_of_workloads(
    system: Any, policy: Policy, box: WorkloadBox, *, name: str = "", seconds: float = 2.0
) -> Problem:
    """Cost over optimum on whole workloads as a problem for ``worst_case``, where the cost is a ratio scale.

    A simulator of whole workloads has no gradient: the policy's run and the optimum are sampled around the workload.
    While it searches, the best rule's cost stands for the optimum; it is never below the optimum, so ratios are
    sound. What is reported is certified by the system's own bound.

    Args:
        system: runs workloads, has rules and a bound.
        policy: a network or a rule.
        box: workloads as rows of numbers.
        name: for results; the policy's if not given.
        seconds: limit of the solver for each case that is certified.
    """
    rules = list(fair_rules(system).values())
    around: dict[str, Any] = {
        "samples": SAMPLES,
        "radius": np.maximum(0.1 * (box.high - box.low), 1.0 if box.whole else 1e-6),
    }
    around |= {"low": box.low, "high": box.high}

    def cost(of: Policy, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(system.run(of, [box.workload(row) for row in x]).cost)

    def best_rule(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.min([cost(rule, x) for rule in rules], axis=0))

    return Problem(
        name or policy.name,
        Pipeline([Sampled(lambda x: cost(policy, x), **around, name="simulator under the policy")]),
        Domain(box.low, box.high, box.names, box.unit, box.blocks, whole=box.whole),
        Sampled(best_rule, **around, name="best rule"),
        lambda x: system.bound(box.workload(x), seconds=seconds),
        cost_name=system.cost_name,
        certify_seconds=seconds,
    )


def white_box_of(fitted: Any) -> WhiteBox:
    """A system's piecewise-linear stand-in (``contract.WhiteBoxed``) as a program that a solver reads whole."""
    return WhiteBox(
        fitted.high, fitted.layers, np.arange(len(fitted.high)), fitted.constant, fitted.product, fitted.serve,
        fitted.use, fitted.least, fitted.ratio,
    )  # fmt: skip
