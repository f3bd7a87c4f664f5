"""Adaptive bitrate as data: all that commands, dashboards, docs and tests need to know of it."""

from __future__ import annotations

from pathlib import Path

from dnnexplain.contract.properties import PropertySource
from dnnexplain.contract.specs import Example, Family, Metric, Parameter, Reader, Recipe, Role, Scenario, Spec
from dnnexplain.systems.abr.tour import TOUR

__all__ = ["SPEC"]

_FAMILY = (
    Parameter(
        "mean", None, "Median over links of their mean throughput.", low=0.05, high=1000.0, unit="Mb/s", kind=float
    ),
    Parameter("spread", 0.5, "Standard deviation over links of the logarithm of their mean.", low=0.0, high=2.0),
    Parameter("seconds", 320.0, "How long a link lasts before it repeats.", low=10.0, high=100_000.0, unit="s"),
)
_READ = (
    Parameter("form", "auto", "Of the files.", choices=("auto", "pensieve", "mahimahi", "sabre", "table")),
    Parameter("unit", None, "Of the throughputs in a file.", choices=("Mb/s", "kb/s", "b/s", "kB/s", "B/s", "MB/s")),
)

_DRAWN = "dnnexplain.systems.abr.scenarios"
_SCENARIOS = (
    Scenario(
        "outage",
        "A mobile link without any throughput for 20 s, once in the middle of the session.",
        f"{_DRAWN}:outage",
    ),
    Scenario(
        "throughput-cliff",
        "A steady link that falls to a tenth of its rate at a random time and stays there.",
        f"{_DRAWN}:cliff",
    ),
    Scenario(
        "handover",
        "A mobile link that every 45 s stands still for 2 s and goes on at another rate.",
        f"{_DRAWN}:handover",
    ),
    Scenario(
        "puffer-like",
        "Irregular samples whose low throughputs have a heavy tail, as viewers' own links have.",
        f"{_DRAWN}:puffer_like",
    ),
    Scenario("slow-start", "A link that needs a minute to rise from a twentieth of its rate.", f"{_DRAWN}:slow_start"),
)

SPEC = Spec(
    name="abr",
    title="Pensieve, a video player's bitrates",
    sentence=(
        "Adaptive bitrate streaming (Mao et al., SIGCOMM 2017): a network sees a player's buffer, the throughput of its "
        "last downloads and the sizes of the next chunk, and picks the bitrate at which to ask for it."
    ),
    make="dnnexplain.systems.abr.system:AdaptiveBitrate",
    cost=Metric("cost", "minus QoE"),
    parameters=(
        Parameter("video", "pensieve", "The published video, a .csv of chunk sizes, or a DASH manifest (.mpd)."),
        Parameter(
            "qoe",
            "linear",
            "Quality of experience, with its constants from the paper's Table 1.",
            choices=("linear", "log", "hd"),
        ),
        Parameter(
            "remaining_row",
            None,
            "Row from which published networks read the chunks remaining: 5 (paper) or 4 "
            "(published code); as in each file's own code if not given.",
            low=4,
            high=5,
            kind=int,
        ),
        Parameter("free_times", default=False, help="Download times may be set apart from throughputs."),
        Parameter("grouping", "kind", "What an attribution is summed by.", choices=("kind", "sample")),
        Parameter("payload", 0.95, "Share of a link's throughput that carries video.", low=0.01, high=1.0),
        Parameter("request_ms", 80.0, "Added to every download.", low=0.0, high=60_000.0, unit="ms"),
        Parameter("buffer_limit", 60.0, "Video at which the player stops asking.", low=1.0, high=3600.0, unit="s"),
        Parameter("sleep_ms", 500.0, "Steps in which it then waits.", low=1.0, high=60_000.0, unit="ms"),
        Parameter("first", 1, "Index of the first chunk's bitrate, which no policy chooses.", low=0, high=31),
        Parameter("noise", 0.0, "Downloads take a factor from U(1 - noise, 1 + noise) longer.", low=0.0, high=0.9),
        Parameter(
            "wrap", default=True, help="The next sizes' row keeps what the published code's rolling leaves behind."
        ),
    ),
    roles=(
        Role(
            "default",
            "Pensieve's network trained on generated links",
            "Proximal policy optimisation; no recorded link was used.",
        ),
        Role(
            "authors-links",
            "Pensieve's network trained on its authors' links",
            "The default one, trained further on 102 training links of Pensieve's authors, which are not shipped.",
        ),
    ),
    metrics=(
        Metric("qoe", "QoE", better="higher"),
        Metric("rebuffering", "stalling", "s", least=0),
        Metric("bitrate", "mean bitrate", "kbps", better="higher", least=0),
        Metric("changes", "changes of bitrate", "Mb/s", least=0),
        Metric(
            "frozen",
            "frozen sessions",
            "sessions",
            total=True,
            wrong=True,
            least=0,
            words="sessions frozen",
            caveat="A session counts as frozen when it stalls for more than a tenth of the time that its video plays.",
        ),
    ),
    families=(
        Family(
            "markov-3g",
            "Markov chain of levels with short swings and dips, like a 3G link on the move.",
            _FAMILY,
            "3G links",
        ),
        Family("stable", "One rate with little noise, like a fixed line.", _FAMILY),
        Family("bursty", "Jumps between fast and slow every few seconds.", _FAMILY),
        Family("outage", "As markov-3g, with outages of 4 to 30 s without any throughput.", _FAMILY),
        Family("5g", "Tens of Mb/s in sight of a mast, a few percent of it out of sight.", _FAMILY, "5G links"),
        Family("puffer-like", "Irregular samples whose low throughputs have a heavy tail.", _FAMILY),
    ),
    file_option="trace",
    workload="link",
    workloads="links",
    readers=(
        Reader("Pensieve's traces", ("",), "Seconds and Mb/s, a pair a line; a folder is a set, names kept.", _READ),
        Reader(
            "Mahimahi", (".up", ".down"), "Times in ms at which a packet may leave, counted in half seconds.", _READ
        ),
        Reader(
            "Sabre",
            (".json",),
            "A JSON list of periods with duration_ms, bandwidth_kbps and latency_ms, which is not used.",
            _READ,
        ),
        Reader(
            "tables of measurements",
            (".csv", ".log"),
            "FCC's broadband tests, HSDPA and 4G logs, or columns called time and throughput.",
            _READ,
        ),
    ),
    searched=(
        Parameter(
            "least", 0.3, "Of a link that is searched: its least throughput.", low=0.01, high=1000.0, unit="Mb/s"
        ),
        Parameter("most", 6.0, "Its largest throughput.", low=0.01, high=1000.0, unit="Mb/s"),
        Parameter("change", 1.0, "The most it may rise or fall in a second.", low=1e-3, high=1000.0, unit="Mb/s"),
        Parameter(
            "variation", 0.0, "The most it may rise and fall in all; 0: no limit.", low=0.0, high=1e6, unit="Mb/s"
        ),
        Parameter("near", "", "A file of a link that it must stay near, instead of these bounds."),
        Parameter("within", 0.3, "How far from that link, as a share of its throughput.", low=0.01, high=1.0),
    ),
    recipes=(
        Recipe(
            "default",
            "Proximal policy optimisation on generated links (mostly markov-3g), about 12 minutes of one core.",
            "dnnexplain.systems.abr.recipes:run",
            (
                Parameter("iterations", 400, "Policy gradient steps.", low=1, high=100_000),
                Parameter("sessions", 512, "Sessions side by side in each.", low=8, high=100_000),
                Parameter("links", None, "Train on the links of this folder instead of generated ones.", kind=Path),
                Parameter(
                    "begin",
                    "",
                    "Go on from this network, shipped (its name) or a file, instead of drawn weights.",
                    flags=("--from", "--begin"),
                ),
                Parameter(
                    "vary",
                    0.3,
                    "How far that folder's links are varied: standard deviation of the logarithm of a factor of throughput.",
                    low=0.0,
                    high=2.0,
                ),
                Parameter(
                    "generated",
                    0.0,
                    "Share of generated links among those trained on beside that folder's.",
                    low=0.0,
                    high=0.9,
                ),
                Parameter(
                    "teacher",
                    None,
                    "A rule that is followed softly at first, NAME or NAME:STRENGTH (3): a rule of this system, or "
                    "never-lowest-with-full-buffer. May be given several times.",
                    multiple=True,
                ),
                Parameter(
                    "teacher_weight", None, "Weight of the teacher in the first step (1).", low=0, high=100, kind=float
                ),
                Parameter(
                    "teacher_decay",
                    None,
                    "What that weight is multiplied by in each step (0.95).",
                    low=0,
                    high=1,
                    kind=float,
                ),
                Parameter(
                    "stages",
                    0,
                    "Also write the network of so many moments, each twice as late as the one before.",
                    low=0,
                    high=12,
                ),
            ),
        ),
    ),
    examples=(
        Example(
            "abr",
            "Video player",
            "Pensieve picks the next chunk's bitrate: drag the buffer or a throughput and see what it asks for, and why.",
        ),
    ),
    question="Pensieve: why does the network ask for this bitrate?",
    scenarios=_SCENARIOS,
    quick_optimum=True,
    views="dnnexplain.systems.abr.views:views",
    presets="dnnexplain.systems.abr.presets:presets",
    tour=TOUR,
    lead=(
        "A video player downloads a film in chunks of 4 seconds and asks for each at one of six bitrates. A neural network "
        "sees the buffer, how fast the last chunks came and how large the next ones are. Too high, and playback stalls; too "
        "low, and the picture is poor."
    ),
    page_lead=(
        "A neural network asks for each chunk of a film at one of six bitrates. It sees the buffer, how fast the last chunks "
        "came and how large the next ones are. Drag the buffer or a throughput and see which bitrate it asks for, and why."
    ),
    properties=(
        PropertySource(
            "never-lowest-with-full-buffer",
            "With a buffer at least 90% full and every throughput in the upper half, the lowest bitrate is not chosen.",
            "dnnexplain.systems.abr.properties:never_lowest_with_full_buffer",
        ),
        PropertySource(
            "monotone-throughput",
            "A higher newest throughput never lowers the bitrate, all else equal.",
            "dnnexplain.systems.abr.properties:monotone_throughput",
        ),
        PropertySource(
            "monotone-buffer",
            "A fuller buffer never lowers the bitrate, all else equal.",
            "dnnexplain.systems.abr.properties:monotone_buffer",
        ),
        PropertySource(
            "agrees-with-rules",
            "Where BB, RB and MPC choose the same bitrate, the network chooses no other.",
            "dnnexplain.systems.abr.properties:rules_agree",
        ),
    ),
    rules={
        "bb": "Buffer-based",
        "rb": "Rate-based",
        "bola": "BOLA",
        "mpc": "Model-predictive control",
        "robust-mpc": "Robust MPC, as published: it keeps its errors from one session to the next",
        "robust-mpc-reset": "Robust MPC, forgets between sessions",
        "tuned": "Buffer and rate, two tuned numbers",
        "fixed": "Always the lowest bitrate",
    },
    rule_exports={".dash.js": "dnnexplain.systems.abr.dash_rule:dash_rule"},
    network_exports={".dash.js": "dnnexplain.systems.abr.dash_rule:dash_network"},
    baselines=("robust-mpc", "bola", "bb"),
    apart=("robust-mpc",),
    caveats=(
        "QoE is the total over chunks 2 to the last, as published: nobody chooses the first chunk's bitrate.",
        (
            "robust-mpc keeps its errors from one session to the next, as published, so its figure on a link depends on the "
            "links before it: it is not asked for the best rule, where robust-mpc-reset stands for it."
        ),
    ),
    environments={
        "dnnexplain/ABR-v0": ("dnnexplain.systems.abr.gym:ABREnv", "dnnexplain.systems.abr.gym:ABRVectorEnv")
    },
    weights=Path(__file__).parent / "weights",
    said={
        "KNOB": "buffer",
        "COSTLY": "throughput",
        "BOUND": "buffer=5:30",
        "TARGET": "300 kbps minus 4,300 kbps",
        "BASELINE": "an ordinary state",
        "SWEPT": "throughput 1",
        "SAYING": "buffer <= 10: rb",
    },
    sources=(
        "Mao, Netravali, Alizadeh: Neural Adaptive Video Streaming with Pensieve, SIGCOMM 2017.",
        "Yin et al.: A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP, SIGCOMM 2015.",
        "Spiteri et al.: BOLA: Near-Optimal Bitrate Adaptation for Online Videos, INFOCOM 2016.",
        "Huang et al.: A Buffer-Based Approach to Rate Adaptation, SIGCOMM 2014.",
        "The default video's chunk sizes: github.com/hongzimao/pensieve (MIT).",
    ),
)
"""The spec of adaptive bitrate."""
