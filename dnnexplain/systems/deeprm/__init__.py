"""DeepRM: a learned job scheduler for a cluster with CPU and memory (Mao et al., HotNets 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnexplain.lazy import lazy_attribute

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
    "ORIGINAL_RULES": "model",
    "DeepRM": "system",
    "JobSet": "model",
    "Params": "model",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)
