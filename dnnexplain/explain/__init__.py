"""Explainers: functions over the contract that return frozen results.

Names are loaded when first used, so that importing this package does not import torch or captum.
"""

from __future__ import annotations

from typing import Any

from dnnexplain.gone import renamed
from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Account": "probing.account",
    "Attribution": "attribution.maps",
    "Census": "probing.threshold_maps",
    "Comparison": "attribution.agreement",
    "CostEffect": "probing.intervention",
    "Curves": "probing.thresholds",
    "Disagreement": "distillation",
    "Distillation": "distillation",
    "Embedding": "probing.embedding",
    "GapBox": "gray_box",
    "Knowledge": "probing.linear_probes",
    "LIMITS": "faithfulness.badge",
    "METHODS": "attribution.methods",
    "Maximum": "probing.maximal",
    "NeuronEffect": "probing.intervention",
    "OutputPolicy": "distillation",
    "OutputRules": "distillation",
    "SavedAndNow": "saved_results",
    "SearchComparison": "gray_box",
    "Surface": "probing.threshold_maps",
    "SweepMap": "decisions.sweep_map",
    "Consequences": "decisions.consequences",
    "Reliance": "attribution.reliance",
    "Survey": "attribution.many_states",
    "ThresholdCurve": "probing.thresholds",
    "ThresholdMap": "probing.threshold_maps",
    "TreePolicy": "distillation",
    "TrustBadge": "faithfulness.badge",
    "TrustedComparison": "faithfulness.compared",
    "UnitAttribution": "attribution.maps",
    "Visited": "probing.states_met",
    "WorstCase": "gray_box",
    "account": "probing.account",
    "attribute": "attribution.one_state",
    "attribute_units": "attribution.one_state",
    "census": "probing.threshold_maps",
    "clamped": "probing.clamping",
    "compare": "attribution.agreement",
    "compare_searches": "gray_box",
    "compare_saved": "attribution.saved_attribution",
    "compare_trusted": "faithfulness.compared",
    "compare_with_saved": "saved_results",
    "curve": "probing.thresholds",
    "curves": "probing.thresholds",
    "decide": "decisions.decision",
    "decide_many": "decisions.decision",
    "disagree": "distillation",
    "distil": "distillation",
    "domain_facts": "probing.domain_facts",
    "effect_on_cost": "probing.intervention",
    "embed": "probing.embedding",
    "export": "distillation",
    "export_outputs": "distillation",
    "fits": "attribution.methods",
    "gap_box": "gray_box",
    "intervene": "probing.intervention",
    "intervene_each": "probing.intervention",
    "kinds": "decisions.sweeps",
    "layer_of": "probing.neurons",
    "locate": "probing.embedding",
    "maximise": "probing.maximal",
    "maximise_all": "probing.maximal",
    "menu": "attribution.targets",
    "neuron_activations": "probing.neurons",
    "observe": "decisions.decision",
    "probe_facts": "probing.linear_probes",
    "problem_of": "gray_box",
    "reference_names": "attribution.baselines",
    "resolve": "attribution.targets",
    "surface": "probing.threshold_maps",
    "consequences": "decisions.consequences",
    "reliance": "attribution.reliance",
    "survey": "attribution.many_states",
    "sweep_map": "decisions.sweep_map",
    "sweep_of": "decisions.sweep_map",
    "largest_knobs": "probing.threshold_maps",
    "map_size": "probing.threshold_maps",
    "threshold_map": "probing.threshold_maps",
    "trust": "faithfulness.badge",
    "usable": "faithfulness.compared",
    "visited": "probing.states_met",
    "worst_case": "gray_box",
}

_former = renamed(__name__, distil_outputs="dnnexplain.explain.distillation:distil")

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name) if name in _HOME else _former(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
