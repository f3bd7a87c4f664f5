"""DeepRM: a learned job scheduler for a cluster with CPU and memory (Mao et al., HotNets 2016)."""

from dnnexplain.systems.deeprm.model import ORIGINAL_RULES, JobSet, Params
from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["ORIGINAL_RULES", "DeepRM", "JobSet", "Params"]
