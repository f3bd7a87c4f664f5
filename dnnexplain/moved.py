"""Modules that moved: their old names still import for one release, with a warning that says the new one."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["MOVED", "add_moved", "install"]

MOVED = {
    "dnnexplain.policies.model_card": "dnnexplain.policies._model_card",
    "dnnexplain.explain.gradients": "dnnexplain.explain.attribution.gradients",
    "dnnexplain.explain.path": "dnnexplain.explain.attribution.bent_path",
    "dnnexplain.explain.removal": "dnnexplain.explain.attribution.removal",
    "dnnexplain.explain.methods": "dnnexplain.explain.attribution.methods",
    "dnnexplain.explain.maps": "dnnexplain.explain.attribution.maps",
    "dnnexplain.explain.baselines": "dnnexplain.explain.attribution.baselines",
    "dnnexplain.explain.targets": "dnnexplain.explain.attribution.targets",
    "dnnexplain.explain.problem": "dnnexplain.explain.attribution.captum_question",
    "dnnexplain.explain.agreement": "dnnexplain.explain.attribution.agreement",
    "dnnexplain.explain.surveys": "dnnexplain.explain.attribution.many_states",
    "dnnexplain.explain.reliance": "dnnexplain.explain.attribution.reliance",
    "dnnexplain.explain.words": "dnnexplain.explain.attribution.sentences",
    "dnnexplain.explain.then_and_now": "dnnexplain.explain.attribution.saved_attribution",
    "dnnexplain.explain.badge": "dnnexplain.explain.faithfulness.badge",
    "dnnexplain.explain.evidence": "dnnexplain.explain.faithfulness.evidence",
    "dnnexplain.explain.trial": "dnnexplain.explain.faithfulness.tried_map",
    "dnnexplain.explain.cell_trials": "dnnexplain.explain.faithfulness.tried_cells",
    "dnnexplain.explain.trusted": "dnnexplain.explain.faithfulness.compared",
    "dnnexplain.explain.neurons": "dnnexplain.explain.probing.neurons",
    "dnnexplain.explain.affine": "dnnexplain.explain.probing.affine",
    "dnnexplain.explain.thresholds": "dnnexplain.explain.probing.thresholds",
    "dnnexplain.explain.threshold_maps": "dnnexplain.explain.probing.threshold_maps",
    "dnnexplain.explain.responses": "dnnexplain.explain.probing.responses",
    "dnnexplain.explain.maximal": "dnnexplain.explain.probing.maximal",
    "dnnexplain.explain.sum_of_parts": "dnnexplain.explain.probing.sum_of_parts",
    "dnnexplain.explain.straight_box": "dnnexplain.explain.probing.straight_box",
    "dnnexplain.explain.box_search": "dnnexplain.explain.probing.box_search",
    "dnnexplain.explain.search_blocks": "dnnexplain.explain.probing.block_search",
    "dnnexplain.explain.knob_blocks": "dnnexplain.explain.probing.knob_blocks",
    "dnnexplain.explain.causal": "dnnexplain.explain.probing.intervention",
    "dnnexplain.explain.clamping": "dnnexplain.explain.probing.clamping",
    "dnnexplain.explain.knowledge": "dnnexplain.explain.probing.linear_probes",
    "dnnexplain.explain.facts": "dnnexplain.explain.probing.domain_facts",
    "dnnexplain.explain.embedding": "dnnexplain.explain.probing.embedding",
    "dnnexplain.explain.visits": "dnnexplain.explain.probing.states_met",
    "dnnexplain.explain.white_box": "dnnexplain.explain.probing.account",
    "dnnexplain.explain.decision": "dnnexplain.explain.decisions.decision",
    "dnnexplain.explain.decision_record": "dnnexplain.explain.decisions.record",
    "dnnexplain.explain.outcomes": "dnnexplain.explain.decisions.outcomes",
    "dnnexplain.explain.flows": "dnnexplain.explain.decisions.flows",
    "dnnexplain.explain.interventions": "dnnexplain.explain.decisions.real_changes",
    "dnnexplain.explain.consequences": "dnnexplain.explain.decisions.consequences",
    "dnnexplain.explain.asked": "dnnexplain.explain.decisions.limits",
    "dnnexplain.explain.sweeps": "dnnexplain.explain.decisions.sweeps",
    "dnnexplain.explain.forward": "dnnexplain.explain.networks.hooks",
    "dnnexplain.explain.plain_network": "dnnexplain.explain.networks.plain",
    "dnnexplain.explain.module_kinds": "dnnexplain.explain.networks.module_kinds",
    "dnnexplain.explain.transfer_result": "dnnexplain.explain.transfer.result",
    "dnnexplain.explain.transfer_words": "dnnexplain.explain.transfer.words",
    "dnnexplain.explain.paired": "dnnexplain.explain.transfer.paired",
    "dnnexplain.explain.saved_and_now": "dnnexplain.explain.saved_results",
    "dnnexplain.explain.stress.told": "dnnexplain.explain.stress.summaries",
    "dnnexplain_widgets.late": "dnnexplain_widgets.background_map",
    "dnnexplain_widgets.wire": "dnnexplain_widgets.messages",
    "dnnexplain_widgets.panels.rules_desk": "dnnexplain_widgets.panels.rules.model",
    "dnnexplain_widgets.panels.rules_edits": "dnnexplain_widgets.panels.rules.model",
    "dnnexplain_widgets.panels.rules_work": "dnnexplain_widgets.panels.rules.work",
    "dnnexplain_widgets.panels.rules_asked": "dnnexplain_widgets.panels.rules.question",
    "dnnexplain_widgets.panels.rules_figures": "dnnexplain_widgets.panels.rules.view",
    "dnnexplain_widgets.panels.rules_words": "dnnexplain_widgets.panels.rules.view",
    "dnnexplain_widgets.panels.rules_controls": "dnnexplain_widgets.panels.rules.view",
}
"""Old name: new name. A module whose name became a package's is not here: the package offers its names.

A package below adds its own with :func:`add_moved`, before any of its modules can be imported.
"""


class _Moved(MetaPathFinder, Loader):
    """Finds an old name and answers with the module of the new one."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = MOVED[spec.name]
        message = f"{spec.name} is now {new}; the old name goes in the next release"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        module = import_module(new)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec


def add_moved(package: str, homes: dict[str, str]) -> None:
    """Let old modules of a package be found.

    Args:
        package: its full name.
        homes: new subpackage: the modules that moved there under their old names, or ``old=new``, with blanks between.
    """
    for home, names in homes.items():
        for name in names.split():
            old, _, new = name.partition("=")
            MOVED[f"{package}.{old}"] = f"{package}.{home}.{new or old}"


def install() -> None:
    """Let imports find old names."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        sys.meta_path.append(_Moved())
