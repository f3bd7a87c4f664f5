"""Outputs, targets and decisions: what a network emits, and which scalar of it is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract.errors import DnnExplainError
from dnnexplain.contract.knobs import State

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Decision", "Output", "OutputKind", "Target", "TargetKind"]


class OutputKind(StrEnum):
    """Whether the network picks one of ``A`` actions, or emits ``A`` numbers."""

    CHOICE = "choice"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class Output:
    """What the network emits: the names of its actions, or of the components of its vector."""

    kind: OutputKind
    names: tuple[str, ...]
    unit: str = ""

    def index(self, name: str) -> int:
        """The position of an output by its name."""
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else "")
            msg = f"no output is called {name!r}; there are: {known}"
            raise DnnExplainError(msg) from None


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


@dataclass(frozen=True, eq=False)
class Decision:
    """What a policy does in one state.

    Attributes:
        outputs: the raw outputs (logits of a choice, numbers of a vector) ``[A]``.
        probabilities: after masking and softmax ``[A]``; for a vector output ``None``.
        valid: the actions that were allowed ``[A]``; all true where nothing is masked.
        action: the most probable valid action, or ``None`` for a vector output.
    """

    state: State
    outputs: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    valid: NDArray[np.bool_]
    action: int | None
