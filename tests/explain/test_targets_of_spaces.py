"""What may be explained of a rate and of switches."""

import numpy as np
import pytest
import torch

from dnnexplain.contract import DnnExplainError, State, TargetKind
from dnnexplain.explain import attribute
from dnnexplain.explain.attribution.targets import menu, nearest_switch, resolve
from dnnexplain.explain.decisions.decision import decide
from dnnexplain.policies import TorchPolicy
from tests.fakes import linear_network
from tests.systems.fakes import Lamps, Valve

LAMPS, VALVE = Lamps(), Valve()
SWITCHING = TorchPolicy(linear_network(LAMPS, 6 * np.eye(3), np.array([-4.0, -2.0, -5.0])), LAMPS)
SETTING = TorchPolicy(linear_network(VALVE, np.array([[0.8, -0.1]]), np.array([0.05])), VALVE)
STATE = State(np.array([5.0, 1.0, 8.0]))


def scalar(target, policy, system, state):
    seen = torch.as_tensor(system.encode(state.values[None]))
    with torch.no_grad():
        return float(target.scalar(policy.module(seen), seen)[0])


def test_switches_are_explained_by_their_log_odds_and_probabilities():
    decision = decide(LAMPS, SWITCHING, STATE)
    first = resolve(LAMPS, decision)
    assert nearest_switch(decision) == int(np.abs(decision.outputs).argmin())
    assert first.name == f"{LAMPS.output.names[nearest_switch(decision)]} on against off"
    assert first.kind is TargetKind.CONTRAST
    for place, name in enumerate(LAMPS.output.names):
        odds, likely = (
            resolve(LAMPS, decision, f"{name} on against off"),
            resolve(LAMPS, decision, f"probability of {name}"),
        )
        assert scalar(odds, SWITCHING, LAMPS, STATE) == pytest.approx(decision.outputs[place], rel=1e-5)
        assert scalar(likely, SWITCHING, LAMPS, STATE) == pytest.approx(decision.probabilities[place], rel=1e-5)
        assert resolve(LAMPS, decision, name).name == odds.name
    with pytest.raises(DnnExplainError, match="on against off"):
        resolve(LAMPS, decision, "lamp 9 on against off")


def test_a_rate_is_explained_by_its_value_or_against_another():
    state = State(np.array([0.6, 2.0]))
    decision = decide(VALVE, SETTING, state)
    assert resolve(VALVE, decision).name == "rate"
    other = resolve(VALVE, decision, "rate against 0.7")
    assert scalar(other, SETTING, VALVE, state) == pytest.approx(decision.outputs[0] - 0.7, abs=1e-6)
    with pytest.raises(DnnExplainError, match="rate against"):
        resolve(VALVE, decision, "rate against much")


@pytest.mark.parametrize(
    ("system", "policy", "state"), [(LAMPS, SWITCHING, STATE), (VALVE, SETTING, State(np.array([0.6, 2.0])))]
)
def test_every_name_in_the_menu_resolves_back_and_is_attributed(system, policy, state):
    decision = decide(system, policy, state)
    for name, target in menu(system, decision).items():
        assert resolve(system, decision, name).name == target.name
    found = attribute(
        system, policy, state, method="integrated-gradients", target=next(reversed(menu(system, decision)))
    )
    assert np.isfinite(found.map).all()
