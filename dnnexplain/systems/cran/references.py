"""Reference slots that an attribution may count from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import State
from dnnexplain.systems.cran.codec import Codec
from dnnexplain.systems.cran.days import draw_days

if TYPE_CHECKING:
    from dnnexplain.systems.cran.radio import Radio

__all__ = ["baselines_of"]

TYPICAL = 32


@lru_cache(maxsize=8)
def _typical_days(codec: Codec) -> NDArray[np.float32]:
    """What the slots of :data:`TYPICAL` generated days show ``[D, T, n]``, drawn once: a drag asks at each step."""
    days = codec.observe(draw_days(codec.scene, "diurnal", TYPICAL, 0))
    days.setflags(write=False)
    return days


def baselines_of(system: Radio, state: State) -> Mapping[str, NDArray[np.float32]]:
    """Typical slots (32 of generated days, with the state's hour and heads), no demand, each user without demand, all asleep."""
    codec = system.codec
    here = codec.encode(state.values[None], state.background)
    slot = round(float(here[0, 0]) / system.scene.slot_hours) % system.scene.slots
    typical = _typical_days(codec)[:, slot].copy()
    typical[:, codec.awake] = here[:, codec.awake]
    silent = here.copy()
    silent[:, codec.demand] = 0.0
    asleep = here.copy()
    asleep[:, codec.awake] = 0.0
    baselines = {"typical slots": typical, "no demand": silent}
    for user in range(system.scene.users):
        item = here.copy()
        item[:, codec.demand.start + user] = 0.0
        baselines[f"user {user + 1} without demand"] = item
    return baselines | {"all heads asleep": asleep}
