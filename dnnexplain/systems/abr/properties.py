"""What can be proved of a bitrate controller: ready properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnnexplain.contract.properties import Case, Change, LooseCell, Property, StateSet, chosen_over
from dnnexplain.contract.rules_agree import agreed_choices
from dnnexplain.rule_names import rule_label

if TYPE_CHECKING:
    from dnnexplain.systems.abr.player import Player

__all__ = [
    "LOOSE_WORDS",
    "loose_cells",
    "monotone_buffer",
    "monotone_throughput",
    "never_lowest_with_full_buffer",
    "rules_agree",
]

_FULL, _FAST = 0.9, 0.5
_RAW = ("raw outputs are compared; knobs move one by one, whether or not a session could show them together",)


LOOSE_WORDS = (
    "bitrates, buffers and remaining chunks of the samples before the last, which no knob tells, may be anything, as may "
    "be throughput and download time of a sample together"
)


def loose_cells(system: Player) -> tuple[LooseCell, ...]:
    """Cells that no knob has: anything between nothing and the most that a session can show."""
    codec = system.codec
    cells = np.arange(int(np.prod(system.observation_shape))).reshape(system.observation_shape)
    knobs = {knob.name: knob for knob in system.knobs}
    most = np.ones(cells.shape)
    most[0], most[1] = knobs["last bitrate"].high * codec.scale[0], knobs["buffer"].high * codec.scale[1]
    most[4] = codec.video.sizes.max() / 1e6 if codec.params.wrap else 0.0
    unseen = np.setdiff1d(cells, codec.cell)
    return tuple(LooseCell(int(cell), {}, 0.0, float(most.reshape(-1)[cell])) for cell in unseen)


def never_lowest_with_full_buffer(system: Player) -> Property:
    """With the buffer at least 90% full and every throughput in the upper half, the lowest bitrate is not ranked first."""
    count = len(system.output.names)
    ends = {knob.name: (knob.low, knob.high) for knob in system.knobs}
    fast = {
        name: (low + _FAST * (high - low), high) for name, (low, high) in ends.items() if name.startswith("throughput")
    }
    low, high = ends["buffer"]
    states = StateSet.all_of(system).where(system, buffer=(low + _FULL * (high - low), high), **fast)
    case = Case(f"{system.output.names[0]} is ranked first", states, chosen_over(count, 0), np.zeros(count - 1))
    text = "With a buffer at least 90% full and every throughput in the upper half of its range, the lowest bitrate is not chosen"
    return Property("never-lowest-with-full-buffer", text, (case,), ("raw outputs are compared",))


def monotone_throughput(system: Player) -> Property:
    """A faster newest download never lowers the bitrate, all else equal."""
    return _monotone(
        system, "throughput 1", "monotone-throughput", "A higher newest throughput never lowers the bitrate"
    )


def monotone_buffer(system: Player) -> Property:
    """A fuller buffer never lowers the bitrate, all else equal."""
    return _monotone(system, "buffer", "monotone-buffer", "A fuller buffer never lowers the bitrate")


def rules_agree(system: Player) -> Property:
    """Where the buffer rule, the rate rule and model predictive control choose the same bitrate, so does the network."""
    return agreed_choices(system, ("bb", "rb", "mpc"), called=rule_label)


def _monotone(system: Player, knob: str, name: str, text: str) -> Property:
    names, count = system.output.names, len(system.output.names)
    reach = next(item.high - item.low for item in system.knobs if item.name == knob)
    cases = []
    for high in range(1, count):
        for low in range(high):
            nothing = np.zeros((count - 1, count))
            rows = np.vstack(
                [np.hstack([chosen_over(count, high), nothing]), np.hstack([nothing, chosen_over(count, low)])]
            )
            words = f"{names[high]} becomes {names[low]} once {knob} is higher"
            change = Change(knob, reach / 100, reach)
            cases.append(Case(words, StateSet.all_of(system), rows, np.zeros(len(rows)), change))
    return Property(name, f"{text}, all else equal", tuple(cases), _RAW)
