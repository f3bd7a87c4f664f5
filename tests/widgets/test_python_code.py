"""Every panel of the page offers itself as Python, and that Python runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from dnnexplain.app import dashboard_parts
from dnnexplain.contract import State
from dnnexplain.explain.gray_box import gap_box
from dnnexplain.explain.guards import compiling
from dnnexplain.explain.room import LookAhead
from dnnexplain.registry import BUILT_IN
from dnnexplain_widgets import Dashboard
from dnnexplain_widgets.sections import LIVE, SECTIONS

PANELS = [entry.name for entry in (*LIVE, *(entry for section in SECTIONS for entry in section.entries))]
QUICK = {
    "seconds": 1, "sets": 2, "budget": 1, "iterations": 2, "leaves": 4, "knob steps": 10, "method gray-box": False, "method simulated-annealing": False,
}  # fmt: skip
"""Answers of heavy panels, so that a test of their code takes a second."""

OWN = {"StressPanel": {"budget": 20}, "RoomPanel": {"futures": 1}}
"""Where an answer of that name means something else."""

SIZES = {
    "GuardPanel": {"sets": 3, "rounds": 1, "cycles": 1, "tries": 2},
    "FailingPanel": {"sets": 3, "states": 20},
    "RoomPanel": {"oracle_seconds": 0.2, "workers": 1},
}  # fmt: skip
"""Options of panels that have no control for how much they look at."""


@pytest.fixture(scope="module")
def boards():
    return cache(lambda name: Dashboard(**dashboard_parts(name)))


def board_with(boards, name):
    for board in map(boards, BUILT_IN):
        known = {type(panel).__name__ for panel in board.live}
        known |= {entry.name for entries in board.fitting.values() for entry in entries}
        if name in known:
            return board
    pytest.fail(f"no page shows {name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_the_copied_code_of_a_panel_runs_and_makes_the_panel(boards, name, monkeypatch):
    monkeypatch.setitem(gap_box.__kwdefaults__, "moves", 8)
    monkeypatch.setattr(LookAhead, "_better", lambda _self, _seen, _valid, own: own)
    for few in ("FALLBACKS", "STARTS", "LEARNED"):
        monkeypatch.setattr(compiling, few, 2)
    panel = board_with(boards, name).panel(name)
    quick = QUICK | OWN.get(name, {})
    numbers = {key: value for key, value in quick.items() if key in panel.answers}
    panel.set_answers(**numbers)
    panel.options = {**panel.options, **SIZES.get(name, {})}
    code = panel.copy_as_python()
    assert "= ..." not in code
    space = run(code)
    made = space["policy"]
    assert made.checkpoint == panel.session.policy.checkpoint
    assert isinstance(space["state"], State)
    assert np.array_equal(space["system"].encode(space["state"].values[None], space["state"].background), seen(panel))


def seen(panel):
    state = panel.session.state
    return panel.session.system.encode(state.values[None], state.background)


def run(code):
    space = {}
    exec(compile(code, "copied.py", "exec"), space)
    return space
