"""What an explainer may ask of the world: knobs, states, decisions, episodes, policies, systems.

Nothing here is concrete and nothing here imports torch. ``B`` is a batch of states, ``K`` the number
of knobs, ``A`` the number of outputs (actions of a choice, or components of a vector), ``W`` a number
of workloads. Arrays carry their axes in the comment behind them, e.g. ``# [B, K]``.
"""

from __future__ import annotations

from dnnexplain.contract.abilities import (
    Acting,
    Costed,
    KnowsNetworks,
    Optimal,
    PartiallySeen,
    Played,
    Summarised,
    WatchedOptimum,
    WorkloadReader,
    lacking,
    need,
)
from dnnexplain.contract.adversaries import Adversary, Attackable
from dnnexplain.contract.episodes import (
    Bound,
    DecisionOracle,
    Episodes,
    EpisodeSystem,
    Judgement,
    LogReader,
    Measured,
    RatioCost,
    Replay,
    Replayable,
    Track,
    cost_is_ratio,
    cost_unit,
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
from dnnexplain.contract.spaces import Box, Discrete, MultiBinary, Space, stack_actions
from dnnexplain.contract.specs import (
    Example,
    Family,
    Metric,
    Parameter,
    Reader,
    Recipe,
    Role,
    Spec,
    load_reference,
)
from dnnexplain.contract.systems import NetworkPolicy, Policy, System, state_from_observation, state_from_values
from dnnexplain.contract.valid_states import DescribesValidStates, outside_valid, valid_states

__all__ = [
    "Acting",
    "Adversary",
    "Attackable",
    "Bound",
    "Box",
    "Cells",
    "Choice",
    "Costed",
    "Decision",
    "DecisionOracle",
    "Demand",
    "DescribesValidStates",
    "Discrete",
    "DnnExplainError",
    "EpisodeSystem",
    "Episodes",
    "Example",
    "Family",
    "Fits",
    "Flowing",
    "Flows",
    "Graph",
    "Handle",
    "Judgement",
    "Knob",
    "KnowsNetworks",
    "Level",
    "Listing",
    "LogReader",
    "Measured",
    "Metric",
    "MultiBinary",
    "NetworkPolicy",
    "Optimal",
    "Output",
    "OutputKind",
    "Painted",
    "Painting",
    "Pane",
    "Parameter",
    "PartiallySeen",
    "Pause",
    "Phrase",
    "Pictured",
    "Played",
    "Policy",
    "RatioCost",
    "Reader",
    "Recipe",
    "Rectangle",
    "Replay",
    "Replayable",
    "Role",
    "Run",
    "Space",
    "Spec",
    "State",
    "Summarised",
    "System",
    "Target",
    "TargetKind",
    "Track",
    "WatchedOptimum",
    "Whole",
    "WorkloadReader",
    "cost_is_ratio",
    "cost_unit",
    "lacking",
    "load_reference",
    "need",
    "outside_valid",
    "stack_actions",
    "state_from_observation",
    "state_from_values",
    "valid_states",
]
