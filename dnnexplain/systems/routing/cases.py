"""What a policy sees of workloads: the matrix to route, the history before it, or the whole case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.systems.routing.traffic import TrafficCase

if TYPE_CHECKING:
    from dnnexplain.systems.routing.routed import Routed

__all__ = ["observe_cases"]


def observe_cases(system: Routed, workloads: Sequence[TrafficCase]) -> NDArray[np.float32]:
    """Observations ``[W, *observation_shape]`` of workloads, float32.

    Raises:
        DnnExplainError: a workload has fewer earlier matrices than the system shows.
    """
    demands = np.array([case.demands for case in workloads], dtype=np.float32)
    if not system.history:
        return demands.reshape(-1, *system.observation_shape)
    short = [len(case.history) for case in workloads if len(case.history) < system.history]
    if short:
        msg = f"a policy sees {counted(system.history, 'earlier matrix', 'earlier matrices')}, but a workload has {short[0]}; make it with this system"
        raise DnnExplainError(msg)
    rows = np.array([case.history[-system.history :] for case in workloads], dtype=np.float32)
    return np.concatenate([rows, demands[:, None]], axis=1) if system.routed else rows
