"""Cloud RAN: which radio heads are awake, decided by a network; beams at least power by a convex program.

After Iqbal, Tham and Chang (IEEE Access 9:20440, 2021), the declared successor of Xu et al. (ICC 2017), as far
as its parameters are known; what is assumed beside is listed in :class:`~dnnexplain.systems.cran.scene.Scene`
and :func:`~dnnexplain.systems.cran.days.draw_days`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute

if TYPE_CHECKING:
    from dnnexplain.systems.cran.days import FAMILIES, Day, draw_days
    from dnnexplain.systems.cran.oracle import Plan, PlanOracle
    from dnnexplain.systems.cran.power import PowerSolution, least_power, powers_of_sets
    from dnnexplain.systems.cran.scene import SCENARIOS, Scene, scenario
    from dnnexplain.systems.cran.system import CloudRan

__all__ = [
    "FAMILIES",
    "SCENARIOS",
    "CloudRan",
    "Day",
    "Plan",
    "PlanOracle",
    "PowerSolution",
    "Scene",
    "draw_days",
    "least_power",
    "powers_of_sets",
    "scenario",
]

_HOME = {
    "FAMILIES": "days",
    "SCENARIOS": "scene",
    "CloudRan": "system",
    "Day": "days",
    "Plan": "oracle",
    "PlanOracle": "oracle",
    "PowerSolution": "power",
    "Scene": "scene",
    "draw_days": "days",
    "least_power": "power",
    "powers_of_sets": "power",
    "scenario": "scene",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
