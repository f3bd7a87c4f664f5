"""The smallest change that fools a decision where the action is a rate or a set of switches, against brute force."""

from itertools import product

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.adversarial import attack
from dnnexplain.explain.adversarial.verdicts import TOLERANCE, Examiner
from dnnexplain.policies import TorchPolicy
from tests.fakes import linear_network
from tests.systems.fakes import Act, Lamps, Valve

LAMPS, VALVE = Lamps(), Valve()
SWITCHING = TorchPolicy(
    linear_network(LAMPS, 6 * np.eye(3) + 1.5, np.array([-4.0, -4.5, -5.0])), LAMPS, name="switching"
)
SETTING = TorchPolicy(linear_network(VALVE, np.array([[0.8, -0.1]]), np.array([0.05])), VALVE, name="setting")


def brute_force(system, policy, base, rows):
    """The cost of the cheapest change that makes another decision which loses more than the one before."""
    space = system.output
    before = space.decide(policy.outputs(system.encode(base[None])))
    lost = system.losses(State(base), before)[0]
    best = np.inf
    for row in rows:
        after = space.decide(policy.outputs(system.encode(row[None])))
        if not space.same(after, before)[0] and system.losses(State(row), after)[0] > lost + TOLERANCE:
            steps = [knob.step or (knob.high - knob.low) / 100 for knob in system.knobs]
            best = min(best, float((np.abs(row - base) / steps).sum()))
    return best


@pytest.mark.parametrize("base", [(5.0, 1.0, 8.0), (2.0, 6.0, 3.0)])
def test_the_smallest_switch_for_the_worse(base):
    values = np.array(base)
    rows = [np.array(one, dtype=float) for one in product(range(10), repeat=3)]
    wanted = brute_force(LAMPS, SWITCHING, values, rows)
    found = attack(LAMPS, SWITCHING, State(values), method="exhaustive", rounds=500)
    assert found.found == np.isfinite(wanted)
    assert found.distance == pytest.approx(wanted)
    assert found.proved_minimal
    assert found.after.name == LAMPS.output.tell(found.after.action)
    assert found.after.action != found.before.action
    assert found.after.loss == LAMPS.losses(found.state, np.array([found.after.action]))[0] > found.before.loss
    assert type(found).from_json(found.to_json()) == found
    assert "although" in found.words


@pytest.mark.parametrize("method", ["gradient", "local", "random"])
def test_other_methods_find_one_that_is_no_smaller(method):
    values = np.array([5.0, 1.0, 8.0])
    least = attack(LAMPS, SWITCHING, State(values), method="exhaustive", rounds=500).distance
    found = attack(LAMPS, SWITCHING, State(values), method=method, rounds=30, seed=1)
    assert found.found
    assert found.distance >= least - 1e-9


def test_a_wished_set_is_named_as_people_say_it():
    values = np.array([5.0, 1.0, 8.0])
    found = attack(LAMPS, SWITCHING, State(values), target="lamp 1 and lamp 2", method="exhaustive", rounds=500)
    assert not found.found or found.after.name == "lamp 1 and lamp 2"
    with pytest.raises(DnnExplainError, match="lamp 9"):
        attack(LAMPS, SWITCHING, State(values), target="lamp 9", rounds=1)
    now = LAMPS.output.tell(Examiner(LAMPS, SWITCHING, State(values)).action)
    assert "nothing to flip to" in attack(LAMPS, SWITCHING, State(values), target=now, rounds=1).words


def test_the_smallest_change_of_a_rate_by_more_than_the_tolerance():
    values = np.array([0.6, 2.0])
    rows = [np.array([0.6, float(one)]) for one in range(10)]
    wanted = brute_force(VALVE, SETTING, values, rows)
    found = attack(VALVE, SETTING, State(values), knobs=["warmth"], method="exhaustive", rounds=200)
    assert np.isfinite(wanted)
    assert found.distance == pytest.approx(wanted)
    assert abs(found.after.action[0] - found.before.action[0]) > VALVE.output.another
    assert np.isnan(found.after.probability)
    assert found.after.name.startswith("rate 0.")
    followed = attack(VALVE, SETTING, State(values), method="gradient", rounds=20)
    assert followed.found


def test_the_best_rule_is_never_fooled():
    for system in (LAMPS, VALVE):
        start = State(np.array([knob.start for knob in system.knobs]))
        found = attack(system, Act("knows", system, system.best), start, method="random", rounds=10)
        assert not found.found


def test_a_margin_is_above_zero_where_the_decision_is_another_one():
    rng = np.random.default_rng(0)
    for system, policy in ((LAMPS, SWITCHING), (VALVE, SETTING)):
        low, high = (np.array([getattr(knob, end) for knob in system.knobs]) for end in ("low", "high"))
        rows = system.repair(low + (high - low) * rng.random((200, len(low))))
        witness = Examiner(system, policy, State(rows[0]))
        answers = witness.ask(rows)
        np.testing.assert_array_equal(answers.margin > 0, witness.flipped(answers))
