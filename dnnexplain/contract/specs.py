"""What the rest of the product must know of a system, as data: one :class:`Spec` in ``systems/NAME/spec.py``.

A spec imports the contract only; what is heavy it names as ``"module:attribute"``, which :func:`load_reference`
imports when it is first needed. Command line, dashboard, gallery, gymnasium ids, docs pages, model cards and
the tests range over specs, so that nothing outside a system's folder names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dnnexplain.contract.errors import Choice
from dnnexplain.contract.knobs import State
from dnnexplain.contract.outputs import Decision
from dnnexplain.contract.parameters import Parameter, Reference, load_reference
from dnnexplain.contract.properties import PropertySource
from dnnexplain.contract.tours import Step

__all__ = [
    "Example",
    "Family",
    "Grid",
    "Metric",
    "NetworkFigures",
    "Parameter",
    "PresetTools",
    "Reader",
    "Recipe",
    "Role",
    "Scenario",
    "Shift",
    "Spec",
    "Trained",
    "load_reference",
]


@dataclass(frozen=True, slots=True)
class Role:
    """A network that ships: what it is called in files and on the command line, and what a menu says of it.

    Args:
        name: ``"default"``, ``"as-published"``; also accepted by ``--policy``.
        title: for menus and sentences, so a name without a comma: ``"The paper's network trained fairly"``.
        about: one sentence for help and cards.
        parameters: of the system, where the network needs others than the defaults.
    """

    name: str
    title: str
    about: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of an episode beside its cost: a name among ``Episodes.metrics``, with all that one must know to tell it.

    Args:
        name: the key, as in JSON: ``"starved"``.
        title: in tables: ``"starved jobs"``.
        unit: ``"jobs"``.
        better: which direction is better.
        total: whether a sum over workloads is told (jobs starved), rather than a mean (mean slowdown).
        wrong: whether it counts what must not happen; it then comes first in every sentence when it is not 0.
        words: how a number of it is told: ``"jobs starved"`` for 628 jobs starved; the title if empty.
        caveat: what one must know to read it, a sentence that is told where it is not 0.
        least, most: what it cannot lie beyond on any workload; no interval of its mean does either.
    """

    name: str
    title: str
    unit: str = ""
    better: Literal["lower", "higher"] = "lower"
    total: bool = False
    wrong: bool = False
    words: str = ""
    caveat: str = ""
    least: float = -math.inf
    most: float = math.inf

    @property
    def range(self) -> tuple[float, float]:
        """``least, most``."""
        return self.least, self.most


@dataclass(frozen=True, slots=True)
class Family:
    """A generator of workloads: ``system.workloads(name, count, seed, **parameters)``.

    Args:
        name: what users write.
        about: what it makes, in a sentence.
        parameters: named options.
        title: how a headline calls it, where the name says nothing by itself: ``"5G links"`` of ``"5g"``.
    """

    name: str
    about: str
    parameters: tuple[Parameter, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Files that become workloads through ``system.read_workloads(path, limit=..., **parameters)``.

    Args:
        name: of the format: ``"Standard Workload Format"``.
        suffixes: by which people know it; it is recognised by content.
        about: what becomes of it, in a sentence.
        parameters: named options, such as the unit of a column.
    """

    name: str
    suffixes: tuple[str, ...]
    about: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """One row or column of a transfer grid: a family, parameters, or both; the other axis supplies the rest.

    Args:
        label: for people: ``"rate 0.7"``.
        family: of workloads; the other axis's if empty.
        parameters: of the family.
        value: where it lies on a numeric axis, or ``None``.
    """

    label: str
    family: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict, metadata={"plain": True})
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Shifted workloads, as rows and columns of a transfer table; no columns: one column, the defaults."""

    name: str
    rows: tuple[Shift, ...]
    columns: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Workloads inspired by something that happens in the field, for ``dnnexplain stress``.

    Args:
        name: in tables and files: ``"flash-crowd"``.
        sentence: what happens, with its numbers; one sentence.
        draw: ``module:function``: ``(system, count, seed) -> workloads``, the first ones whatever ``count`` is.
    """

    name: str
    sentence: str
    draw: Reference


@dataclass(frozen=True)
class PresetTools:
    """What a system's presets may ask of the explainers, which it must not import.

    Attributes:
        decide: what the policy does in states: decisions, in order.
        order_pairs: pairs of states between which the policy changes its mind for the worse, as
            ``explain.adversarial.order_pairs`` without its first two arguments.
    """

    decide: Callable[[Sequence[State]], list[Decision]]
    order_pairs: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained.

    Args:
        name: ``--recipe NAME``.
        about: one sentence: objective, workload, about how long.
        run: ``module:function``: ``(system, options, out, report) -> (module, story)``; ``options`` holds the
            parameters' values with ``seed``, ``threads`` and ``fresh``; ``report(done, total, text)`` is called
            as it goes; ``story`` is what the model card tells (see ``policies.save``). It resumes from files
            beside ``out``.
        parameters: options of its own.
        role: of the network that comes out; the recipe's name if empty.
        settings: what the trainer is told beside the options: its numbers, where they are not the trainer's own.
        system: parameters of the system that the network needs, where nothing else is asked for.
        measure: ``module:function``, ``(Trained) -> NetworkFigures``: how the finished network is measured and what its
            card says; if empty, it is measured beside the system's baselines on unseen workloads.
        threads: processor cores that it uses unless told otherwise.
    """

    name: str
    about: str
    run: Reference
    parameters: tuple[Parameter, ...] = ()
    role: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    measure: Reference = ""
    threads: int = 1


IMITATION = Recipe(
    "imitation",
    "Copies a rule, the best one unless told which: first on the states that the rule meets, then on the network's own.",
    "dnnexplain.training.imitation:run",
    (
        Parameter("imitate", None, "The rule to copy (the best if not given).", kind=str),
        Parameter("rounds", 4, "Of gathering states and learning from all so far.", low=1, high=1_000),
        Parameter("sets", 20, "Workloads of each round.", low=1, high=100_000),
        Parameter("epochs", 20, "Passes over all states in each round.", low=1, high=100_000),
    ),
)
"""What a network of any system can be trained by, where its spec names no recipe of its own."""


@dataclass(frozen=True)
class Trained:
    """A network that was just trained, for ``Recipe.measure``.

    Attributes:
        system: that it was trained on.
        recipe: its recipe.
        out: its file to be.
        story: what the trainer tells; ``recipe`` in it holds the trainer's numbers.
        options: all options of the recipe with their values, ``seed`` and ``threads`` among them.
        policy: ``(system, masked) -> Policy``: the network on a system that it fits, invalid actions left out or not.
    """

    system: Any
    recipe: Recipe
    out: Path
    story: Mapping[str, Any]
    options: Mapping[str, Any]
    policy: Callable[[Any, bool], Any]


@dataclass(frozen=True)
class NetworkFigures:
    """How good a trained network is.

    Attributes:
        figures: for JSON and, unless ``story`` has other ``figures``, for the model card.
        story: what the model card says beside what the trainer tells: ``description``, ``limits``.
        lines: figures in words.
        tables: figures as tables: title, names of columns, rows.
    """

    figures: Mapping[str, Any]
    story: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[Any]]]] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A card of the gallery: a dashboard that opens with these settings.

    Args:
        key: in addresses.
        title, sentence: what the card says.
        settings: of ``dashboard_parts``: policy and parameters of the system.
        picture: ``module:function`` that gives an inline SVG; a plain one is drawn if empty.
    """

    key: str
    title: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    picture: Reference = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """All that the product must know of a system to offer it everywhere.

    Args:
        name: ``"deeprm"``; the folder's.
        title: ``"DeepRM, a job scheduler"``.
        sentence: what is controlled, what the network sees, what it is after; one sentence.
        make: ``module:function`` that makes the system from its parameters by keyword.
        parameters: of the system.
        cost: the figure that is minimised (lower is better, may be negative); its ``name`` is ``"cost"``.
        ratio: whether the cost is a ratio scale (never below zero, and 0 means none): only then is a gap told
            in per cent; elsewhere it is a difference.
        roles: networks that ship, the default first.
        metrics: of episodes, in the order of tables.
        families: generators of workloads, the default first; ``default_count`` of them are drawn by commands.
        workload, workloads: what one and several are called: ``"job set"``, ``"job sets"``.
        objects: what the numbered things are called that share kinds of knobs, in JSON: ``"slots"``; empty if there are none.
        readers: of files.
        file_option: what the option for one workload's file is called in ``replay``: ``"jobs"``, ``"trace"``.
        played: options of ``replay`` alone; see ``contract.Acting``.
        searched: options of ``worst-case`` alone: what of a workload may be chosen (``contract.Boxed``).
        challenge: ``module:function``, ``(system, policy, options, seed) -> contract.Challenge``, where more than a box
            of workloads can be searched.
        recipes: of training, the default first; imitation of a rule, unless said otherwise.
        examples: cards of the gallery.
        question: the dashboard's title: ``"Why does the network schedule this job?"``.
        lead: what is controlled and how the picture is read, a short paragraph for newcomers.
        page_lead: the same for a page without a kernel (``dnnexplain export``), which has no optimum and no searches; ``lead`` if empty.
        tour: three things to try on its dashboard; ones that fit any system if there are none.
        board: parameters of the system for its dashboard, where others than the defaults are better.
        board_for: ``module:function``, ``(given) -> parameters``: the same where it hangs on the parameters that a user gave.
        compared: parameters under which all roles can be run on the same workloads (``evaluate``, ``transfer``).
        seen_whole: parameters under which nothing that is there is hidden from a policy, such as a slot for every job.
        quick_optimum: whether the best plan of a workload takes a few seconds at most, so that it is shown unasked.
        views: ``module:function``, ``(system) -> views``: how the system is drawn; see ``contract.views``.
        presets: ``module:function``, ``(system, PresetTools) -> (state, {title: state or function})``.
        likelihood: ``module:function``, ``(system) -> (state -> {object: log-probability})`` under the training workload.
        grids: of shifted workloads, for ``transfer``; the first is the command's. Without one, its rows are the families.
        scenarios: what happens in the field, beside the grids, for a stress test.
        teachers: rules that may teach a network, by name, with a sentence each.
        rules: titles of rules for people, by name.
        rule_exports: programs beside those of every system that rules out can be written as (``distill --export``): the
            file's ending -> ``module:function``, ``(system, tree) -> text``.
        network_exports: the same of networks (``export``): ``(system, network of plain layers) -> text``.
        baselines: rules that a network is measured by where a command names none, the most telling first.
        properties: that can be proved or refuted of its networks (``dnnexplain prove``), beside ``robust``.
        apart: rules that are no competitors when the best rule is asked for: random ones, and those that know more than a network.
        caveats: what must stand beside every result, one sentence each.
        environments: gymnasium id -> ``module:class`` of the environment and of its vector form (or empty).
        weights: ``module``-relative folder of the shipped networks and cards; ``weights`` beside the spec.
        sources: papers and programs, one line each.
        said: words for the examples of commands: of KNOB, COSTLY, BOUND, TARGET, BASELINE, SWEPT and SAYING what each is here.
    """

    name: str
    title: str
    sentence: str
    make: Reference
    cost: Metric
    parameters: tuple[Parameter, ...] = ()
    ratio: bool = False
    roles: tuple[Role, ...] = ()
    metrics: tuple[Metric, ...] = ()
    families: tuple[Family, ...] = ()
    default_count: int = 100
    workload: str = "workload"
    workloads: str = "workloads"
    objects: str = ""
    readers: tuple[Reader, ...] = ()
    file_option: str = "file"
    played: tuple[Parameter, ...] = ()
    searched: tuple[Parameter, ...] = ()
    challenge: Reference = ""
    recipes: tuple[Recipe, ...] = (IMITATION,)
    examples: tuple[Example, ...] = ()
    question: str = ""
    lead: str = ""
    page_lead: str = ""
    tour: tuple[Step, ...] = ()
    board: Mapping[str, Any] = field(default_factory=dict)
    board_for: Reference = ""
    compared: Mapping[str, Any] = field(default_factory=dict)
    seen_whole: Mapping[str, Any] = field(default_factory=dict)
    quick_optimum: bool = False
    views: Reference = ""
    presets: Reference = ""
    likelihood: Reference = ""
    grids: tuple[Grid, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    teachers: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    rule_exports: Mapping[str, Reference] = field(default_factory=dict)
    network_exports: Mapping[str, Reference] = field(default_factory=dict)
    baselines: tuple[str, ...] = ()
    apart: tuple[str, ...] = ("random",)
    properties: tuple[PropertySource, ...] = ()
    caveats: tuple[str, ...] = ()
    environments: Mapping[str, tuple[Reference, Reference]] = field(default_factory=dict)
    weights: Path | None = None
    sources: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def cost_range(self) -> tuple[float, float]:
        """What the cost cannot lie beyond: the metric's own range; on a ratio scale it is not below zero."""
        return max(self.cost.least, 0.0 if self.ratio else -math.inf), self.cost.most

    def on_board(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a dashboard's system is made with, where a user gave some of its parameters."""
        own = load_reference(self.board_for)(given) if self.board_for else self.board
        return {**own, **given}

    def parameter(self, name: str) -> Parameter:
        """A parameter of the system by its name."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise Choice(f"parameter of {self.name}", name, tuple(parameter.name for parameter in self.parameters)).error()

    def role(self, name: str) -> Role:
        """A shipped network's role by its name."""
        for role in self.roles:
            if role.name == name:
                return role
        raise Choice(f"shipped network of {self.name}", name, tuple(role.name for role in self.roles)).error()

    def family(self, name: str = "") -> Family:
        """A family of workloads by its name; the default one if none is given."""
        for family in self.families:
            if name in {"", family.name}:
                return family
        raise Choice(f"family of {self.workloads}", name, tuple(family.name for family in self.families)).error()

    def grid(self, name: str = "") -> Grid:
        """A transfer grid by its name; the first, or one whose rows are the families, if none is given."""
        if not self.grids and not name:
            return Grid("families", tuple(Shift(family.name, family.name) for family in self.families))
        for grid in self.grids:
            if name in {"", grid.name}:
                return grid
        raise Choice(f"transfer grid of {self.name}", name, tuple(grid.name for grid in self.grids)).error()

    def recipe(self, name: str = "") -> Recipe:
        """A recipe by its name; the default one if none is given."""
        for recipe in self.recipes:
            if name in {"", recipe.name}:
                return recipe
        raise Choice(f"recipe of {self.name}", name, tuple(recipe.name for recipe in self.recipes)).error()
