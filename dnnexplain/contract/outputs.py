"""Outputs, targets and decisions: what a network emits, and which scalar of it is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import Choice
from dnnexplain.contract.knobs import State
from dnnexplain.contract.spaces import Box, Discrete, MultiBinary, Space

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Decision", "Output", "OutputKind", "Target", "TargetKind"]


class OutputKind(StrEnum):
    """The word for a space in files and on pages; code asks the space itself. Deprecated: use the spaces."""

    CHOICE = "choice"
    VALUES = "values"
    SWITCHES = "switches"


def Output(kind: OutputKind | str, names: tuple[str, ...], unit: str = "") -> Space:  # noqa: N802 - was a class
    """A space by the word for it. Deprecated: write ``Discrete(names)``, ``Box(names, unit)`` or ``MultiBinary(names)``."""
    made = {space.kind: space for space in (Discrete, Box, MultiBinary)}
    if str(kind) not in made:
        raise Choice("kind of output", str(kind), tuple(made)).error()
    warn(
        f"Output({str(kind)!r}, ...) is deprecated; write {made[str(kind)].__name__}(names)",
        DeprecationWarning,
        stacklevel=2,
    )
    if made[str(kind)] is Box:
        return Box(names, unit, low=-np.inf, high=np.inf)
    return made[str(kind)](names, unit)


class TargetKind(StrEnum):
    """Which scalar of the output is explained."""

    CONTRAST = "contrast"
    LOGIT = "logit"
    PROBABILITY = "probability"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Target:
    """A named scalar of the output: ``job 1 minus wait``, ``logit of job 1``, ``busiest link``.

    Attributes:
        name: what is explained, in words; every map and figure carries it.
        kind: contrast, logit, probability, or a value of the system's own.
        scalar: from the network's raw output ``[B, A]`` and its input ``[B, ...]`` (torch tensors) to
            ``[B]``, differentiable.
        index, against: the outputs it speaks of, or ``None``.
    """

    name: str
    kind: TargetKind
    scalar: Callable[[Tensor, Tensor], Tensor] = field(compare=False, repr=False)
    index: int | None = None
    against: int | None = None
    unit: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Decision:
    """What a policy does in one state.

    Attributes:
        outputs: the raw outputs (logits of a choice, numbers of a vector) ``[A]``.
        probabilities: of each action, or of each switch being on ``[A]``; ``None`` where numbers are set.
        valid: the actions that were allowed ``[A]``; all true where nothing is masked.
        action: the index of the most probable valid action of a ``Discrete``; ``None`` in other spaces.
        taken: what is done, in the form of the space: an index, numbers ``[A]``, or which switches are on ``[A]``.
    """

    state: State
    outputs: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    valid: NDArray[np.bool_]
    action: int | None
    taken: Any = None

    def __post_init__(self) -> None:
        if self.taken is None and self.action is not None:
            object.__setattr__(self, "taken", self.action)

    def __repr__(self) -> str:
        """What is done, in a line: ``Decision(action 2 of 4, with probability 0.813)``."""
        if self.action is None or self.probabilities is None:
            return f"Decision({np.array2string(np.asarray(self.taken), precision=3, threshold=8, edgeitems=3)})"
        return f"Decision(action {self.action} of {len(self.outputs)}, with probability {self.probabilities[self.action]:.3g})"
