"""DeepRM: a learned job scheduler for a cluster with CPU and memory (Mao et al., HotNets 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute
from dnnexplain.moved import MOVED, add_moved

if TYPE_CHECKING:
    from dnnexplain.systems.deeprm.simulator.model import ORIGINAL_RULES, JobSet, Params
    from dnnexplain.systems.deeprm.system import DeepRM

__all__ = [
    "ORIGINAL_RULES",
    "DeepRM",
    "JobSet",
    "Params",
]

_HOME = {
    "ORIGINAL_RULES": "simulator.model",
    "DeepRM": "system",
    "JobSet": "simulator.model",
    "Params": "simulator.model",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)


add_moved(
    __name__,
    {
        "simulator": "arrays kernels runner view_kernels recorder played metrics busy model",
        "oracle": "bounds judge optimal_replay schedule",
        "observation": "codec knobs painting states features feature_kernels fact_kernels pictures",
        "workloads": "workload_parts=parts jobfiles job_box mutation likelihood records swf swf_fit swf_mapping swf_sets",
        "rules": "rule_kernels=kernels rule_policy=policy",
    },
)
MOVED[f"{__name__}.intervals"] = "dnnexplain.old_intervals"
