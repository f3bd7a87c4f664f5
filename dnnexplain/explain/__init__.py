"""Explainers: functions over the contract that return frozen results.

Names are loaded when first used, so that importing this package does not import torch or captum.
"""

from __future__ import annotations

from typing import Any

from dnnexplain.lazy import lazy_attribute

_HOME = {
    "Account": "white_box",
    "Attribution": "maps",
    "Census": "threshold_maps",
    "Comparison": "agreement",
    "CostEffect": "causal",
    "Curves": "thresholds",
    "Disagreement": "distillation",
    "Distillation": "distillation",
    "Embedding": "embedding",
    "GapBox": "gray_box",
    "Knowledge": "knowledge",
    "LIMITS": "badge",
    "METHODS": "methods",
    "Maximum": "maximal",
    "NeuronEffect": "causal",
    "OutputPolicy": "distillation",
    "OutputRules": "distillation",
    "SavedAndNow": "saved_and_now",
    "SearchComparison": "gray_box",
    "Surface": "threshold_maps",
    "Consequences": "consequences",
    "Reliance": "reliance",
    "Survey": "surveys",
    "ThresholdCurve": "thresholds",
    "ThresholdMap": "threshold_maps",
    "TreePolicy": "distillation",
    "TrustBadge": "badge",
    "TrustedComparison": "trusted",
    "UnitAttribution": "maps",
    "Visited": "visits",
    "WorstCase": "gray_box",
    "account": "white_box",
    "attribute": "attribution",
    "attribute_units": "attribution",
    "census": "threshold_maps",
    "clamped": "clamping",
    "compare": "agreement",
    "compare_searches": "gray_box",
    "compare_saved": "then_and_now",
    "compare_trusted": "trusted",
    "compare_with_saved": "saved_and_now",
    "curve": "thresholds",
    "curves": "thresholds",
    "decide": "decision",
    "decide_many": "decision",
    "disagree": "distillation",
    "distil": "distillation",
    "distil_outputs": "distillation",
    "domain_facts": "facts",
    "effect_on_cost": "causal",
    "embed": "embedding",
    "export": "distillation",
    "export_outputs": "distillation",
    "fits": "methods",
    "gap_box": "gray_box",
    "intervene": "causal",
    "intervene_each": "causal",
    "kinds": "sweeps",
    "layer_of": "neurons",
    "locate": "embedding",
    "maximise": "maximal",
    "maximise_all": "maximal",
    "menu": "targets",
    "neuron_activations": "neurons",
    "observe": "decision",
    "probe_facts": "knowledge",
    "problem_of": "gray_box",
    "reference_names": "baselines",
    "resolve": "targets",
    "surface": "threshold_maps",
    "consequences": "consequences",
    "reliance": "reliance",
    "survey": "surveys",
    "threshold_map": "threshold_maps",
    "trust": "badge",
    "usable": "trusted",
    "visited": "visits",
    "worst_case": "gray_box",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the table is the one list of names


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
