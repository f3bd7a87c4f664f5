"""The cell as data: all that commands, dashboards, docs and tests need to know of it."""

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
from dnnexplain.systems.cellular.tour import TOUR

__all__ = ["SPEC"]

_ORDINARY = (
    Parameter("load", 0.45, "Mean congestion of an ordinary day, a share of capacity.", low=0.0, high=1.0),
    Parameter("swing", 0.22, "Height of its busy times, a share of capacity.", low=0.0, high=1.0),
    Parameter("noise", 0.02, "Standard deviation of the noise of congestion, a share of capacity.", low=0.0, high=1.0),
)
_BURSTS = (
    Parameter("bursts", 8.0, "Mean number of bursts a day.", low=0.0, high=200.0),
    Parameter("height", 0.35, "Of the highest burst, a share of capacity.", low=0.0, high=1.0),
)
_STADIUM = (Parameter("crowd", 0.4, "What a full stadium adds to congestion, a share of capacity.", low=0.0, high=1.0),)

_DRAWN = "dnnexplain.systems.cellular.scenarios"
_SCENARIOS = (
    Scenario("stadium-day", "A match with a crowd of 0.6 of the capacity on an ordinary day.", f"{_DRAWN}:stadium_day"),
    Scenario(
        "flash-crowd",
        "An ordinary day; at a random hour congestion rises by 0.4 within three minutes, for half an hour, unforecast.",
        f"{_DRAWN}:flash_crowd",
    ),
    Scenario(
        "cell-next-door-fails",
        "An ordinary day; from a random minute on the cell carries half as much again, its neighbour's users.",
        f"{_DRAWN}:neighbour_fails",
    ),
    Scenario(
        "bad-radio",
        "An ordinary day on which spectral efficiency is half the typical for three hours.",
        f"{_DRAWN}:bad_radio",
    ),
)

SPEC = Spec(
    name="cellular",
    title="Cellular, delay-tolerant traffic in a cell",
    sentence=(
        "Traffic of things that can wait (after Chinchali et al., AAAI 2018): every minute a network sees how congested a "
        "cell is and sets the rate at which delay-tolerant traffic is let through: what is carried counts for it, what "
        "users lose by it counts against it, and so does what is sent while throughput is below a limit."
    ),
    make="dnnexplain.systems.cellular:CellularSystem",
    cost=Metric("cost", "negative reward", "GB"),
    parameters=(
        Parameter(
            "history",
            5,
            "Minutes of congestion, sessions and efficiency that the network sees.",
            low=1,
            high=60,
            unit="minutes",
        ),
        Parameter("start", 8.0, "Hour at which a day begins.", low=0.0, high=23.99, unit="h"),
        Parameter("minutes", 720, "That a day lasts.", low=1, high=1440, unit="minutes"),
        Parameter(
            "error",
            0.002,
            "Standard deviation of the forecast one minute ahead, a share of capacity; it grows with the square root of the minutes ahead.",
            low=0.0,
            high=1.0,
        ),
        Parameter("points", 300, "Loads in the grid of the optimum's dynamic program.", low=2, high=5000),
        Parameter(
            "peak", 20.0, "Throughput in an empty cell at typical efficiency (B0).", low=1e-3, high=1e5, unit="Mb/s"
        ),
        Parameter("added", 0.03, "Share of capacity that a minute at full rate adds (K).", low=1e-6, high=10.0),
        Parameter(
            "decay", 15.0, "Time constant of the added load; 0: it never decays.", low=0.0, high=1440.0, unit="minutes"
        ),
        Parameter(
            "snapping",
            default=False,
            help="A minute at rate 0 clears the added load at once, as in the published code.",
        ),
        Parameter("throughput", "sharing", "Model of throughput.", choices=("sharing", "inverse")),
        Parameter(
            "floor", 0.02, "Least share of throughput that is left in a full cell (model sharing).", low=1e-6, high=1.0
        ),
        Parameter("knee", 0.25, "Congestion at which throughput is half (model inverse).", low=1e-6, high=100.0),
        Parameter(
            "limit",
            10.0,
            "Throughput below which sending is penalised (L). Sending still pays, users' loss aside, above kappa L / (alpha + kappa): half of L by default.",
            low=0.0,
            high=1e5,
            unit="Mb/s",
        ),
        Parameter("user_rate", 0.05, "Rate that users' traffic counts with (a_user).", low=0.0, high=10.0),
        Parameter("users_follow", default=False, help="Users' traffic counts with the action's rate instead."),
        Parameter("volume_weight", 1.0, "Of the volume gained (alpha).", low=0.0, high=1000.0),
        Parameter("user_weight", 1.0, "Of what users lose (beta).", low=0.0, high=1000.0),
        Parameter("limit_weight", 1.0, "Of the penalty below the limit (kappa).", low=0.0, high=1000.0),
    ),
    roles=(Role("default", "Actor trained through the simulator"),),
    metrics=(
        Metric("reward", "reward", "GB", better="higher"),
        Metric("gained volume", "delay-tolerant volume gained", "GB", better="higher", least=0),
        Metric("minutes below the limit", "minutes below the limit", "minutes", least=0),
        Metric("minutes pushed below", "minutes pushed below the limit", "minutes", least=0),
        Metric(
            "minutes pushed above 80%",
            "minutes in which our load makes the cell more than 80% full",
            "minutes",
            least=0,
        ),
        Metric("minutes sent below", "minutes sent while below the limit", "minutes", least=0),
        Metric("volume term", "reward: volume", "GB", better="higher", least=0),
        Metric("user loss", "reward: users' loss", "GB", least=0),
        Metric("limit penalty", "reward: penalty below the limit", "GB", least=0),
        Metric("mean rate", "mean rate", better="higher", least=0, most=1),
    ),
    families=(
        Family("mixed", "Every day is of one of the other kinds.", (*_ORDINARY, *_BURSTS, *_STADIUM)),
        Family("diurnal", "Three busy times a day, and noise.", _ORDINARY),
        Family("bursty", "An ordinary day with bursts that rise within minutes.", (*_ORDINARY, *_BURSTS)),
        Family(
            "stadium",
            "A match: the crowd arrives, and is busiest at half-time and at the end.",
            (*_ORDINARY, *_STADIUM),
        ),
        Family("quiet", "A Sunday: half the traffic, and flatter.", _ORDINARY),
    ),
    default_count=50,
    workload="day",
    workloads="days",
    readers=(
        Reader(
            "cell log",
            (".csv",),
            "A row per minute or two with time, congestion, sessions and efficiency; its whole days.",
            (
                Parameter(
                    "busy",
                    0.8,
                    "The share of capacity that the 99th percentile of congestion is scaled to; 0: as logged.",
                    low=0.0,
                    high=1.0,
                ),
                *(
                    Parameter(
                        f"{name}_column", None, f"Column of {what} in a file; known by its usual names.", kind=str
                    )
                    for name, what in (
                        ("time", "the time"),
                        ("congestion", "congestion"),
                        ("sessions", "sessions"),
                        ("efficiency", "efficiency"),
                    )
                ),
            ),
        ),
    ),
    recipes=(
        Recipe(
            "default",
            "Gradients of the reward through the simulator, on generated days of all kinds; a minute of processor time.",
            "dnnexplain.systems.cellular.training:train",
            (
                Parameter("iterations", 1000, "Gradient steps.", low=1),
                Parameter("days", 400, "Generated days to train on.", low=1),
                Parameter("batch", 128, "Stretches of a day in a step.", low=1),
                Parameter(
                    "learning_rate", 0.003, "Of Adam, at first; it falls to 0 along a cosine.", low=1e-8, high=1.0
                ),
                Parameter(
                    "teacher",
                    None,
                    "A rule to obey: utilisation:0.8 keeps the cell's utilisation below 80%; utilisation:0.8:3 says how strongly, in GB per minute and share of capacity above.",
                    multiple=True,
                ),
                Parameter("family", "mixed", "Of days.", choices=("mixed", "diurnal", "bursty", "stadium", "quiet")),
            ),
        ),
    ),
    examples=(
        Example(
            "cellular",
            "Traffic that can wait",
            "A network decides every minute how much delay-tolerant traffic a cell lets through: make the cell busier, and see when it holds back, and why.",
        ),
    ),
    question="Cellular: how much can wait, and for what?",
    tour=TOUR,
    lead=(
        "A controller is a small neural network that sees how full a cell was in the last minutes and what is forecast, and "
        "sets the rate of traffic that can wait. Drag congestion or the forecast and see what rate it sets, what moved it, and "
        "what the best rate would have been."
    ),
    page_lead=(
        "A controller is a small neural network that sees how full a cell was in the last minutes and what is forecast, and "
        "sets the rate of traffic that can wait. Drag congestion or the forecast and see what rate it sets and what moved it."
    ),
    quick_optimum=True,
    views="dnnexplain.systems.cellular.views:views",
    presets="dnnexplain.systems.cellular.presets:presets",
    scenarios=_SCENARIOS,
    grids=(
        Grid("families", tuple(Shift(name, name) for name in ("mixed", "diurnal", "bursty", "stadium", "quiet"))),
        Grid(
            "load", tuple(Shift(f"load {load:g}", "diurnal", {"load": load}, load) for load in (0.3, 0.45, 0.6, 0.75))
        ),
        Grid(
            "bursts",
            tuple(
                Shift(f"{bursts:g} bursts a day", "bursty", {"bursts": bursts}, bursts)
                for bursts in (0.0, 8.0, 20.0, 40.0)
            ),
        ),
    ),
    baselines=("headroom", "proportional", "threshold"),
    file_option="log",
    properties=(
        PropertySource(
            "monotone-congestion",
            "More congestion in the last minute never raises the rate, all else equal.",
            "dnnexplain.systems.cellular.properties:monotone_congestion",
        ),
        PropertySource(
            "never-fast-when-congested",
            "With congestion at least 90% of its range in each of the last minutes, the rate is at most a half.",
            "dnnexplain.systems.cellular.properties:never_fast_when_congested",
        ),
        PropertySource(
            "agrees-with-rules",
            "Where Threshold, Proportional and Headroom all stop, or all send at full rate, the network nearly does.",
            "dnnexplain.systems.cellular.properties:rules_agree",
        ),
    ),
    rules={
        "never": "Never send",
        "always": "Always send at full rate",
        "threshold": "Full rate below a congestion",
        "schedule": "A rate for each hour",
        "proportional": "In proportion to the distance from a congestion",
        "headroom": "In proportion to the room that is forecast",
    },
    caveats=(
        "A simulated cell; the 14.7% of Chinchali et al. is not reproduced, for their data is not public.",
        "Throughput is a stated model of congestion and efficiency, not fitted to a network.",
    ),
    weights=Path(__file__).parent / "weights",
    said={
        "KNOB": "congestion",
        "COSTLY": "forecast",
        "BOUND": "our load=0:0.2",
        "TARGET": "reward of the next minute",
        "BASELINE": "typical minutes",
        "SWEPT": "our load",
        "SAYING": "congestion > 0.8: never",
    },
    sources=(
        "Chinchali et al.: Cellular Network Traffic Scheduling with Deep Reinforcement Learning, AAAI 2018.",
        "Bonald, Proutière: Wireless Downlink Data Channels: User Performance and Cell Dimensioning, MobiCom 2003.",
    ),
)
"""The spec of the cell."""
