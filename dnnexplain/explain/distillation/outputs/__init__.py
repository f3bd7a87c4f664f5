"""Rules out of a policy that sets numbers or switches: regression trees for a ``Box``, a tree per switch for a ``MultiBinary``.

The same imitation as of a choice (:mod:`dnnexplain.explain.distillation.distil`): the student's own states
(DAgger: Ross et al., AISTATS 2011), the student chosen by what its episodes cost.
"""

from dnnexplain.explain.distillation.outputs.distil import distil_parts
from dnnexplain.explain.distillation.outputs.export import OUTPUT_EXPORTS, export_outputs
from dnnexplain.explain.distillation.outputs.policy import OutputPolicy
from dnnexplain.explain.distillation.outputs.result import OutputRules
from dnnexplain.explain.distillation.outputs.trees import OutputTrees

__all__ = ["OUTPUT_EXPORTS", "OutputPolicy", "OutputRules", "OutputTrees", "distil_parts", "export_outputs"]
