"""Adaptive bitrate as a system: what a player knows are the knobs, bitrates the actions, minus QoE the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnexplain.assumptions import assume
from dnnexplain.contract import (
    Bound,
    Choice,
    Discrete,
    DnnExplainError,
    Episodes,
    Judgement,
    Knob,
    Limits,
    LooseCell,
    Painting,
    Played,
    Policy,
    Replay,
    State,
    Target,
)
from dnnexplain.systems.abr import mutation, records, words
from dnnexplain.systems.abr.arrays import ROWS, Params, columns_of
from dnnexplain.systems.abr.codec import Codec
from dnnexplain.systems.abr.features import BitrateFeatures
from dnnexplain.systems.abr.futures import ASSUMED, continued
from dnnexplain.systems.abr.qoe import make_qoe
from dnnexplain.systems.abr.recorder import arrays_of, replay_of
from dnnexplain.systems.abr.rules import RulePolicy, make_rules
from dnnexplain.systems.abr.runner import play_actions, run_policy
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.sketch import painting
from dnnexplain.systems.abr.targets import targets_of
from dnnexplain.systems.abr.trace_families import FAMILIES, generate
from dnnexplain.systems.abr.trace_files import read_trace, read_traces, write_trace
from dnnexplain.systems.abr.traces import Trace
from dnnexplain.systems.abr.values import visit_costs
from dnnexplain.systems.abr.video import Video
from dnnexplain.systems.abr.video_files import load_video

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dnnexplain.systems.abr.trace_box import NearBox, TraceBox

__all__ = ["GROUPINGS", "AdaptiveBitrate"]

GROUPINGS = ("kind", "sample")
_KINDS = ("last bitrate", "buffer", "throughput", "download time", "next sizes", "chunks remaining")
_EARLIER = ("earlier next sizes", "earlier bitrates, buffers, counts")


class AdaptiveBitrate:
    """Which bitrate the next chunk of a video is asked for at (``contract.EpisodeSystem``, and more).

    A workload is a link, a :class:`~dnnexplain.systems.abr.traces.Trace`; cost is minus the QoE of chunks 2 to the last.

    Args:
        video: ``"pensieve"``, a ``.csv`` of chunk sizes, a DASH manifest, or a video.
        qoe: ``"linear"``, ``"log"`` or ``"hd"``; see :func:`~dnnexplain.systems.abr.qoe.make_qoe`.
        remaining_row: the observation's row from which published networks are taken to read the chunks remaining:
            5 (the paper), 4 (the published code); ``None``: as the authors of each file did.
        free_times: whether download times may be set apart from throughputs; see ``Codec``.
        grouping: what an attribution is summed by: ``"kind"`` of quantity, or each ``"sample"``.
        **player: numbers of :class:`~dnnexplain.systems.abr.arrays.Params`.

    Attributes:
        assumed: what was assumed of the video, in sentences; empty if nothing was.
    """

    name = "abr"
    cost_name = "minus QoE"
    metric = "qoe"

    def __init__(
        self,
        video: str | Path | Video = "pensieve",
        qoe: str = "linear",
        *,
        remaining_row: int | None = None,
        free_times: bool = False,
        grouping: str = "kind",
        **player: Any,
    ) -> None:
        if grouping not in GROUPINGS:
            raise Choice("grouping", grouping, GROUPINGS).error()
        known = tuple(Params.__dataclass_fields__)
        for key in player:
            if key not in known:
                raise Choice(
                    "parameter of abr", key, ("video", "qoe", "remaining_row", "free_times", "grouping", *known)
                ).error()
        if remaining_row not in {None, 4, 5}:
            msg = f"remaining_row is 5 (as in the paper) or 4 (as in the published code), not {remaining_row!r}"
            raise DnnExplainError(msg)
        self.source = str(video) if not isinstance(video, Video) else video.name
        self.video, self.assumed = load_video(video)
        if self.assumed:
            assume(self.assumed.rstrip("."))
        self.params = Params(**player)
        self.qoe = make_qoe(qoe, self.video.bitrates)
        self.remaining_row, self.free_times, self.grouping = remaining_row, free_times, grouping
        self.codec = Codec(self.video, self.params, free=free_times)
        self.knobs: tuple[Knob, ...] = self.codec.knobs
        self.observation_shape: tuple[int, ...] = (ROWS, columns_of(self.video))
        self.output = Discrete(self.video.labels)
        self.groups, self.cell_group = self._groups()

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the same system again: ``make_system("abr", **system.parameters)``."""
        player = {name: getattr(self.params, name) for name in Params.__dataclass_fields__}
        return {
            "video": self.source, "qoe": self.qoe.name, "remaining_row": self.remaining_row,
            "free_times": self.free_times, "grouping": self.grouping, **player,
        }  # fmt: skip

    def _groups(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Names of groups, and each cell's; what no knob has stands in two groups of its own."""
        owners = [knob.group if self.grouping == "kind" else knob.name for knob in self.knobs]
        own = list(dict.fromkeys(owners))
        wraps = self.observation_shape[1] > self.codec.rates
        groups = (*own, *(_EARLIER if wraps else _EARLIER[1:]))
        cells = np.full(self.observation_shape, len(groups) - 1, dtype=np.int64)
        cells[4] = groups.index(_EARLIER[0]) if wraps else 0
        flat = cells.reshape(-1)
        flat[self.codec.cell] = [own.index(name) for name in owners]
        return groups, cells

    # --- states ---------------------------------------------------------------------------------

    def encode(self, values: NDArray[np.float64], background: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Knob values ``[B, K]`` as observations ``[B, 6, L]``; see ``Codec.encode``."""
        return self.codec.encode(values, background)

    def decode(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Observations as knob values ``[B, K]``."""
        return self.codec.decode(observations)

    def repair(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest values that a session could show ``[B, K]``; see ``Codec``."""
        return self.codec.repair(values)

    def valid_actions(self, observations: NDArray[Any]) -> NDArray[np.bool_]:
        """All true ``[B, A]``: every bitrate may be asked for."""
        return np.ones((len(observations), self.codec.rates), dtype=np.bool_)

    def loose_cells(
        self, low: NDArray[np.float64], high: NDArray[np.float64], background: NDArray[Any] | None
    ) -> Sequence[LooseCell]:
        """Cells that knobs alone do not tell, and how far they can be off."""
        from dnnexplain.systems.abr.properties import loose_cells  # noqa: PLC0415 - proofs alone need it

        del low, high
        return loose_cells(self) if background is None else ()

    @property
    def loose_words(self) -> str:
        """What a proof takes for anything within its bounds."""
        from dnnexplain.systems.abr.properties import LOOSE_WORDS  # noqa: PLC0415 - proofs alone need it

        return LOOSE_WORDS

    def baselines(self, state: State) -> Mapping[str, NDArray[np.float32]]:
        """An ordinary state, this state on a steady link, a session's beginning, zeros."""
        return words.baselines_of(self.codec, state)

    def targets(self, state: State) -> Mapping[str, Target]:
        """The expected bitrate."""
        del state
        return targets_of(self.video)

    def rules(self) -> Mapping[str, Policy]:
        """Buffer-based, rate-based, BOLA, MPC and the others; see ``rules.ABOUT``."""
        return make_rules(self.video, self.params, self.qoe)

    def state_to_json(self, state: State) -> dict[str, Any]:
        """``{"buffer_s": 12.5, "throughput_mbps": [...], ...}``, past samples oldest first."""
        return words.to_json(self.codec, state)

    def state_from_json(self, data: Mapping[str, Any]) -> State:
        """The inverse of :meth:`state_to_json`."""
        return words.from_json(self.codec, data)

    @cached_property
    def painting(self) -> Painting:
        """How knobs become valid ones and what a policy sees, as data (``contract.Painted``)."""
        return painting(self.codec)

    def describe(self, state: State) -> str:
        """The state in one sentence."""
        return words.describe(self.codec, state)

    def known_network(self, path: Path, weights: Mapping[str, Tensor] | None) -> tuple[nn.Module, str] | None:
        """Pensieve's published networks (``contract.KnowsNetworks``)."""
        from dnnexplain.systems.abr.published import known_network  # noqa: PLC0415 - torch when first needed

        return known_network(path, weights, self.observation_shape[1], self.remaining_row)

    # --- sessions -------------------------------------------------------------------------------

    @property
    def workload_names(self) -> Mapping[str, str]:
        """The families of generated links, with one line on each."""
        return {name: family.about for name, family in FAMILIES.items()}

    workload_knobs = (
        Knob("mean", "Mb/s", 0.1, 20.0, 0.1, default=1.5),
        Knob("spread", "", 0.0, 2.0, 0.1, default=0.5),
        Knob("seconds", "s", 60, 2000, 20, default=320),
    )

    def workloads(self, name: str, count: int, seed: int, **parameters: Any) -> Sequence[Trace]:
        """Generated links of a family; see :func:`~dnnexplain.systems.abr.trace_families.generate`."""
        known = ("mean", "spread", "seconds")
        for key in parameters:
            if key not in known:
                raise Choice(f"parameter of {name}", key, known).error()
        return generate(name, count, seed, **parameters)

    def read_workloads(self, path: Path, *, limit: int | None = None, **parameters: Any) -> tuple[Sequence[Trace], str]:
        """Links from a file or a folder, by name; see :func:`~dnnexplain.systems.abr.trace_files.read_traces`."""
        return read_traces(path, limit=limit, **parameters)

    def write_workload(self, workload: Trace, path: Path) -> None:
        """A link as a file that ``read_workloads`` reads; see :func:`~dnnexplain.systems.abr.trace_files.write_trace`."""
        write_trace(workload, path)

    # --- workloads as tables; see dnnexplain.systems.abr.records ---

    ordered = True

    @property
    def record_knobs(self) -> tuple[Knob, ...]:
        """Columns of a workload's table (``contract.Tabular``)."""
        return records.RECORD_KNOBS

    def to_records(self, workload: Trace) -> NDArray[np.float64]:
        """A workload's records ``[R, C]``."""
        return records.to_records(workload)

    def from_records(self, table: NDArray[np.float64], name: str = "") -> Trace:
        """The inverse; any finite table of the right columns becomes a valid workload."""
        return records.from_records(table, name)

    # --- changed links (``contract.Reshaping``); see dnnexplain.systems.abr.mutation ---

    def mutate(self, workload: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
        """A link near the given one."""
        return mutation.change(workload, rng, limits)

    def reshape(self, workload: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
        """A link far from the given one."""
        return mutation.reshape(workload, rng, limits)

    def scramble(self, workload: Trace, rng: np.random.Generator, limits: Limits) -> Trace:
        """A link drawn anew within the limits."""
        return mutation.redraw(workload, rng, limits)

    def combine(self, trace: Trace, two: Trace, rng: np.random.Generator) -> Trace:
        """A link with a stretch of another one."""
        return mutation.cross(trace, two, rng)

    def workload_to_json(self, workload: Trace) -> dict[str, Any]:
        """A row per sample; see :func:`~dnnexplain.systems.abr.mutation.to_json`."""
        return mutation.to_json(workload)

    def workload_from_json(self, data: Mapping[str, Any]) -> Trace:
        """The inverse."""
        return mutation.from_json(data)

    def environment(self, workloads: Sequence[Trace], copies: int = 1, **options: Any) -> Simulator:
        """A batch of fresh sessions: ``copies`` of each link, side by side."""
        which = np.repeat(np.arange(len(workloads)), copies)
        return Simulator(workloads, self.video, self.params, self.qoe, trace=which, **options)

    def run(self, policy: Policy, workloads: Sequence[Trace], *, seed: int = 0, sample: bool = False) -> Episodes:
        """One session per link; metrics are the QoE of chunks 2 to the last and its parts."""
        sessions = run_policy(workloads, self.video, self.params, policy, seed=seed, sample=sample)
        figures = sessions.figures(self.qoe)
        return Episodes(policy.name, -figures["qoe"], self.cost_name, figures, seed, sessions, sessions.counts)

    def visit(
        self, policy: Policy, workloads: Sequence[Trace], *, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Every state ``[N, 6, L]`` that a policy meets when it takes its best actions, and its link ``[N]``."""
        seen: list[NDArray[np.float64]] = []
        run_policy(
            workloads, self.video, self.params, policy, seed=seed, watch=lambda world, *_: seen.append(world.observe())
        )
        link = np.tile(np.arange(len(workloads)), len(seen))
        return np.concatenate(seen).astype(np.float32), link

    def visit_costs(
        self, visitor: Policy, teacher: Policy, workloads: Sequence[Trace]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
        """What each bitrate costs in the states that a policy meets, if ``teacher`` goes on (``contract.Valued``)."""
        return visit_costs(workloads, self.video, self.params, self.qoe, visitor, teacher)

    @cached_property
    def features(self) -> BitrateFeatures:
        """Domain quantities that rules may speak of."""
        return BitrateFeatures(self.codec, self.qoe)

    def read_played(self, path: Path) -> tuple[Trace, str]:
        """The link of a file, and what was done to read it."""
        trace = read_trace(path)
        return trace, " ".join(trace.notes)

    def play(
        self,
        workload: Trace,
        actions: Sequence[Any] | None,
        policy: Policy | None = None,
        *,
        seed: int = 0,
    ) -> Played:
        """A session with given bitrates, one for each chunk, the first included, or with a policy's (``contract.Acting``).

        Arrays, a row per chunk (T of them): ``observations`` [T, 6, L] after it, ``delay_ms``, ``buffer_s``,
        ``rebuffer_s``, ``sleep_ms``, ``reward_linear``, ``reward_log``, ``reward_hd``, ``actions`` [T]; with a policy
        also ``probabilities`` [T, A], what it says in the observation of the same row. The first chunk's change of
        quality is counted from the bitrate with which sessions begin, as in the published code.
        """
        if actions is None and policy is None:
            msg = "playing a session needs actions, a bitrate's index for each chunk, or a policy"
            raise DnnExplainError(msg)
        if actions is not None:
            chosen = self._checked(np.asarray(actions))[None]
        else:
            assert policy is not None
            chosen = run_policy([workload], self.video, self.params, policy, seed=seed).actions
        sessions, states = play_actions([workload], self.video, self.params, chosen, seed=seed)
        arrays: dict[str, NDArray[Any]] = {**arrays_of(sessions, states, self.params.first), "actions": chosen[0]}
        if actions is None and policy is not None:
            arrays["probabilities"] = self._likely(policy, states[0])
        figures = {name: float(value[0]) for name, value in sessions.figures(self.qoe).items()}
        words = (
            f"{self.video.chunks} chunks over {workload.name}: QoE {figures['qoe']:.2f} ({self.qoe.name}, chunks 2 to the "
            f"last), {figures['rebuffering']:.2f} s of stalling, {figures['bitrate']:,.0f} kbps on average."
        )
        return Played(arrays, {"link": workload.name, "chunks": self.video.chunks, **figures}, words)

    def _likely(self, policy: Policy, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of a network's outputs; a rule is sure of its action."""
        outputs = policy.outputs(states.astype(np.float32))
        return outputs if isinstance(policy, RulePolicy) else self.output.probabilities(outputs)

    def _checked(self, given: NDArray[Any]) -> NDArray[np.int64]:
        count = self.codec.rates
        if given.ndim != 1 or len(given) != self.video.chunks:
            msg = f"a session of {self.video.name} has {self.video.chunks} chunks, the first included, and needs as many actions, not {given.size}"
            raise DnnExplainError(msg)
        try:
            numbers = given.astype(np.float64)
        except (TypeError, ValueError):
            numbers = np.full(len(given), np.nan)
        if not (
            np.isfinite(numbers).all() and (numbers % 1 == 0).all() and (numbers >= 0).all() and (numbers < count).all()
        ):
            msg = f"actions are indices of bitrates, whole numbers from 0 ({self.video.labels[0]}) to {count - 1} ({self.video.labels[-1]})"
            raise DnnExplainError(msg)
        return numbers.astype(np.int64)

    def replay(self, policy: Policy, workload: Trace, *, seed: int = 0, sample: bool = False) -> Replay:
        """Run one session and record every decision."""
        sessions = run_policy([workload], self.video, self.params, policy, seed=seed, sample=sample)
        return self._shown(policy.name, sessions.actions, workload, seed)

    def _shown(self, name: str, actions: NDArray[np.int64], workload: Trace, seed: int) -> Replay:
        played, states = play_actions([workload], self.video, self.params, actions, seed=seed)
        return replay_of(name, played, states, self.qoe, workload, seed)

    def run_optimum(self, workloads: Sequence[Trace], *, seconds: float = 10.0) -> Episodes:
        """The best plans that are known, played (``contract.Optimal``)."""
        plans = np.stack([self.bound(workload, seconds=seconds).detail.actions for workload in workloads])
        sessions, _ = play_actions(workloads, self.video, self.params, plans)
        figures = sessions.figures(self.qoe)
        return Episodes("optimum", -figures["qoe"], self.cost_name, figures, 0, sessions, sessions.counts)

    def replay_optimum(self, workload: Trace, *, seconds: float = 10.0) -> Replay:
        """The best plan that is known, decision by decision (``contract.WatchedOptimum``)."""
        return self._shown("optimum", self.bound(workload, seconds=seconds).detail.actions[None], workload, 0)

    def judge(self, state: State, *, seconds: float = 10.0) -> Judgement:
        """What each bitrate loses at best, if the link goes on as the state shows it, over and over; see ``judge``."""
        del seconds  # it takes at most a second
        from dnnexplain.systems.abr.judge import judge_state  # noqa: PLC0415 - compiles its kernels

        return judge_state(self.codec, state, self.qoe)

    def judge_action(self, state: State, action: int, *, seconds: float = 10.0) -> Judgement:
        """What one bitrate loses at least, in a sixth of the time (``contract.ActionOracle``)."""
        del seconds  # it takes a tenth of one
        from dnnexplain.systems.abr.judge import judge_one  # noqa: PLC0415 - compiles its kernels

        return judge_one(self.codec, state, self.qoe, action)

    def workload_box(self, near: str = "", within: float = 0.3, **bounds: Any) -> TraceBox | NearBox:
        """Links within bounds of rate, change and variation, or near the one of a file (``contract.Boxed``)."""
        from dnnexplain.systems.abr.trace_box import NearBox, TraceBox  # noqa: PLC0415 - for searches alone

        if not near:
            return TraceBox(**bounds)
        return NearBox(self.read_workloads(Path(near), limit=1)[0][0], within)

    continuing = ASSUMED

    def continued(
        self, state: State, policy: Policy, action: int, workloads: Sequence[Trace], *, seed: int = 0
    ) -> Episodes:
        """What follows a bitrate in a state (``contract.Continuing``); see ``futures``."""
        return continued(self.codec, state, self.qoe, policy, action, workloads, seed=seed)

    def bound(self, workload: Trace, *, seconds: float = 10.0) -> Bound:
        """An interval that holds the least cost of a session that knows its link; see ``oracle``."""
        from dnnexplain.systems.abr.oracle import bound  # noqa: PLC0415 - compiles its kernels

        return bound(workload, self.video, self.params, self.qoe, seconds=seconds)
