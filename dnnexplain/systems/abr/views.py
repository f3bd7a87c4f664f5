"""How a player is drawn: its past, its ladder, and what it does on constant links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import Line, SeriesView, SweepAxis, SweepView, View
from dnnexplain.systems.abr.constant_link import constant_link_rows

if TYPE_CHECKING:
    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["views"]


def views(system: AdaptiveBitrate) -> tuple[View, ...]:
    """The past chunks with the buffer, the next sizes with the probability of each, the map of constant links."""
    codec, names = system.codec, [knob.name for knob in system.knobs]

    def part(place: slice) -> tuple[str, ...]:
        return tuple(names[place])

    ago = tuple(f"{codec.columns - column}" for column in range(codec.columns))
    past = SeriesView(
        f"The last {codec.columns} chunks, and the buffer",
        ago,
        (Line("throughput", part(codec.throughput)), Line("download time", part(codec.download))),
        axis="chunks ago",
        level="buffer",
    )
    ladder = SeriesView(
        "The next chunk in each bitrate, and how probable it is",
        system.output.names,
        (Line("size", part(codec.sizes), "bars", chances=True),),
        axis="bitrate",
    )

    def settle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return constant_link_rows(system, rows[:, codec.throughput.start], rows[:, names.index("buffer")])

    fastest = min(8.0, codec.fastest)
    link = SweepView(
        "On a constant link",
        SweepAxis("throughput", tuple(reversed(part(codec.throughput))), 0.2, fastest, 48, logarithmic=True),
        SweepAxis("buffer", ("buffer",), 0.0, float(codec.high[1]), 31),
        settle,
        "All past throughputs are the same, the last chunks had the highest bitrate below it, the next sizes are the "
        "video's medians, and half of its chunks remain.",
        follows=False,
        ordered=True,
    )
    return past, ladder, link
