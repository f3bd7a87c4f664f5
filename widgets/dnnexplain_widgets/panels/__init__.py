"""The panels; each answers one question and works alone in a notebook cell."""

from dnnexplain_widgets.panels.adversarial import AdversarialPanel
from dnnexplain_widgets.panels.attribution import AttributionPanel
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.panels.embedding import EmbeddingPanel
from dnnexplain_widgets.panels.episode import EpisodePanel
from dnnexplain_widgets.panels.graph import GraphPanel
from dnnexplain_widgets.panels.intervention import InterventionPanel
from dnnexplain_widgets.panels.knowledge import KnowledgePanel
from dnnexplain_widgets.panels.maximal import MaximalPanel
from dnnexplain_widgets.panels.neurons import NeuronsPanel
from dnnexplain_widgets.panels.part_rules import PartRulesPanel
from dnnexplain_widgets.panels.rules.panel import RulesPanel
from dnnexplain_widgets.panels.saliency import SaliencyPanel
from dnnexplain_widgets.panels.sequence import WorstSequencePanel
from dnnexplain_widgets.panels.settings import SettingsPanel
from dnnexplain_widgets.panels.stress import StressPanel
from dnnexplain_widgets.panels.sweep_map import SweepMapPanel
from dnnexplain_widgets.panels.thresholds import ThresholdMapPanel
from dnnexplain_widgets.panels.topology import TopologyPanel
from dnnexplain_widgets.panels.training import TrainingPanel
from dnnexplain_widgets.panels.transfer import TransferPanel
from dnnexplain_widgets.panels.white_box import WhiteBoxPanel
from dnnexplain_widgets.panels.worst_case import WorstCasePanel

__all__ = [
    "AdversarialPanel",
    "AttributionPanel",
    "DecisionPanel",
    "EmbeddingPanel",
    "EpisodePanel",
    "GraphPanel",
    "InterventionPanel",
    "KnowledgePanel",
    "MaximalPanel",
    "NeuronsPanel",
    "Panel",
    "PartRulesPanel",
    "RulesPanel",
    "SaliencyPanel",
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
