"""Which panels a page has, and where: the one table. To add a panel, add an :class:`Entry`.

A panel is imported and made when its section is first opened, so a page with many panels starts as fast
as one with few. What a panel needs beyond the session (``OPTIONS``) comes from whoever makes the
dashboard: ``Dashboard(..., options={"AdversarialPanel": {"likelihood": ...}})``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from dnnexplain.contract import (
    Attackable,
    Batched,
    Continuing,
    DecisionOracle,
    Discrete,
    Distillable,
    DnnExplainError,
    EpisodeSystem,
    Flowing,
    GraphView,
    Mutable,
    NamesWorkloads,
    Parted,
    Pictured,
    Replayable,
    System,
)
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.registry import spec_of
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.sentences import FEW_OUTPUTS
from dnnexplain_widgets.session import Session
from dnnexplain_widgets.views import has_view
from dnnexplain_widgets.words import error_sentence

__all__ = ["LIVE", "SECTIONS", "Entry", "Section", "make_panel"]

Options = Mapping[str, Mapping[str, Any]]


def _always(_system: System) -> bool:
    return True


def _flows(system: System) -> bool:
    return isinstance(system, Flowing)


def _graph(system: System) -> bool:
    """Whether a system is drawn as a graph, and sends no traffic between pairs over it."""
    return not _flows(system) and has_view(system, GraphView)


def _edits(system: System) -> bool:
    return not _flows(system) and not _graph(system)


def _pictured(system: System) -> bool:
    """Whether what moved a decision is drawn as a picture, too, which makes the right column the longer one."""
    return isinstance(system, Pictured)


def _unpictured(system: System) -> bool:
    return not _pictured(system)


def _chooses(system: System) -> bool:
    return isinstance(system.output, Discrete)


def _two_knobs(system: System) -> bool:
    return len(system.knobs) > 1


def _sets(system: System) -> bool:
    """Whether a few numbers or switches are set, rather than one action chosen."""
    return not _chooses(system) and len(system.output.names) <= FEW_OUTPUTS


def _attackable(system: System) -> bool:
    return isinstance(system, Attackable)


def _replays(system: System) -> bool:
    return isinstance(system, Replayable) and isinstance(system.output, Discrete)


def _watches(system: System) -> bool:
    """Whether whole workloads can be watched decision by decision, whatever a decision is."""
    return isinstance(system, Replayable)


def _names_workloads(system: System) -> bool:
    """Whether whole workloads can be drawn and run; they need not be watched decision by decision."""
    return isinstance(system, NamesWorkloads) and bool(system.workload_names) and _chooses(system)


def _stressed(system: System) -> bool:
    """Whether whole workloads can be drawn and run, and there is a rule to compare with."""
    return isinstance(system, NamesWorkloads) and bool(system.workload_names)


def _goes_on(system: System) -> bool:
    """Whether whole workloads can be drawn, and gone on with from the state that is shown."""
    return _stressed(system) and isinstance(system, Continuing)


def _has_optima(system: System) -> bool:
    """Whether whole workloads can be drawn, and the best plan for each is known or bounded."""
    return _stressed(system) and isinstance(system, EpisodeSystem)


def _states_properties(system: System) -> bool:
    """Whether a system's spec states properties to be proved."""
    try:
        return bool(spec_of(system).properties)
    except DnnExplainError:
        return False


def _judges(system: System) -> bool:
    return isinstance(system, DecisionOracle) and isinstance(system.output, Discrete)


def _changes_workloads(system: System) -> bool:
    return _replays(system) and isinstance(system, Mutable)


def _told_as_rules(system: System) -> bool:
    """Whether a system has what distillation asks for."""
    return _names_workloads(system) and isinstance(system, Distillable)


def _told_part_by_part(system: System) -> bool:
    """Whether a policy decides on parts that can each be told as rules."""
    return isinstance(system, Parted)


def _trains(system: System) -> bool:
    """Whether episodes can be run in batches, as training does."""
    return _replays(system) and isinstance(system, Batched)


def _shares(system: System) -> bool:
    """Whether several objects have a kind of knob in common."""
    return bool(kinds(system))


@dataclass(frozen=True)
class Entry:
    """One panel of a page.

    Attributes:
        panel: module in ``dnnexplain_widgets.panels`` and class, ``"neurons.NeuronsPanel"``.
        fits: whether a system has what the panel asks about; others do not see it.
        side: ``"left"``, ``"right"`` or ``"below"`` both, for panels of :data:`LIVE`.
        given: the option without which a dashboard does not have the panel.
    """

    panel: str
    fits: Callable[[System], bool] = _always
    side: str = "left"
    given: str = ""

    @property
    def name(self) -> str:
        """The class's name."""
        return self.panel.rpartition(".")[2]

    def is_given(self, options: Options) -> bool:
        """Whether whoever makes the dashboard gave what the panel cannot do without."""
        return not self.given or self.given in options.get(self.name, {})


@dataclass(frozen=True)
class Section:
    """Panels that answer one kind of question.

    Attributes:
        key: short name, in links.
        label: on its tab.
        entries: its panels, from top to bottom.
    """

    key: str
    label: str
    entries: tuple[Entry, ...]


LIVE: tuple[Entry, ...] = (
    Entry("editor.StateEditor", _edits),
    Entry("topology.TopologyPanel", _flows),
    Entry("graph.GraphPanel", _graph),
    Entry("decision.DecisionPanel", _chooses, side="right"),
    Entry("settings.SettingsPanel", _sets, side="right"),
    Entry("saliency.SaliencyPanel", side="right"),
    Entry("neurons.NeuronsPanel", _pictured),
    Entry("neurons.NeuronsPanel", _unpictured, side="below"),
)
"""What always stands on the page and follows a drag, in the order in which a phone shows it."""

SECTIONS: tuple[Section, ...] = (
    Section(
        "decision",
        "Why this decision?",
        (
            Entry("attribution.AttributionPanel"),
            Entry("white_box.WhiteBoxPanel", _chooses),
            Entry("reasons.ReasonPanel"),
            Entry("consequences.ConsequencesPanel", _goes_on),
            Entry("sweep_map.SweepMapPanel", _two_knobs),
        ),
    ),
    Section(
        "neurons",
        "Inside the neurons",
        (
            Entry("thresholds.ThresholdMapPanel", _shares),
            Entry("maximal.MaximalPanel"),
            Entry("intervention.InterventionPanel"),
            Entry("knowledge.KnowledgePanel"),
            Entry("embedding.EmbeddingPanel"),
        ),
    ),
    Section("episodes", "Whole episodes", (Entry("episode.EpisodePanel", _watches),)),
    Section(
        "failure",
        "When will it fail?",
        (
            Entry("adversarial.AdversarialPanel", _judges),
            Entry("sequence.WorstSequencePanel", _changes_workloads),
            Entry("transfer.TransferPanel", _names_workloads),
            Entry("stress.StressPanel", _stressed),
            Entry("worst_case.WorstCasePanel", _attackable),
            Entry("never.NeverPanel", _states_properties),
            Entry("failing.FailingPanel", _stressed),
            Entry("room.RoomPanel", _has_optima),
        ),
    ),
    Section(
        "knowledge",
        "Can knowledge help?",
        (
            Entry("rules.RulesPanel", _told_as_rules),
            Entry("part_rules.PartRulesPanel", _told_part_by_part),
            Entry("guarding.GuardPanel", _stressed),
            Entry("training.TrainingPanel", _trains, given="school"),
        ),
    ),
)
"""The rest of the page: one section is open at a time. A section none of whose panels fit has no tab."""


def kind_of(entry: Entry) -> type[Panel]:
    """The class of a panel."""
    module, _, name = entry.panel.rpartition(".")
    kind: type[Panel] = getattr(import_module(f"dnnexplain_widgets.panels.{module}"), name)
    return kind


def make_panel(entry: Entry, session: Session, options: Options) -> Panel:
    """Make a panel; one that cannot be made stands there with its reason instead of taking the page down."""
    kind = kind_of(entry)
    try:
        return kind(session=session, **options.get(kind.__name__, {}))
    except Exception as error:  # noqa: BLE001 - shown in the panel's place; its neighbours stay
        substitute = Panel(session=session)
        substitute.question, substitute.error, substitute.copyable = kind.QUESTION, error_sentence(error), False
        return substitute
