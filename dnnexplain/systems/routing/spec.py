"""Routing as data: all that commands, dashboards, docs and tests need to know of it."""

from __future__ import annotations

from pathlib import Path

from dnnexplain.contract.properties import PropertySource
from dnnexplain.contract.specs import (
    Example,
    Family,
    Grid,
    Metric,
    Parameter,
    Reader,
    Recipe,
    Role,
    Scenario,
    Shift,
    Spec,
)
from dnnexplain.systems.routing.tour import TOUR

__all__ = ["HISTORY", "SPEC"]

HISTORY = 12
"""Matrices before the one to route, as the papers have them."""

_GRAVITY = (
    Parameter("load", 0.1, "Mean total demand as a share of the sum of all link capacities.", low=1e-6, high=100.0),
    Parameter("noise", 0.25, "Standard deviation of a demand as a share of its mean.", low=0.0, high=10.0),
    Parameter("cycle", 0.3, "Amplitude of the daily cycle of a node's activity.", low=0.0, high=0.999),
)
_BURSTS = (
    Parameter("pairs", 5, "The most pairs that burst.", low=1, unit="pairs"),
    Parameter("background", 0.2, "Share of ordinary traffic behind the bursts.", low=0.0, high=100.0),
)
_UNIFORM = (Parameter("top", None, "The largest demand (the mean link capacity).", low=1e-9, unit="Gb/s", kind=float),)

_TRAINING = (
    Parameter("steps", 0, "Gradient steps (0: the recipe's).", low=0),
    Parameter("minutes", 5.0, "Stop after this many minutes of processor time even if steps are left."),
)


def _recipe(name: str, about: str, history: int = 0, steps: int = 2400) -> Recipe:
    return Recipe(
        name,
        f"{about} by the gradient of MLU over the optimum on generated gravity traffic.",
        "dnnexplain.training.gradient:run",
        _TRAINING,
        settings={"steps": steps, "workload": {"name": "gravity"}},
        system={"history": history},
        measure="dnnexplain.systems.routing.trained:measure",
    )


_DRAWN = "dnnexplain.systems.routing.scenarios"
_SCENARIOS = (
    Scenario(
        "elephant-pair",
        "Gravity traffic; one pair of nodes sends a whole mean link capacity more from a random matrix on.",
        f"{_DRAWN}:elephant_pair",
    ),
    Scenario(
        "flash-crowd",
        "Gravity traffic; everyone sends five times as much to one node, in the matrix to route only.",
        f"{_DRAWN}:flash_crowd",
    ),
    Scenario(
        "diurnal", "Gravity traffic with a steep daily cycle, 0.9 of its mean, and twice the load.", f"{_DRAWN}:diurnal"
    ),
    Scenario(
        "node-silent",
        "Gravity traffic; one node fails in the matrix to route: it sends and gets nothing, its share comes from the others.",
        f"{_DRAWN}:node_silent",
    ),
)

_SEARCHED = (
    Parameter("history_only", default=False, help="The matrix to route is fixed; the history alone is searched."),
    Parameter(
        "history",
        "any",
        "Any history, or only plausible ones: inside the range of generated traffic, pair by pair.",
    ),
    Parameter("all_paths", default=False, help="Divide by the optimum over all paths, not only the policy's own."),
    Parameter("workload", "gravity", "Where the fixed matrix is from: a traffic family, or a file."),
    Parameter("matrix", "", "A file of matrices, one of which is fixed; implies --history-only."),
    Parameter("unit", "", "Of the numbers in that file, e.g. 'kb/s'; see load_matrices."),
    Parameter("row", None, "Which of its matrices, from 0; drawn by --seed if not given.", kind=int),
)

SPEC = Spec(
    name="routing",
    title="Routing, learned traffic engineering",
    sentence=(
        "Traffic engineering with split ratios (DOTE, Learning to Route): a network sees traffic matrices and says which "
        "share of each pair's demand takes which path, so that the busiest link is as little used as possible."
    ),
    make="dnnexplain.systems.routing:RoutingSystem",
    cost=Metric("cost", "maximum link utilisation", least=0),
    file_option="matrices",
    ratio=True,
    parameters=(
        Parameter("topology", "abilene", "A built-in or topohub topology by name, or a file."),
        Parameter("k", 4, "The most paths per pair.", low=1, high=64, unit="paths", flags=("--k", "--paths")),
        Parameter("history", 0, "Traffic matrices that the network sees; 0: the one to route.", low=0, high=1000),
        Parameter("capacity", None, "Of links whose source gives none.", low=1e-9, unit="Gb/s", kind=float),
        Parameter(
            "capacity_unit",
            None,
            "Of the plain numbers of a topology's file, where it does not say.",
            choices=("Gb/s", "Mb/s", "kb/s", "b/s"),
        ),
        Parameter(
            "grouping", "pair", "What an attribution is summed by.", choices=("pair", "source", "destination", "age")
        ),
        Parameter("routed", default=False, help="A state holds the matrix to route beside the history."),
    ),
    roles=(
        Role("dote-current", "DOTE on the current matrix"),
        Role("dote-history", "DOTE on the 12 matrices before", parameters={"history": HISTORY}),
        Role("learning-to-route", "Learning to Route on the 12 matrices before", parameters={"history": HISTORY}),
    ),
    metrics=(
        Metric("MLU over optimum", "MLU over optimum", least=1),
        Metric("optimal MLU", "optimal MLU", least=0),
        Metric("links over capacity", "links over capacity", "links", wrong=True, least=0),
    ),
    families=(
        Family("gravity", "Gravity traffic with a daily cycle and noise.", _GRAVITY),
        Family("bursts", "Little gravity traffic, and a few pairs that burst up to the mean link capacity.", _BURSTS),
        Family("uniform", "Every demand equally likely between 0 and a largest one.", _UNIFORM),
    ),
    scenarios=_SCENARIOS,
    grids=(
        Grid(
            "families",
            (Shift("gravity", "gravity"), Shift("bursts", "bursts"), Shift("uniform", "uniform")),
        ),
        Grid("load", tuple(Shift(f"load {load:g}", "gravity", {"load": load}, load) for load in (0.05, 0.1, 0.2, 0.4))),
        Grid(
            "noise", tuple(Shift(f"noise {item:g}", "gravity", {"noise": item}, item) for item in (0.1, 0.25, 0.5, 1.0))
        ),
    ),
    workload="traffic matrix",
    workloads="traffic matrices",
    readers=(
        Reader(
            "traffic matrices",
            (".hist", ".txt", ".csv"),
            "One matrix a line, source-major; windows of as many as the network sees.",
            (
                Parameter(
                    "unit",
                    None,
                    "Of the numbers in a file.",
                    choices=("Gb/s", "Mb/s", "kb/s", "b/s", "100 bytes per 5 minutes"),
                ),
            ),
        ),
    ),
    searched=_SEARCHED,
    challenge="dnnexplain.systems.routing.challenge:challenge",
    recipes=(
        _recipe("dote-current", "DOTE that sees the matrix to route,"),
        _recipe("dote-history", "DOTE that sees the 12 matrices before,", HISTORY),
        _recipe("learning-to-route", "Learning to Route, which sees the 12 before,", HISTORY, steps=12_000),
    ),
    examples=(
        Example(
            "routing",
            "Traffic routing",
            "A network splits traffic over the paths of a backbone: drag a demand, and see how far its busiest link is from the optimum.",
            picture="dnnexplain.systems.routing.pictures:backbone",
        ),
    ),
    question="Routing: does the network send traffic the best way?",
    tour=TOUR,
    lead=(
        "A router is a neural network that sees how much traffic each pair of nodes sends and says which share takes which "
        "path. Drag a demand and see which links fill, what moved the shares, and how far from the optimum they are."
    ),
    page_lead=(
        "A router is a neural network that sees how much traffic each pair of nodes sends and says which share takes which "
        "path. Drag a demand and see which links fill, beside even shares, and what moved the network's."
    ),
    board={"history": HISTORY, "routed": True},
    board_for="dnnexplain.systems.routing.boards:board",
    compared={"history": HISTORY, "routed": True},
    properties=(
        PropertySource(
            "never-most-on-longest",
            "No pair sends more than half of its traffic over its longest path while its own demand is small.",
            "dnnexplain.systems.routing.properties:never_most_on_the_longest",
        ),
        PropertySource(
            "monotone-demand",
            "More demand of a pair never lowers the share of its longest path by more than a tenth, all else equal.",
            "dnnexplain.systems.routing.properties:monotone_demand",
        ),
    ),
    rules={
        "shortest-path": "Shortest path",
        "ecmp": "ECMP: all shortest paths alike",
        "even": "Even: all paths alike",
        "oblivious": "Mildest worst case",
        "hedged": "Best on usual traffic, never far behind",
    },
    presets="dnnexplain.systems.routing.presets:presets",
    baselines=("ecmp", "hedged", "shortest-path", "oblivious"),
    apart=("optimum",),
    weights=Path(__file__).parent / "weights",
    said={
        "KNOB": "Seattle -> Denver",
        "COSTLY": "Seattle -> Denver",
        "BOUND": "Seattle -> Denver=0:5",
        "TARGET": "busiest link over optimum",
        "BASELINE": "typical traffic",
        "SWEPT": "demand Seattle -> Denver",
        "SAYING": "on shortest paths some link would be above 80% > 0.5: ecmp",
    },
    sources=(
        "Perry et al.: DOTE: Rethinking (Predictive) WAN Traffic Engineering, NSDI 2023.",
        "Valadarsky et al.: Learning to Route, HotNets 2017.",
        "Wang et al.: COPE: Traffic Engineering in Dynamic Networks, SIGCOMM 2006.",
        "Namyar et al.: End-to-End Performance Analysis of Learning-enabled Systems, HotNets 2024.",
    ),
)
"""The spec of routing."""
