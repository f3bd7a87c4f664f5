"""Panels that explain a learned controller live, in JupyterLab, Voila or any Jupyter host.

``from dnnexplain_widgets import Dashboard; Dashboard(system, policy)`` shows everything; each panel
also works alone, ``DecisionPanel(system, policy)``, or joined to others by a :class:`Session`.
"""

from __future__ import annotations

from dnnexplain_widgets.dashboard import Dashboard
from dnnexplain_widgets.exercise import Exercise
from dnnexplain_widgets.panels import (
    AdversarialPanel,
    AttributionPanel,
    DecisionPanel,
    EmbeddingPanel,
    EpisodePanel,
    GraphPanel,
    InterventionPanel,
    KnowledgePanel,
    MaximalPanel,
    NeuronsPanel,
    Panel,
    PartRulesPanel,
    RulesPanel,
    SaliencyPanel,
    SettingsPanel,
    StateEditor,
    StressPanel,
    SweepMapPanel,
    ThresholdMapPanel,
    TopologyPanel,
    TrainingPanel,
    TransferPanel,
    WhiteBoxPanel,
    WorstCasePanel,
    WorstSequencePanel,
)
from dnnexplain_widgets.session import Session

__all__ = [
    "AdversarialPanel",
    "AttributionPanel",
    "Dashboard",
    "DecisionPanel",
    "EmbeddingPanel",
    "EpisodePanel",
    "Exercise",
    "GraphPanel",
    "InterventionPanel",
    "KnowledgePanel",
    "MaximalPanel",
    "NeuronsPanel",
    "Panel",
    "PartRulesPanel",
    "RulesPanel",
    "SaliencyPanel",
    "Session",
    "SettingsPanel",
    "StateEditor",
    "StressPanel",
    "SweepMapPanel",
    "ThresholdMapPanel",
    "TopologyPanel",
    "TrainingPanel",
    "TransferPanel",
    "WhiteBoxPanel",
    "WorstCasePanel",
    "WorstSequencePanel",
]
