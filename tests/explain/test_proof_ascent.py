"""Climbs group by group: their ends are valid states, locally best, and find violations that a list of all states has."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dnnexplain.contract import Case, State, StateSet
from dnnexplain.explain.probing.neurons import random_values
from dnnexplain.explain.proofs.ascent import ascended
from dnnexplain.explain.proofs.ready import free_knobs
from dnnexplain.explain.proofs.relaxation import relaxed_model
from dnnexplain.policies import named_policy
from dnnexplain.systems import make_system

ROW, OFFSET = np.array([[1.0, 0.0, 0.0, 0.0, 0.0, -1.0]]), np.array([0.5])


@pytest.fixture(scope="module")
def world() -> tuple[Any, Any, Any, Any]:
    system: Any = make_system("deeprm")
    policy = named_policy(system, "default")
    values = random_values(system, 1, np.random.default_rng(3))[0]
    free = np.array([knob.group in {"job 2", "job 3"} for knob in system.knobs])
    states = free_knobs(StateSet.all_of(system), values, free)
    return system, policy, states, State(values)


def climbed(world: Any, starts: int, seed: int = 0) -> Any:
    system, policy, states, _ = world
    model = relaxed_model(system, policy, Case("", states, ROW, OFFSET), None)
    ends = ascended(model, ROW, OFFSET, np.random.default_rng(seed), starts, lambda: True)
    rows = model.inputs.rows(ends)
    return rows, np.asarray(policy.outputs(system.encode(rows))) @ ROW[0] + OFFSET[0]


def test_ends_are_valid_states_of_the_set_the_best_first(world: Any) -> None:
    rows, values = climbed(world, 5)
    assert 1 <= len(rows) <= 5
    assert world[2].holds(world[0], rows).all()
    assert (np.diff(values) <= 1e-4).all()


def test_no_other_value_of_one_job_is_better(world: Any) -> None:
    system, policy = world[:2]
    rows, values = climbed(world, 3)
    for group in ("job 2", "job 3"):
        places = [place for place, knob in enumerate(system.knobs) if knob.group == group]
        grid = np.array(list(itertools.product(*(system.knobs[place].grid() for place in places))))
        tried = np.repeat(rows[:1], len(grid), axis=0)
        tried[:, places] = grid
        tried = tried[np.isclose(system.repair(tried), tried).all(axis=1)]
        assert (np.asarray(policy.outputs(system.encode(tried))) @ ROW[0] + OFFSET[0]).max() <= values[0] + 1e-4


def test_climbs_are_far_above_states_drawn_as_often(world: Any) -> None:
    system, policy, states, _ = world
    _, values = climbed(world, 4)
    drawn = random_values(system, 2000, np.random.default_rng(0))
    fixed = states.high <= states.low
    drawn[:, fixed] = states.low[fixed]
    drawn = drawn[states.holds(system, drawn)]
    assert len(drawn) > 100
    assert values[0] >= (np.asarray(policy.outputs(system.encode(drawn))) @ ROW[0] + OFFSET[0]).max()


def test_of_networks_with_bends_on_bends_nothing_is_known() -> None:
    system: Any = make_system("abr")
    row = np.eye(1, 6)
    model = relaxed_model(
        system, named_policy(system, "default"), Case("", StateSet.all_of(system), row, np.zeros(1)), None
    )
    assert not model.flat
    assert not len(ascended(model, row, np.zeros(1), np.random.default_rng(0), 2, lambda: True))
