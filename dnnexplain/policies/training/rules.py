"""Soft rules that a teacher is made of: each says how true it is of every action in the states of a rollout."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.policies.training.rollout import BatchEnvironment, SoftRule
from dnnexplain.policies.training.teacher import agreement_truth, never_hold_truth, utilisation_truth

__all__ = [
    "FunctionRule",
    "IdleRule",
    "NeverHold",
    "PolicyRule",
    "SoftRule",
    "SystemRule",
    "UtilisationRule",
    "load_function",
    "make_rule",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SystemRule:
    """Do as one of the system's rules of thumb does, such as ``sjf``."""

    name: str

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del pictures
        return agreement_truth(environment.rule_actions(self.name, rows), valid.shape[1])


@dataclass(frozen=True, slots=True)
class NeverHold:
    """Never hold a job that could start now."""

    name: str = "never-hold"

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del pictures
        return never_hold_truth(_fact(environment, "startable", self.name)(rows), valid.shape[1] - 1)


@dataclass(frozen=True, slots=True)
class UtilisationRule:
    """Keep the use of the busiest resource under a threshold, a share from 0 to below 1."""

    threshold: float = 0.8

    def __post_init__(self) -> None:
        utilisation_truth(np.zeros((1, 1)), self.threshold)  # says what a threshold is

    @property
    def name(self) -> str:
        """For reports."""
        return f"utilisation:{self.threshold:g}"

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del pictures, valid
        return utilisation_truth(_fact(environment, "use_after", self.name)(rows), self.threshold)


@dataclass(frozen=True, slots=True)
class IdleRule:
    """Never hold a job while there is room: if, with it, the busiest resource stays at most this much in use."""

    threshold: float = 0.8

    def __post_init__(self) -> None:
        utilisation_truth(np.zeros((1, 1)), self.threshold)  # says what a threshold is

    @property
    def name(self) -> str:
        """For reports."""
        return f"idle:{self.threshold:g}"

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del pictures
        wait = valid.shape[1] - 1
        use = _fact(environment, "use_after", self.name)(rows)[:, :wait]
        roomy = _fact(environment, "startable", self.name)(rows) & (use <= self.threshold + 1e-9)
        return never_hold_truth(roomy, wait)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """Do as a policy does that sees the picture alone: a tree, edited or distilled, or another network."""

    name: str
    policy: Any

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del rows
        outputs = self.policy.outputs(pictures.astype(np.float32) * np.float32(environment.scale))
        return agreement_truth(np.where(valid, outputs, -np.inf).argmax(axis=1), valid.shape[1])


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """A user's function of domain quantities.

    Args:
        name: for reports and error messages.
        function: called with a mapping from quantity to its values ``[B]`` and with ``valid [B, A]``;
            returns the action of each state ``[B]``, or how true the rule is of each action ``[B, A]``.
        features: the system's domain quantities.
    """

    name: str
    function: Callable[[Mapping[str, Floats], NDArray[np.bool_]], Any]
    features: Any

    def truth(self, environment: BatchEnvironment, rows: Any, pictures: Any, valid: Any) -> Floats:
        """See :class:`SoftRule`."""
        del rows
        table = self.features(pictures.astype(np.float32) * np.float32(environment.scale))
        try:
            answers = np.asarray(self.function(dict(zip(self.features.names, table.T, strict=True)), valid.copy()))
        except Exception as error:
            msg = f"the rule {self.name} failed: {type(error).__name__}: {error}"
            raise DnnExplainError(msg) from error
        return self._checked(answers, valid)

    def _checked(self, answers: NDArray[Any], valid: NDArray[np.bool_]) -> Floats:
        count, actions = valid.shape
        if answers.shape == (count, actions) and answers.dtype.kind in "bfiu":
            truth = answers.astype(np.float64)
            if np.isfinite(truth).all() and truth.min(initial=0) >= 0 and truth.max(initial=1) <= 1:
                return truth
        elif (
            answers.shape == (count,) and answers.dtype.kind in "iu" and answers.min() >= 0 and answers.max() < actions
        ):
            return agreement_truth(answers.astype(np.int64), actions)
        msg = (
            f"the rule {self.name} must return one action per state, {count} whole numbers from 0 to {actions - 1}, or "
            f"how true it is of each action, numbers from 0 to 1, {count} x {actions}; it returned {answers.dtype} "
            f"{' x '.join(map(str, answers.shape)) or 'alone'}"
        )
        raise DnnExplainError(msg)


def _fact(environment: BatchEnvironment, fact: str, rule: str) -> Callable[[NDArray[np.int64]], NDArray[Any]]:
    method: Callable[[NDArray[np.int64]], NDArray[Any]] | None = getattr(environment, fact, None)
    if method is None:
        msg = f"the rule {rule} asks a simulator for {fact!r}, which {type(environment).__name__} does not have"
        raise DnnExplainError(msg)
    return method


_WITH_THRESHOLD: dict[str, Callable[[float], SoftRule]] = {"idle": IdleRule, "utilisation": UtilisationRule}


def make_rule(name: str, system: Any) -> SoftRule:
    """A rule by its name: one of the system's, ``never-hold``, ``idle:0.8``, or ``utilisation:0.8``.

    Raises:
        DnnExplainError: there is no such rule, or its threshold is no share.
    """
    kind, _, number = name.partition(":")
    if kind == "never-hold" and not number:
        return NeverHold()
    if kind in _WITH_THRESHOLD:
        try:
            threshold = float(number or 0.8)
        except ValueError:
            msg = f"{kind} takes a threshold such as {kind}:0.8, not {number!r}"
            raise DnnExplainError(msg) from None
        return _WITH_THRESHOLD[kind](threshold)
    known: Sequence[str] = [rule for rule in system.rules() if rule != "random"]
    if name not in known:
        raise Choice("rule for a teacher", name, (*known, "never-hold", "idle:0.8", "utilisation:0.8")).error()
    return SystemRule(name)


def load_function(path: Path, function: str, system: Any) -> FunctionRule:
    """A user's function from a Python file, as a rule.

    Raises:
        DnnExplainError: the file cannot be run, has no such function, or the system has no domain quantities.
    """
    features = getattr(system, "features", None)
    if features is None:
        msg = f"{system.name} has no domain quantities that a function could be given"
        raise DnnExplainError(msg)
    spec = importlib.util.spec_from_file_location(f"_teacher_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        msg = f"{path} is no Python file; write FILE.py:FUNCTION"
        raise DnnExplainError(msg)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a file that ends the program would end it with its own code
        msg = f"{path} cannot be run: {type(error).__name__}: {error}"
        raise DnnExplainError(msg) from error
    value = getattr(module, function, None)
    if not callable(value):
        known = tuple(name for name, item in vars(module).items() if inspect.isfunction(item))
        raise Choice(f"function in {path}", function, known).error()
    return FunctionRule(f"{path.name}:{function}", value, features)
