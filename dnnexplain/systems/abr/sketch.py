"""What ``Codec`` does to knobs, as data (``contract.Painted``): valid samples, the picture, the sentence."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dnnexplain.contract import Cells, Let, Nearest, Number, Of, Painting, Phrase, Pick, Table, Term
from dnnexplain.systems.abr.arrays import ROWS
from dnnexplain.systems.abr.codec import CAP, LONGEST, SAME, SLOWEST_MBPS, Codec

__all__ = ["painting"]

_RECENT = 5
"""Samples of which the sentence tells the mean."""


def painting(codec: Codec) -> Painting:
    """Repair, picture and sentence of a codec's knobs."""
    return Painting(
        strokes=tuple(_strokes(codec)),
        words=_words(codec),
        repairs=(*_ladders(codec), *_samples(codec), *_shown(codec)),
        quantities=(*_before(codec), *_means(codec)),
        tables=_tables(codec),
    )


def _of(does: str, *terms: Term) -> Of:
    return Of(does, terms)


def _held(term: Term, low: float, high: float) -> Of:
    return _of("least", _of("most", term, low), high)


def _tables(codec: Codec) -> tuple[Table, ...]:
    sizes = codec.video.sizes / 1e6

    def rows(table: Any) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(float(item) for item in row) for row in table)

    return (
        Table("bitrates", rows([codec.video.bitrates])),
        Table("megabytes", rows(sizes)),
        Table("logarithms", rows(np.log(sizes))),
    )


def _downloaded(codec: Codec) -> Let:
    return Let("downloaded", _of("subtract", codec.video.chunks, "chunks remaining"))


def _index(age: int) -> Of:
    """The chunk that the sample of an age was, from 1 for the newest; the first for those before the session."""
    return _of("most", _of("subtract", "downloaded", age), 0)


def _level(age: int) -> Nearest:
    """Which of its chunk's sizes a sample moved; of the newest the last bitrate says it."""
    if age == 1:
        return Nearest("bitrates", 0, "last bitrate")
    moved = _of("divide", _of("multiply", f"throughput {age}", f"download time {age}"), 8)
    return Nearest("logarithms", _index(age), _of("logarithm", moved))


# --- what is valid: Codec.repair --------------------------------------------------------------------


def _ladders(codec: Codec) -> list[Let]:
    """The last bitrate is one of the ladder; the next sizes rise."""
    names = [knob.name for knob in codec.knobs[codec.sizes]]
    rising = [Let(name, _of("most", before, name)) for before, name in itertools.pairwise(names)]
    return [Let("last bitrate", Pick("bitrates", 0, _level(1))), *rising]


def _samples(codec: Codec) -> list[Let]:
    """Samples from the newest to the oldest: what is missing has the throughput of the next newer one."""
    longer = codec.video.chunks - 1 > CAP  # then it may not be known which chunks these were
    unsure = _of("not", _of("below", "chunks remaining", CAP)) if longer else 0.0
    lets = [_downloaded(codec), Let("unsure", unsure), Let("newer", 1.0)]
    for age in range(1, codec.columns + 1):
        rate, time = f"throughput {age}", f"download time {age}"
        missing = _of("below", rate, SLOWEST_MBPS * (1 - 1e-6))
        known = _of("below", age - 1, "downloaded")
        lets += [
            Let("there", known if age == 1 else _of("and", known, _of("not", _of("and", "unsure", missing)))),
            Let(rate, _of("if", missing, "newer", rate)),
            Let(time, _held(time, codec.soonest, LONGEST)),
            *([] if codec.free else _tied(codec, age)),
            Let(rate, _of("if", "there", rate, 0)),
            Let(time, _of("if", "there", time, 0)),
            Let("newer", _of("if", "there", rate, "newer")),
        ]
    return lets


def _tied(codec: Codec, age: int) -> list[Let]:
    """One sample's download time follows from its throughput and a size of its chunk."""
    rate, time = f"throughput {age}", f"download time {age}"
    size = _of("multiply", Pick("megabytes", _index(age), _level(age)), 8)
    apart = _of("size", _of("subtract", _of("multiply", rate, time), "megabits"))
    fits = _of("not", _of("below", _of("multiply", SAME, "megabits"), apart))
    wanted = _of("if", fits, time, _of("divide", "megabits", rate))
    slower = _of("if", _of("same", "bounded", "wanted"), rate, _of("divide", "megabits", "bounded"))
    return [
        Let("megabits", size),
        Let("wanted", wanted),
        Let("bounded", _held("wanted", codec.soonest, LONGEST)),
        Let(rate, _of("if", "unsure", rate, slower)),
        Let(time, _of("if", "unsure", time, "bounded")),
    ]


def _shown(codec: Codec) -> list[Let]:
    """Every value as a picture in single precision can show it."""
    lets = []
    for knob, scale in zip(codec.knobs, codec.scale, strict=True):
        if knob.name not in {"last bitrate", "chunks remaining"}:
            seen = _of("divide", _of("single", _of("multiply", knob.name, float(scale))), float(scale))
            lets.append(Let(knob.name, _held(seen, knob.low, knob.high)))
    return lets


# --- the picture: Codec.encode ----------------------------------------------------------------------


def _before(codec: Codec) -> list[Let]:
    """The cells that no knob has, as the knobs let them be guessed."""
    lets = [_downloaded(codec), Let("nothing", 0.0)]
    for age in range(2, codec.columns + 1):
        there = _of("below", age - 1, "downloaded")
        left = _of("least", _of("add", "chunks remaining", age - 1), CAP)
        lets += [
            Let(f"bitrate {age}", _of("if", there, Pick("bitrates", 0, _level(age)), 0)),
            Let(f"buffer {age}", _of("if", there, "buffer", 0)),
            Let(f"remaining {age}", _of("if", there, left, 0)),
        ]
    if codec.params.wrap:
        for column in range(codec.rates, codec.columns):
            place = _of("subtract", "downloaded", codec.columns - column)
            lets.append(Let(f"left behind {column}", _of("if", _of("below", place, 1), 0, Pick("megabytes", place, 0))))
    return lets


def _strokes(codec: Codec) -> list[Number]:
    """One for each cell: a knob's, or what stands there without one."""
    names = [["nothing"] * codec.columns for _ in range(ROWS)]
    for age in range(2, codec.columns + 1):
        for row, kind in ((0, "bitrate"), (1, "buffer"), (5, "remaining")):
            names[row][-age] = f"{kind} {age}"
    if codec.params.wrap:
        names[4][codec.rates :] = [f"left behind {column}" for column in range(codec.rates, codec.columns)]
    scales = {"bitrate": codec.scale[0], "buffer": codec.scale[1], "remaining": codec.scale[codec.remaining]}
    strokes = [
        Number(Cells(row, column, 1, 1), name, float(scales.get(name.split(" ", 1)[0], 1.0)), keeps=True)
        for row, line in enumerate(names)
        for column, name in enumerate(line)
        if row * codec.columns + column not in set(codec.cell.tolist())
    ]
    own = zip(codec.knobs, codec.cell.tolist(), codec.scale.tolist(), strict=True)
    return strokes + [
        Number(Cells(cell // codec.columns, cell % codec.columns, 1, 1), knob.name, scale, keeps=True)
        for knob, cell, scale in own
    ]


# --- the sentence: words.describe -------------------------------------------------------------------


def _means(codec: Codec) -> list[Let]:
    """The harmonic mean of the last throughputs, those that are 0 left out."""
    names = [f"throughput {age}" for age in range(1, min(_RECENT, codec.columns) + 1)]
    slow = _of("add", *(_of("if", name, _of("divide", 1, name), 0) for name in names))
    there = _of("add", *(_of("if", name, 1, 0) for name in names))
    return [Let("recent", _of("if", there, _of("divide", there, slow), 0))]


def _words(codec: Codec) -> tuple[Phrase, ...]:
    sizes = [knob.name for knob in codec.knobs[codec.sizes]]
    return (
        Phrase(
            "the buffer holds {buffer:1} s after a chunk at {last bitrate} kbps that came at {throughput 1:2} Mb/s "
        ),
        Phrase(f"(last five: {{recent:2}}); the next chunk has {{{sizes[0]}:2}} to {{{sizes[-1]}:2}} MB, "),
        Phrase("and {chunks remaining} remain."),
    )
