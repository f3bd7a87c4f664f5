"""Cloud RAN as data: all that commands, dashboards, docs and tests need to know of it."""

from __future__ import annotations

from pathlib import Path

from dnnexplain.contract.properties import PropertySource
from dnnexplain.contract.specs import Example, Family, Grid, Metric, Parameter, Recipe, Role, Scenario, Shift, Spec
from dnnexplain.systems.cran.tour import TOUR

__all__ = ["SPEC"]

_DAYS = (
    Parameter("low", 2.0, "The least demand of a user.", low=0.0, high=50.0, unit="Mb/s"),
    Parameter("high", 40.0, "The largest demand of a user.", low=0.0, high=50.0, unit="Mb/s"),
    Parameter("noise", 0.2, "Standard deviation of a demand's noise, as a share of high - low.", low=0.0, high=2.0),
    Parameter("memory", 0.9, "Correlation of that noise from slot to slot.", low=0.0, high=1.0),
    Parameter("fading", 0.9, "Correlation of the fading from slot to slot; 0 draws it anew.", low=0.0, high=1.0),
)
_FAMILIES = ("diurnal", "flash", "walk")

_DRAWN = "dnnexplain.systems.cran.scenarios"
_SCENARIOS = (
    Scenario(
        "flash-crowd",
        "An ordinary day on which one user wants the most for two hours, without notice.",
        f"{_DRAWN}:flash_crowd",
    ),
    Scenario("everyone-at-once", "All users have their daily peak in the same four hours.", f"{_DRAWN}:everyone"),
    Scenario(
        "at-the-edge",
        "Every user stands in the corner of the square that is farthest from its nearest head.",
        f"{_DRAWN}:edge",
    ),
    Scenario(
        "head-shadowed",
        "The channel of every user to the head that serves it best is 15 dB worse for six hours.",
        f"{_DRAWN}:shadowed",
    ),
)

SPEC = Spec(
    name="cran",
    title="Cloud RAN, radio heads",
    sentence=(
        "A cloud radio access network (after Iqbal et al. 2021): a network sees users' demands, channels and which radio "
        "heads are awake, and switches heads on and off; beams are then formed at least power, and every user is to be "
        "served for as few watts as possible."
    ),
    make="dnnexplain.systems.cran:CloudRan",
    cost=Metric("cost", "mean power, outages charged", "W", least=0),
    ratio=True,
    parameters=(
        Parameter("heads", 5, "Radio heads.", low=1, high=12, unit="heads"),
        Parameter("users", 2, "Users.", low=1, high=8, unit="users"),
        Parameter("antennas", 1, "Of each head.", low=1, high=4, unit="antennas"),
        Parameter(
            "action", "toggle", "One head or none is toggled per slot, or all are set.", choices=("toggle", "set")
        ),
        Parameter("side", 2000.0, "Of the square.", low=100.0, high=10_000.0, unit="m"),
        Parameter("switch_power", 3.0, "Charged for each head that changes.", low=0.0, high=100.0, unit="W"),
        Parameter("outage_power", 100.0, "Charged for a slot that is not served.", low=0.0, high=1e6, unit="W"),
    ),
    roles=(
        Role(
            "default",
            "Head-switching network",
            "Trained on generated days, on which the cost of every action is known.",
        ),
    ),
    metrics=(
        Metric(
            "unserved slots",
            "slots not served",
            "slots",
            total=True,
            wrong=True,
            least=0,
            words="slots not served",
            caveat="A slot that is not served is charged with full radiation of the awake heads and the outage power.",
        ),
        Metric("watts", "mean power, outages not charged", "W", least=0),
        Metric("saving", "saved against all heads on", "%", better="higher", most=100),
        Metric("switches", "switches", "a day", least=0),
        Metric("heads awake", "heads awake", "heads", least=0),
    ),
    families=(
        Family("diurnal", "Demands rise and fall once a day; users stay where they are.", _DAYS),
        Family("flash", "A diurnal day on which one user wants the most for two hours, without notice.", _DAYS),
        Family("walk", "A diurnal day on which every user walks to another place.", _DAYS),
    ),
    workload="day",
    workloads="days",
    recipes=(
        Recipe(
            "default",
            "Imitates optimal plans of recorded days, then minimises the expected power, then improves on its own costs in its own states.",
            "dnnexplain.systems.cran.training:train",
            (
                Parameter("days", 3000, "Days to record.", low=80, high=100_000, unit="days"),
                Parameter("steps", 30_000, "Steps of 256 states.", low=100, high=10_000_000, unit="steps"),
                Parameter("rounds", 3, "Of policy iteration in the second half.", low=1, high=100, unit="rounds"),
                Parameter(
                    "outage_charge",
                    200.0,
                    "What training charges for a slot that is not served.",
                    low=0.0,
                    high=1e6,
                    unit="W",
                ),
                Parameter(
                    "told",
                    "channels",
                    "What the network sees of links: gains and differences of phases, or gains alone.",
                    choices=("channels", "gains"),
                ),
            ),
            role="default",
        ),
    ),
    examples=(
        Example(
            "cran",
            "Radio heads",
            "A network puts radio heads to sleep: drag a demand or a user, and see who is woken and how many watts the optimum takes.",
        ),
    ),
    question="Cloud RAN: why is this radio head awake?",
    tour=TOUR,
    lead=(
        "Radio heads serve users together; each costs power while it is awake. A neural network sees demands and channels "
        "and switches heads. Drag a demand or a user and see which head is switched, what moved it, and what the optimum does."
    ),
    page_lead=(
        "Radio heads serve users together; each costs power while it is awake. A neural network sees demands and channels "
        "and switches heads. Change a demand or a channel and see which head it would switch and what moved it."
    ),
    quick_optimum=True,
    views="dnnexplain.systems.cran.views:views",
    presets="dnnexplain.systems.cran.presets:presets",
    scenarios=_SCENARIOS,
    grids=(
        Grid("families", tuple(Shift(name, name) for name in _FAMILIES)),
        Grid(
            "largest demand",
            tuple(Shift(f"up to {top:g} Mb/s", "diurnal", {"high": top}, top) for top in (20.0, 30.0, 40.0, 50.0)),
        ),
        Grid(
            "fading",
            tuple(Shift(f"fading {item:g}", "diurnal", {"fading": item}, item) for item in (0.0, 0.5, 0.9, 1.0)),
        ),
    ),
    properties=(
        PropertySource(
            "never-dark",
            "With demand, the heads are not all switched off.",
            "dnnexplain.systems.cran.properties:never_dark",
        ),
        PropertySource(
            "monotone-demand",
            "More demand of a user never switches a head off, all else equal.",
            "dnnexplain.systems.cran.properties:monotone_demand",
        ),
        PropertySource(
            "agrees-with-rules",
            "Where Nearest, Greedy and Hysteresis decide alike, so does the network.",
            "dnnexplain.systems.cran.properties:rules_agree",
        ),
    ),
    rules={
        "all-on": "All heads on",
        "nearest": "The nearest head of each user",
        "greedy": "Greedy switch-off",
        "hysteresis": "Hysteresis",
        "tuned-hysteresis": "Hysteresis, tuned",
        "patient": "As if the slot lasted longer",
    },
    baselines=("tuned-hysteresis", "greedy", "all-on"),
    caveats=(
        "After Iqbal et al. 2021 as far as it is known; scene, channels and demands are assumptions, and no saving is theirs.",
    ),
    environments={"dnnexplain/CloudRan-v0": ("dnnexplain.systems.cran.gym:CloudRanEnv", "")},
    weights=Path(__file__).parent / "weights",
    said={
        "KNOB": "demand",
        "COSTLY": "user 1",
        "BOUND": "user 1 demand=5:20",
        "TARGET": "no change minus toggle head 1",
        "BASELINE": "no demand",
        "SWEPT": "demand",
        "SAYING": "total demand > 60: all-on",
    },
    sources=(
        "Xu et al.: A deep reinforcement learning based framework for power-efficient resource allocation in cloud RANs, ICC 2017.",
        "Iqbal, Tham and Chang: IEEE Access 9:20440, 2021 (its Table 2, through the program Deugs/Gabriel).",
        "Yu and Lan: Transmitter optimization for the multi-antenna downlink with per-antenna power constraints, IEEE TSP 55, 2007.",
    ),
)
"""The spec of cloud RAN."""
