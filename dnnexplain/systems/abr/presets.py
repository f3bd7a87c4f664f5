"""States to begin with: the dashboard's first picture and its list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dnnexplain.contract import PresetTools, State, state_from_values

if TYPE_CHECKING:
    from dnnexplain.systems.abr.system import AdaptiveBitrate

__all__ = ["presets"]


def presets(system: AdaptiveBitrate, tools: PresetTools) -> tuple[State, dict[str, State]]:
    """The first state, and named ones: calm, beginning, nearly dry, a link that collapses or recovers."""
    del tools
    columns = system.codec.columns
    base = state_from_values(system, {})

    def past(rates: list[float], **others: float) -> State:
        """Throughputs newest first; the rest as the oldest given."""
        values = {f"throughput {n}": rates[min(n, len(rates)) - 1] for n in range(1, columns + 1)}
        return state_from_values(
            system, {**values, **{name.replace("_", " "): value for name, value in others.items()}}, base
        )

    most = system.codec.high[system.codec.remaining]
    falling = past([0.3, 0.5, 2.0, 3.0], buffer=20.0)
    return falling, {
        "An ordinary moment": base,
        "The session has just begun": state_from_values(
            system,
            {"chunks remaining": most, "buffer": system.video.seconds, "last bitrate": system.video.bitrates[1]},
            base,
        ),
        "The buffer is nearly empty": past([0.9], buffer=3.0),
        "The link collapses": falling,
        "The link recovers": past([3.0, 2.5, 0.6, 0.5], buffer=8.0),
        "A full buffer on a slow link": past([0.5], buffer=system.codec.high[1]),
        "A fast link": past([8.0], buffer=25.0),
    }
