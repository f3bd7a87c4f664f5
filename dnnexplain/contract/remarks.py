"""What a case of a worst-case search must not be shown without."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Remarking"]


@runtime_checkable
class Remarking(Protocol):
    """An adversary that says what a reader must know of a case: what the optimum may use, what is odd about the input."""

    def remarks(self, x: NDArray[np.float64]) -> tuple[str, ...]:
        """Sentences about one input ``[n]``."""
        ...
