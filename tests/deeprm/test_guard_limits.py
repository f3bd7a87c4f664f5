"""The bound on every policy's worst gap: no run is below what is said to be the least cost."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from dnnexplain.systems import make_system

PATH = Path(__file__).parents[2] / "benchmarks" / "guard_limits.py"
SPEC: Any = importlib.util.spec_from_file_location("guard_limits", PATH)
LIMITS: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(LIMITS)


@pytest.mark.parametrize("rule", ["sjf", "hold", "tetris"])
def test_no_rule_costs_less_than_the_least_of_whoever_starts_when_it_does(rule: str) -> None:
    system: Any = make_system("deeprm")
    policy = system.rules()[rule]
    begun = int(system.run(policy, [LIMITS.job_set(6)]).detail.start[0, 1])
    counts = [0, 1, 7, 49 - begun]
    costs = system.run(policy, [LIMITS.job_set(6, begun, more) for more in counts]).cost
    least = [LIMITS.least_cost(6, begun, more) for more in counts]
    assert (costs >= [cost - 1e-9 for cost in least]).all()
    if rule == "sjf":
        assert costs == pytest.approx(least)  # whoever starts it at once, and each of the others when it fits
