"""Guards: short lists of rules that step in where a policy is known to fail, around any policy, the network untouched."""

from dnnexplain.explain.guards.export import EXPORTS, export_guard
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded, StepsIn, told_steps

__all__ = ["EXPORTS", "Guard", "GuardRule", "Guarded", "StepsIn", "export_guard", "told_steps"]
