"""What is said of an optimum, held against the simulator: no run may cost less than its bound, and its plan what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Bound, Optimal
from dnnexplain.explain.proofs.certificate import Certificate, Claim, Sense, certify

__all__ = ["certify_optimum"]


def certify_optimum(
    system: Any, workload: Any, bound: Bound, costs: Sequence[float], *, seconds: float = 10.0
) -> Certificate:
    """Whether an interval of an optimum agrees with what was run.

    Args:
        system: that gave the bound, and runs workloads; where it can run the optimum's plan
            (:class:`~dnnexplain.contract.Optimal`), the plan is simulated, too.
        workload: the workload.
        bound: what is known of its optimum.
        costs: what policies and rules cost on it, as simulated ``[n]``, at least one.
        seconds: for the plan, as for the bound.

    Returns:
        A certificate that holds unless some run costs less than the lower end, or the plan's run is not the upper end.
    """
    quantifies = "every plan for this workload"
    claim = Claim(f"no plan costs less than {bound.lower:.6g}", bound.lower, Sense.AT_LEAST)
    certificate = None
    if np.isfinite(bound.lower):
        runs = np.asarray(costs, dtype=np.float64)
        places = np.arange(len(runs), dtype=np.float64)[:, None]
        certificate = certify(claim, _of(runs), _of(runs), places, quantifies=quantifies)
        if not certificate.holds or not isinstance(system, Optimal) or not np.isfinite(bound.upper):
            return certificate
    if not isinstance(system, Optimal) or not np.isfinite(bound.upper):
        why = "No proof: nothing is known of the optimum."
        return Certificate(claim.text, holds=False, checked=np.nan, tolerance=0.0, states=0, reason=why)
    plan = np.asarray(system.run_optimum([workload], seconds=seconds).cost, dtype=np.float64)
    said = Claim(f"a plan is known that costs {bound.upper:.6g}")
    planned = certify(said, _of(np.array([bound.upper])), _of(plan), np.zeros((1, 1)), quantifies=quantifies)
    return planned if certificate is None or not planned.holds else certificate


def _of(values: NDArray[np.float64]) -> Any:
    return lambda rows: values[np.asarray(rows, dtype=np.int64)[:, 0]]
