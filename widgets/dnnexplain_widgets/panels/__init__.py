"""The panels; each answers one question and works alone in a notebook cell."""

from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.panels.episode import EpisodePanel
from dnnexplain_widgets.panels.neurons import NeuronsPanel
from dnnexplain_widgets.panels.saliency import SaliencyPanel

__all__ = ["DecisionPanel", "EpisodePanel", "NeuronsPanel", "Panel", "SaliencyPanel", "StateEditor"]
