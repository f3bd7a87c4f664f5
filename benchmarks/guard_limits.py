"""How small can a worst gap be? What no policy of the cluster can do, whatever guards it: a fork that it cannot see coming.

    python benchmarks/guard_limits.py [--json]

Two jobs come first: a long thin one (15 steps, a tenth of the cluster), then one of L steps that a job of nine tenths cannot
run beside. Whoever decides must start the second one in some step t, having seen nothing else; the jobs to come may depend
on t. Either nobody comes any more (until the last step in which jobs may arrive), or from the step after t on there comes
a job of one step and nine tenths in every step, which all wait until the second job has ended. SJF starts it at once, which
is right in the first case; hold waits while jobs come, which is right in the second; and who starts it late has both
against him, for SJF has it behind him by then. So with cost(t) the least that is possible for whoever starts it in step t,

    gap(t) = max(cost(t) / best rule - 1 without further jobs, the same with them),

no policy's worst gap to the best rule is below the least gap(t) of all t: this is a two-person game of which the value is
bounded from below (Yao's and Sleator and Tarjan's way to bound what on-line algorithms can do; Borodin and El-Yaniv, 1998).
Rules are run in the simulator. The policy's cost is bounded by hand: the second job waits t - 2 steps; no job of nine tenths
runs beside it or beside another one of its kind, so n of them that come one a step wait L - 1 steps each on average, at
least. Then policies are run on the workloads that follow from their own t, to see that the bound is kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dnnexplain.explain.guards.adversary import behind, best_of
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system
from dnnexplain.systems.deeprm import JobSet

FIRST, SECOND, STEPS = (1, 15, 1, 1), 2, 50
"""The long thin job (arrival, length, CPU, memory); when the second one comes; before which step jobs may."""
NETWORKS = ("default", "as-published", "conv")


def job_set(length: int, begun: int = 0, further: int = 0) -> Any:
    """The two jobs, and so many of nine tenths from the step after ``begun``."""
    jobs = np.array([FIRST, (SECOND, length, 2, 2), *[(begun + 1 + i, 1, 9, 9) for i in range(further)]])
    return JobSet(*jobs.T, steps=STEPS)


def least_cost(length: int, begun: int, further: int) -> float:
    """The least mean slowdown of whoever starts the second job in a step."""
    return (1 + (begun - SECOND + length) / length + further * length) / (2 + further)


def limit(system: Any, rules: Mapping[str, Any], length: int) -> dict[str, Any]:
    """The least worst gap of any policy on the fork with a second job of so many steps."""
    forks = [(begun, more) for begun in range(SECOND, STEPS) for more in range(STEPS - begun)]
    best = best_of(system, rules, [job_set(length, *fork) for fork in forks])
    least = np.array([least_cost(length, *fork) for fork in forks])
    gaps = behind(system, least, best)
    worst: dict[int, tuple[float, int]] = {}
    for (begun, more), gap in zip(forks, gaps.tolist(), strict=True):
        worst[begun] = max(worst.get(begun, (-np.inf, 0)), (gap, more))
    return {"length": length, "gap": min(worst.values())[0], "worst": worst}


def kept(system: Any, rules: Mapping[str, Any], policy: Any, found: Mapping[str, Any]) -> tuple[int, float]:
    """When a policy starts the second job, and its gap on what follows from that."""
    length = int(found["length"])
    begun = int(system.run(policy, [job_set(length)]).detail.start[0, 1])
    more = found["worst"][begun][1] if begun in found["worst"] else 0
    workload = [job_set(length, begun, more)]
    return begun, float(behind(system, system.run(policy, workload).cost, best_of(system, rules, workload))[0])


def main() -> None:
    """Print the bound, and how policies keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lengths", type=int, nargs="+", default=[4, 5, 6, 7, 8])
    asked = parser.parse_args()
    system: Any = make_system("deeprm")
    rules = {name: rule for name, rule in system.rules().items() if name not in {"random", "optimum"}}
    every = [limit(system, rules, length) for length in asked.lengths]
    best = max(every, key=lambda found: found["gap"])
    who: Sequence[Any] = (*[named_policy(system, name) for name in NETWORKS], *rules.values())
    runs = {policy.name: kept(system, rules, policy, best) for policy in who}
    if asked.json:
        limits = [{"length": found["length"], "gap": found["gap"]} for found in every]
        told = {name: {"starts": begun, "gap": gap} for name, (begun, gap) in runs.items()}
        print(json.dumps({"limits": limits, "policies": told}))
        return
    print("| second job | no policy's worst gap is below |\n|-|-|")
    print("\n".join(f"| {found['length']} steps | {found['gap']:.2f} |" for found in every))
    print(f"\n| decides | starts the job of {best['length']} steps in step | gap on what follows |\n|-|-|-|")
    print("\n".join(f"| {name} | {begun} | {gap:.2f} |" for name, (begun, gap) in runs.items()))


if __name__ == "__main__":
    main()
