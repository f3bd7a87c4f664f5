"""DeepRM as data: all that commands, dashboards, docs and tests need to know of it."""

from __future__ import annotations

from pathlib import Path

from dnnexplain.contract.properties import PropertySource
from dnnexplain.contract.specs import Example, Family, Grid, Metric, Parameter, Reader, Role, Scenario, Shift, Spec
from dnnexplain.systems.deeprm.recipes import recipes
from dnnexplain.systems.deeprm.tour import TOUR

__all__ = ["SPEC"]

_RATE = Parameter("rate", 0.7, "Mean arrivals per step of a random family.", low=0.01, high=1.0, unit="jobs per step")
_STEPS = Parameter("steps", 50, "Time steps in which jobs may arrive.", low=2, high=10_000, unit="steps")
_COLUMNS = Parameter(
    "columns",
    "",
    "Of a table: which column is what, as in submit=queued,run=took:min,cpus=cores,memory=ram:MB.",
)
_FAMILY = (_RATE, _STEPS)

_RATES = tuple(Shift(f"rate {rate:g}", "", {"rate": rate}, rate) for rate in (0.4, 0.55, 0.7, 0.85))


def _row(parameter: str, label: str, value: float | list[int]) -> Shift:
    place = sum(value) / len(value) if isinstance(value, list) else float(value)
    return Shift(label, "deeprm", {parameter: value}, place)


_FAMILIES = ("deeprm", "uniform", "long-heavy", "cpu-bound", "memory-bound", "bursty", "small-jobs", "heavy-tailed")
_GRIDS = (
    Grid("families", tuple(Shift(name, name) for name in _FAMILIES), _RATES),
    Grid(
        "share of long jobs",
        tuple(_row("long_share", f"{share:.0%} long jobs", share) for share in (0, 0.2, 0.4, 0.6, 0.8)),
        _RATES,
    ),
    Grid(
        "length of long jobs",
        tuple(
            _row("long_lengths", f"long jobs of {low} to {high} steps", [low, high])
            for low, high in ((4, 6), (6, 9), (8, 12), (10, 15), (13, 15))
        ),
        _RATES,
    ),
    Grid(
        "demands",
        tuple(
            _row("dominant_units", f"{low} to {high} units of the larger resource", [low, high])
            for low, high in ((2, 4), (3, 6), (4, 8), (5, 10), (8, 10))
        ),
        _RATES,
    ),
    Grid(
        "balance of CPU and memory",
        tuple(_row("cpu_dominant", f"CPU dominates in {share:.0%}", share) for share in (0, 0.25, 0.5, 0.75, 1)),
        _RATES,
    ),
)

_DRAWN = "dnnexplain.systems.deeprm.scenarios"
_SCENARIOS = (
    Scenario(
        "flash-crowd",
        "An ordinary job set in which 12 short jobs arrive one a step from a random step on, on top of the others.",
        f"{_DRAWN}:flash_crowd",
    ),
    Scenario(
        "diurnal-peak",
        "The arrival rate swings like day and night between next to none and twice the mean of 0.7 a step.",
        f"{_DRAWN}:diurnal_peak",
    ),
    Scenario(
        "heavy-tail", "Lengths follow a power law without a gap between short and long jobs.", f"{_DRAWN}:heavy_tail"
    ),
    Scenario(
        "elephant-job",
        "An ordinary job set; one early job is as long and as wide as the cluster admits.",
        f"{_DRAWN}:elephant_job",
    ),
    Scenario(
        "memory-hog",
        "An ordinary job set; every fifth job asks for all the memory that a job may, and hardly any CPU.",
        f"{_DRAWN}:memory_hog",
    ),
)

SPEC = Spec(
    name="deeprm",
    title="DeepRM, a scheduler of cluster jobs",
    sentence=(
        "The job scheduler of Mao et al. (HotNets 2016): a network sees a picture of a cluster's CPU and memory over the "
        "next steps and of the jobs that wait, and picks the job to start, or to wait."
    ),
    make="dnnexplain.systems.deeprm.made:make",
    cost=Metric("cost", "slowdown, all jobs", least=1),
    ratio=True,
    seen_whole={"slots": 40},
    parameters=(
        Parameter("slots", 5, "Waiting jobs that the network sees.", low=1, high=40, unit="jobs"),
        Parameter(
            "original",
            default=False,
            help="The published environment's rules: random colours, lingering jobs, a full backlog that forgets.",
        ),
        Parameter(
            "longest", None, "The longest job; training has jobs of up to 15 steps.", low=1, unit="steps", kind=int
        ),
        Parameter("cluster_cells", None, "How a cell in use is drawn.", choices=("binary", "colours"), kind=str),
        Parameter(
            "finished_jobs", None, "Whether a finished job may linger a step.", choices=("leave", "linger"), kind=str
        ),
        Parameter("full_backlog", None, "What a full backlog does to a job.", choices=("charge", "vanish"), kind=str),
    ),
    roles=(
        Role("default", "DeepRM trained fairly"),
        Role("conv", "DeepRM with convolutions"),
        Role("hardened", "DeepRM hardened on shifted workloads"),
        Role("as-published", "DeepRM trained as published"),
    ),
    metrics=(
        Metric(
            "starved",
            "starved",
            "jobs",
            total=True,
            wrong=True,
            least=0,
            words="jobs starved",
            caveat=(
                "A starved job is one that the policy never places; it is charged as though it ran alone, one such job "
                "after another, from when nothing could change any more. Its true cost has no bound."
            ),
        ),
        Metric("turned_away", "turned away", "jobs", total=True, wrong=True, words="jobs turned away", least=0),
        Metric("short_jobs", "slowdown, short jobs", least=1),
        Metric("long_jobs", "slowdown, long jobs", least=1),
        Metric("completion", "completion time", "steps", least=0),
        Metric("makespan", "makespan", "steps", least=0),
        Metric("cpu_utilisation", "CPU utilisation", better="higher", least=0, most=1),
        Metric("memory_utilisation", "memory utilisation", better="higher", least=0, most=1),
    ),
    families=(
        Family("deeprm", "The original generator: 80% short jobs, 20% long ones, one dominant resource.", _FAMILY),
        Family("uniform", "Every length and every demand equally likely.", _FAMILY),
        Family("long-heavy", "As deeprm, but half of the jobs are long.", _FAMILY),
        Family("cpu-bound", "As deeprm, but CPU dominates in 90% of the jobs.", _FAMILY),
        Family("memory-bound", "As deeprm, but memory dominates in 90% of the jobs.", _FAMILY),
        Family("bursty", "As deeprm, but jobs come in bursts with silence between; same mean rate.", _FAMILY),
        Family("diurnal", "As deeprm, but the rate swings like day and night; same mean rate.", _FAMILY),
        Family("small-jobs", "As deeprm, but the dominant resource takes at most half of the cluster.", _FAMILY),
        Family("heavy-tailed", "As deeprm, but lengths follow a power law without a gap.", _FAMILY),
    ),
    workload="job set",
    workloads="job sets",
    readers=(
        Reader("list of jobs", (".json", ".csv"), "One job set: arrival, length, cpu and memory of each job."),
        Reader(
            "Standard Workload Format", (".swf",), "A cluster's log, cut into job sets in order of time.", (_STEPS,)
        ),
        Reader(
            "scheduler's table",
            (".csv", ".txt", ".psv"),
            "A log with a line per job (Slurm's sacct, Google's and Alibaba's traces are known), cut into job sets.",
            (_STEPS, _COLUMNS),
        ),
    ),
    objects="slots",
    file_option="jobs",
    played=(
        Parameter(
            "until",
            "all-done",
            "End when every job is done, or when no new jobs may arrive.",
            choices=("all-done", "no-new-jobs"),
        ),
        Parameter("max_steps", 200, "With all-done: end once the clock passes this step.", low=1, unit="steps"),
    ),
    searched=(Parameter("jobs", 12, "Jobs in a set that is searched.", low=1, high=60, unit="jobs"),),
    recipes=recipes(_FAMILIES, tuple(shift.value for shift in _RATES if shift.value is not None)),
    examples=(
        Example(
            "deeprm-5",
            "Job scheduler, 5 waiting jobs",
            "DeepRM decides which job a cluster starts next: drag a job and see what the network chooses, why, and when it fails.",
            {"slots": 5},
            "dnnexplain.systems.deeprm.observation.pictures:five_jobs",
        ),
        Example(
            "deeprm-10",
            "Job scheduler, 10 waiting jobs",
            "The paper's larger size: the same questions for a network that sees ten waiting jobs.",
            {"slots": 10},
            "dnnexplain.systems.deeprm.observation.pictures:ten_jobs",
        ),
    ),
    question="DeepRM: why does the network schedule this job?",
    tour=TOUR,
    lead=(
        "A scheduler of cluster jobs is a small neural network that looks at one picture: what runs, and which jobs wait. "
        "Make a job longer, shorter, wider, and see what the network would do, what moved it, and which neurons switch."
    ),
    properties=(
        PropertySource(
            "never-empty-slot",
            "With an idle cluster, an empty backlog and a job in another slot, no empty slot is ranked first (raw outputs).",
            "dnnexplain.systems.deeprm.properties:never_empty_slot",
        ),
        PropertySource(
            "monotone-length",
            "A job that another action is preferred to is not ranked first once it is longer, all else equal.",
            "dnnexplain.systems.deeprm.properties:monotone_length",
        ),
        PropertySource(
            "starts-both",
            "Over two decisions: in an idle cluster, two jobs that fit side by side are both started (no arrivals).",
            "dnnexplain.systems.deeprm.two_steps:starts_both",
        ),
        PropertySource(
            "agrees-with-rules",
            "In an idle cluster with a job in every slot, the job that SJF, FCFS and Tetris all take is ranked first.",
            "dnnexplain.systems.deeprm.properties:rules_agree",
        ),
    ),
    rules={
        "sjf": "Shortest job first",
        "packer": "Packer: the job that fits best",
        "tetris": "Tetris: short and well packed",
        "fcfs": "First come, first served",
        "easy": "EASY backfilling",
        "random": "A random job",
        "hold": "Hold: shortest first, long jobs held back",
    },
    presets="dnnexplain.systems.deeprm.presets:presets",
    likelihood="dnnexplain.systems.deeprm.workloads.likelihood:state_likelihood",
    scenarios=_SCENARIOS,
    grids=_GRIDS,
    teachers={
        "sjf": "do as SJF does",
        "packer": "do as Packer does",
        "tetris": "do as Tetris does",
        "never-hold": "never hold a job that fits",
        "idle:0.8": "never hold a job while 20% stay free",
        "utilisation:0.8": "keep utilisation under 80%",
    },
    baselines=("hold", "tetris", "sjf", "packer", "fcfs"),
    environments={
        "dnnexplain/DeepRM-v0": (
            "dnnexplain.systems.deeprm.gym:DeepRMEnv",
            "dnnexplain.systems.deeprm.gym:DeepRMVectorEnv",
        )
    },
    weights=Path(__file__).parent / "weights",
    said={
        "KNOB": "length",
        "COSTLY": "job 1",
        "BOUND": "length=1:5",
        "TARGET": "job 1 minus wait",
        "BASELINE": "empty",
        "SWEPT": "cpu",
        "SAYING": "backlog > 3: sjf",
    },
    sources=(
        "Mao, Alizadeh, Menache, Kandula: Resource Management with Deep Reinforcement Learning, HotNets 2016.",
        "Zheng et al.: Demystifying Deep Learning in Networking, APNet 2018.",
    ),
)
"""The spec of DeepRM."""
