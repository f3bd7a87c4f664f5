"""How a minute of the cell becomes what a network sees, as data: the numbers as they are (``contract.Painted``)."""

from __future__ import annotations

from collections.abc import Sequence

from dnnexplain.contract import Cells, Knob, Number, Painting, Phrase

__all__ = ["painting"]


def painting(knobs: Sequence[Knob]) -> Painting:
    """Each cell is its knob; the sentence tells load, forecast and radio conditions."""
    strokes = tuple(Number(Cells(0, at, 1, 1), knob.name) for at, knob in enumerate(knobs))
    words = (
        Phrase("at {time of day:2} h the cell was {congestion last minute:2} full in the last minute, "),
        Phrase(
            "{our load:2} of its capacity being ours; the forecast for the next minute is {forecast next minute:2}; "
        ),
        Phrase("radio conditions are {efficiency last minute:2} times the typical."),
    )
    return Painting(strokes, words=words)
