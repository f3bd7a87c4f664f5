"""The panels; each answers one question and works alone in a notebook cell."""

from dnnexplain_widgets.panels.adversarial import AdversarialPanel
from dnnexplain_widgets.panels.attribution import AttributionPanel
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.panels.episode import EpisodePanel
from dnnexplain_widgets.panels.neurons import NeuronsPanel
from dnnexplain_widgets.panels.saliency import SaliencyPanel
from dnnexplain_widgets.panels.sequence import WorstSequencePanel
from dnnexplain_widgets.panels.transfer import TransferPanel
from dnnexplain_widgets.panels.white_box import WhiteBoxPanel

__all__ = [
    "AdversarialPanel",
    "AttributionPanel",
    "DecisionPanel",
    "EpisodePanel",
    "NeuronsPanel",
    "Panel",
    "SaliencyPanel",
    "StateEditor",
    "TransferPanel",
    "WhiteBoxPanel",
    "WorstSequencePanel",
]
