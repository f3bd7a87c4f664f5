"""Which knobs alone force a switch of radio heads, proved: for a state whose observation is no sum over its knobs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.contract import State, StateSet
from dnnexplain.explain.proofs.inputs import summands
from dnnexplain.explain.proofs.network import wave_range
from dnnexplain.explain.proofs.sufficient import LIMITS, sufficient_reason
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.cran import CloudRan
from dnnexplain.systems.cran.networks import dense


@pytest.mark.parametrize("told", ["gains", "channels"])
@pytest.mark.parametrize("action", ["toggle", "set"])
def test_reasons_for_a_switch_hold_in_drawn_states(told, action):
    system = CloudRan(heads=2, users=2, action=action)
    policy = TorchPolicy(dense(system, (4,), seed=3, told=told), system)
    start = np.array([knob.start for knob in system.knobs])
    found = sufficient_reason(
        system, policy, State(system.repair(start[None])[0]), budget=replace(LIMITS, nodes=20, parts=20)
    )
    free = np.isin([knob.name for knob in system.knobs], found.free)
    if told == "gains":
        assert found.proved
        assert free[system.codec.phase].all()
    rows = np.repeat(system.repair(start[None]), 300, axis=0)
    low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
    rows[:, free] = np.random.default_rng(0).uniform(low, high, rows.shape)[:, free]
    rows = system.repair(rows)
    decisions = system.output.decide(policy.outputs(system.encode(rows)))
    first = system.output.decide(policy.outputs(system.encode(system.repair(start[None]))))
    assert (decisions == first).all()


def test_what_is_held_fast_need_not_be_a_sum():
    system = CloudRan(heads=2, users=1)
    whole = StateSet.all_of(system)
    values = np.array([knob.start for knob in system.knobs])
    low, high = values.copy(), values.copy()
    margins = system.codec.gain
    low[margins], high[margins] = whole.low[margins], whole.high[margins]
    ground, parts = summands(system, StateSet(low, high, whole.relations, None, np.inf))
    row = values.copy()
    row[margins] = [-10.0, 20.0]
    added = sum(
        (row[part.knobs[0]] - system.knobs[part.knobs[0]].low) * part.cells[0] for part in parts if part.straight
    )
    assert ground + added == pytest.approx(system.encode(row[None])[0], abs=1e-3)


@given(st.floats(-20, 20), st.floats(0, 9))
def test_waves_lie_between_their_least_and_largest(low, width):
    angles = np.linspace(low, low + width, 400)
    for wave in (np.cos, np.sin):
        ends = wave_range(np.array([low]), np.array([low + width]), wave)
        seen = wave(angles)
        assert ends[0][0] <= seen.min()
        assert seen.max() <= ends[1][0]
        assert ends[0][0] >= seen.min() - 1e-3
        assert ends[1][0] <= seen.max() + 1e-3
