"""Rules out of a network: a small decision tree in domain words that decides as it does.

Imitation with the student's own states (DAgger: Ross et al.,
AISTATS 2011), decisions resampled by how much they matter (VIPER: Bastani et al., NeurIPS 2018), the
student chosen by what its episodes cost.
"""

from dnnexplain.explain.distillation.comparison import RuleComparison, compare
from dnnexplain.explain.distillation.decisions import Decisions, labelled
from dnnexplain.explain.distillation.disagreement import Disagreement, disagree
from dnnexplain.explain.distillation.distil import distil
from dnnexplain.explain.distillation.export import EXPORTS, export
from dnnexplain.explain.distillation.outputs import (
    OutputPolicy,
    OutputRules,
    OutputTrees,
    export_outputs,
)
from dnnexplain.explain.distillation.policy import TreePolicy
from dnnexplain.explain.distillation.result import Distillation
from dnnexplain.explain.distillation.rulebook import Rulebook
from dnnexplain.explain.distillation.tree import Tree
from dnnexplain.explain.distillation.world import Distillable, Features, Parted, Parts
from dnnexplain.gone import renamed

__all__ = [
    "EXPORTS",
    "Decisions",
    "Disagreement",
    "Distillable",
    "Distillation",
    "Features",
    "OutputPolicy",
    "OutputRules",
    "OutputTrees",
    "Parted",
    "Parts",
    "RuleComparison",
    "Rulebook",
    "Tree",
    "TreePolicy",
    "compare",
    "disagree",
    "distil",
    "export",
    "export_outputs",
    "labelled",
]

__getattr__ = renamed(__name__, distil_outputs="dnnexplain.explain.distillation:distil")
