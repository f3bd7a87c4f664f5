"""What an explainer may ask of the world: knobs, states, decisions, episodes, policies, systems.

Nothing here is concrete and nothing here imports torch. ``B`` is a batch of states, ``K`` the number
of knobs, ``A`` the number of outputs (actions of a choice, or components of a vector), ``W`` a number
of workloads. Arrays carry their axes in the comment behind them, e.g. ``# [B, K]``.
"""

from __future__ import annotations

from dnnexplain.contract.adversaries import Adversary, Attackable
from dnnexplain.contract.episodes import (
    Bound,
    DecisionOracle,
    Episodes,
    EpisodeSystem,
    Judgement,
    LogReader,
    Measured,
    Replay,
    Replayable,
    Track,
)
from dnnexplain.contract.errors import Choice, DnnExplainError
from dnnexplain.contract.flows import Flowing, Flows, Graph
from dnnexplain.contract.knobs import Knob, State
from dnnexplain.contract.outputs import Decision, Output, OutputKind, Target, TargetKind
from dnnexplain.contract.paintings import (
    Cells,
    Demand,
    Fits,
    Level,
    Listing,
    Painted,
    Painting,
    Pause,
    Phrase,
    Rectangle,
    Run,
    Whole,
)
from dnnexplain.contract.pictures import Handle, Pane, Pictured
from dnnexplain.contract.systems import NetworkPolicy, Policy, System, state_from_observation, state_from_values

__all__ = [
    "Adversary",
    "Attackable",
    "Bound",
    "Cells",
    "Choice",
    "Decision",
    "DecisionOracle",
    "Demand",
    "DnnExplainError",
    "EpisodeSystem",
    "Episodes",
    "Fits",
    "Flowing",
    "Flows",
    "Graph",
    "Handle",
    "Judgement",
    "Knob",
    "Level",
    "Listing",
    "LogReader",
    "Measured",
    "NetworkPolicy",
    "Output",
    "OutputKind",
    "Painted",
    "Painting",
    "Pane",
    "Pause",
    "Phrase",
    "Pictured",
    "Policy",
    "Rectangle",
    "Replay",
    "Replayable",
    "Run",
    "State",
    "System",
    "Target",
    "TargetKind",
    "Track",
    "Whole",
    "state_from_observation",
    "state_from_values",
]
