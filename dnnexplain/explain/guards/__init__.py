"""Guards: short lists of rules that step in where a policy is known to fail, around any policy, the network untouched."""

from dnnexplain.explain.guards.adversary import Adverse, worst_workloads
from dnnexplain.explain.guards.candidates import candidates
from dnnexplain.explain.guards.compiling import compile_guard
from dnnexplain.explain.guards.evaluation import GuardReport, evaluate_guard
from dnnexplain.explain.guards.export import EXPORTS, export_guard
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.guards.guarded import Guarded, StepsIn, told_steps
from dnnexplain.explain.guards.stay import Stay

__all__ = [
    "EXPORTS",
    "Adverse",
    "Guard",
    "GuardReport",
    "GuardRule",
    "Guarded",
    "Stay",
    "StepsIn",
    "candidates",
    "compile_guard",
    "evaluate_guard",
    "export_guard",
    "told_steps",
    "worst_workloads",
]
