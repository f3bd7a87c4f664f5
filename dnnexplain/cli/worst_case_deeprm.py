"""Where job scheduling meets the worst-case search: whole job sets, through sampled components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dnnexplain.contract import Policy
    from dnnexplain.explain.gray_box.problem import Problem
    from dnnexplain.systems.deeprm import DeepRM, JobSet

__all__ = ["JobSets", "deeprm_problem"]

WIDEST_GAP = 4
SAMPLES = 12


class JobSets:
    """Job sets as rows of numbers: per job its length, CPU, memory, and the steps since the job before it.

    Args:
        system: bounds lengths and demands.
        jobs: how many jobs a set has.
    """

    def __init__(self, system: DeepRM, jobs: int) -> None:
        import numpy as np

        self.system, self.jobs = system, jobs
        params = system.params
        self.low = np.tile([1.0, 1.0, 1.0, 0.0], jobs)
        widest = float(params.max_job_units)
        self.high = np.tile([float(params.max_job_length), widest, widest, float(WIDEST_GAP)], jobs)
        parts = ("length, steps", "CPU, units", "memory, units", "gap before it, steps")
        self.names = tuple(f"job {job + 1} {part}" for job in range(jobs) for part in parts)
        self.blocks = tuple(np.arange(4 * job, 4 * job + 4) for job in range(jobs))

    def job_set(self, row: NDArray[np.float64]) -> JobSet:
        """One row ``[4 J]``, rounded, as a workload of the system."""
        import numpy as np

        from dnnexplain.systems.deeprm import JobSet

        length, cpu, memory, gap = np.rint(row.reshape(-1, 4)).astype(np.int64).T
        arrival = 1 + np.cumsum(gap)
        return JobSet(arrival, length, cpu, memory, int(arrival[-1]) + 1, "worst case")

    def cost(self, policy: Policy, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean slowdown of a policy, all jobs counted, for rows ``[B, 4 J]``: ``[B]``."""
        return self.system.run(policy, [self.job_set(row) for row in x]).cost


def deeprm_problem(system: DeepRM, policy: Policy, jobs: int = 12, *, name: str = "", seconds: float = 2.0) -> Problem:
    """Mean slowdown over its optimum as a problem for ``explain.gray_box.worst_case``.

    A simulator of whole jobs has no gradient: the policy's run and the optimum are sampled around the job set.
    While it searches, the best rule's slowdown stands for the optimum; it is never below the optimum, so ratios
    are sound. What is reported is certified by the exact solver.

    Args:
        system: the cluster.
        policy: a network or a rule.
        jobs: how many jobs the set has; sets of up to about 15 are solved exactly in seconds.
        name: for results; the policy's if not given.
        seconds: limit of the solver for each case that is certified.
    """
    import numpy as np

    from dnnexplain.explain.gray_box import Domain, Pipeline, Problem, Sampled

    sets = JobSets(system, jobs)
    rules = [rule for known, rule in system.rules().items() if known != "random"]
    around: dict[str, Any] = {"samples": SAMPLES, "radius": np.maximum(0.1 * (sets.high - sets.low), 1.0)}
    around |= {"low": sets.low, "high": sets.high}

    def best_rule(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.min([sets.cost(rule, x) for rule in rules], axis=0)

    made: Problem = Problem(
        name or f"{policy.name} on job sets",
        Pipeline([Sampled(lambda x: sets.cost(policy, x), **around, name="cluster under the policy")]),
        Domain(sets.low, sets.high, sets.names, "", sets.blocks, whole=True),
        Sampled(best_rule, **around, name="best rule"),
        lambda x: system.bound(sets.job_set(x), seconds=seconds),
        cost_name=system.cost_name,
        certify_seconds=seconds,
    )
    return made
