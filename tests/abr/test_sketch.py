"""Knobs, repaired and painted by the terms that a page computes, are those that the codec makes in numpy."""

import math

import numpy as np
import pytest

from dnnexplain.contract import Nearest, Of, Pick
from dnnexplain.systems.abr import AdaptiveBitrate, Video

DOES = {
    "add": sum, "multiply": math.prod, "least": min, "most": max, "and": all, "or": any,
    "subtract": lambda terms: terms[0] - terms[1],
    "divide": lambda terms: terms[0] / terms[1] if terms[1] else math.inf,
    "below": lambda terms: terms[0] < terms[1], "same": lambda terms: terms[0] == terms[1],
    "size": lambda terms: abs(terms[0]), "logarithm": lambda terms: math.log(terms[0]) if terms[0] > 0 else -math.inf,
    "single": lambda terms: float(np.float32(terms[0])), "not": lambda terms: not terms[0],
}  # fmt: skip


def value(term, known, tables):
    """What a term is, by what its documentation says."""
    if isinstance(term, (int, float)):
        return float(term)
    if isinstance(term, str):
        return known[term]
    if isinstance(term, Of):
        if term.does == "if":
            test, yes, no = term.terms
            return value(yes if value(test, known, tables) else no, known, tables)
        return float(DOES[term.does]([value(one, known, tables) for one in term.terms]))
    rows = tables[term.table]
    row = rows[min(max(round(value(term.row, known, tables)), 0), len(rows) - 1)]
    if isinstance(term, Pick):
        return row[min(max(round(value(term.column, known, tables)), 0), len(row) - 1)]
    assert isinstance(term, Nearest)
    wanted = value(term.value, known, tables)
    return float(min(range(len(row)), key=lambda place: abs(row[place] - wanted)))


def done(lets, known, tables):
    for let in lets:
        known[let.name] = value(let.term, known, tables)
    return known


LONG = Video("long", np.array([300.0, 900.0, 2000.0]), np.array([300.0, 900.0, 2000.0]) * 500 * np.linspace(0.9, 1.1, 70)[:, None])  # fmt: skip
WORLDS = {"as-published": {}, "free": {"free_times": True}, "no-wrap": {"wrap": False}, "long": {"video": LONG}}


@pytest.mark.parametrize("world", WORLDS)
def test_terms_repair_and_paint_as_the_codec_does(world):
    system = AdaptiveBitrate(**WORLDS[world])
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    rng = np.random.default_rng(3)
    rows = rng.uniform(low, high, (12, len(low)))
    rows[:, system.codec.throughput][rng.random((12, system.codec.columns)) < 0.3] = 0.0
    rows[:4, -1] = [0, 2, high[-1] - 1, high[-1]]
    rows[:, -1] = np.rint(rows[:, -1])
    rows[6:] = system.repair(rows[6:])  # valid ones stay
    names, painting = [knob.name for knob in system.knobs], system.painting
    tables = {table.name: table.rows for table in painting.tables}
    for row in rows:
        known = done(painting.repairs, dict(zip(names, row.tolist(), strict=True)), tables)
        repaired = np.array([known[name] for name in names])
        np.testing.assert_allclose(repaired, system.repair(row[None])[0], rtol=2e-7, atol=1e-12)
        known = done(painting.quantities, dict(zip(names, repaired.tolist(), strict=True)), tables)
        picture = np.full(system.observation_shape, np.nan)
        for stroke in painting.strokes:
            picture[stroke.cells.row, stroke.cells.column] = known[stroke.knob] * stroke.scale + stroke.offset
        np.testing.assert_allclose(picture, system.encode(repaired[None])[0], rtol=2e-7, atol=1e-12)


def test_what_can_be_dragged_stands_on_its_lane_s_curve():
    system = AdaptiveBitrate()
    replay = system.replay(system.rules()["bb"], system.workloads("markov-3g", 1, 0)[0])
    states, names = system.decode(replay.observations), [knob.name for knob in system.knobs]
    held = 0
    for grips in replay.grips:
        curve = next(one for one in replay.curves if one.track == grips.track and not one.quiet)
        for decision, age in np.ndindex(len(states), len(grips.knobs)):
            if decision >= age:
                at = grips.times[decision - age]
                place = np.searchsorted(curve.times, at, side="right") - 1
                stands = curve.values[place] if curve.steps else np.interp(at, curve.times, curve.values)
                assert states[decision, names.index(grips.knobs[age])] == pytest.approx(stands, abs=1e-6)
                held += 1
    assert held > 6 * len(states)
