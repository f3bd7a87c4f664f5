"""How a slot of the radio heads becomes what a network sees, as data (``contract.Painted``)."""

from __future__ import annotations

import numpy as np

from dnnexplain.contract import Cells, Listing, Number, Painting, Phrase, Remote
from dnnexplain.systems.cran.codec import Codec

__all__ = ["painting"]


def painting(codec: Codec) -> Painting:
    """Each cell is its knob; of a gain, its margin and the mean gain at its user's place."""
    scene, names = codec.scene, [knob.name for knob in codec.knobs]
    strokes: list[Number | Remote] = [Number(Cells(0, at, 1, 1), name) for at, name in enumerate(names)]
    for link, cell in enumerate(np.arange(codec.size)[codec.gain]):
        user, antenna = divmod(link, len(scene.head_of))
        east, north = names[codec.place.start + 2 * user], names[codec.place.start + 2 * user + 1]
        x, y = scene.positions[scene.head_of[antenna]]
        strokes[cell] = Remote(
            Cells(0, int(cell), 1, 1), names[cell], east, north, (float(x), float(y)), scene.nearest, 1000.0,
            level=scene.antenna_gain - scene.loss_at_1_km, slope=-scene.loss_per_decade,
        )  # fmt: skip
    wants = ", ".join(f"user {user} {{user {user} demand:1}} Mb/s" for user in range(1, scene.users + 1))
    heads = tuple(Phrase(f"head {head}", when=f"head {head} awake") for head in range(1, scene.heads + 1))
    words = (
        Phrase(f"at {{time:2}} h demands are {wants}; "),
        Listing(heads, "no head is awake.", " is awake.", " are awake."),
    )
    return Painting(tuple(strokes), words=words)
