import numpy as np
import pytest

from dnnexplain.contract import State
from dnnexplain.explain.decisions.consequences import consequences
from dnnexplain.systems.cran.futures import KEPT, entered


def met(system, policy, day, slot):
    """The state that a policy meets in a slot, what it saw, and its run."""
    run = system.simulate(policy, [day])
    seen = run.observations[0, slot]
    return State(system.decode(seen[None])[0], seen), seen, run


def test_a_day_goes_on_from_its_own_slot_as_it_did(toggling, days):
    rule = toggling.rules()["greedy"]
    state, seen, run = met(toggling, rule, days[0], 60)
    rest, slot = entered(toggling.codec, seen, days[:1])
    assert (slot, len(rest[0])) == (60, 36)
    np.testing.assert_allclose(rest[0].demand, days[0].demand[60:], atol=1e-4)
    np.testing.assert_allclose(rest[0].gain, days[0].gain[60:], atol=1e-4)
    np.testing.assert_allclose(rest[0].phase, days[0].phase[60:], atol=1e-3)
    gone = toggling.continued(state, rule, int(run.actions[0, 60]), days[:1])
    np.testing.assert_allclose(gone.detail.power[0], run.power[0, 60:], atol=1e-3)
    np.testing.assert_array_equal(gone.detail.sets[0], run.sets[0, 60:])


def test_the_slot_is_the_states_and_differences_shrink(toggling, days):
    _, seen, _ = met(toggling, toggling.rules()["all-on"], days[0], 40)
    rest, _ = entered(toggling.codec, seen, days[1:2])
    day, later = days[1], rest[0]
    assert (later.demand[0] == days[0].demand[40]).all()
    assert (later.gain[0] == days[0].gain[40]).all()
    shrunk = KEPT**7 * (later.demand[0] - day.demand[40])
    np.testing.assert_allclose(later.demand[7], np.maximum(day.demand[47] + shrunk, 0), atol=1e-4)
    assert (later.place == days[0].place[40]).all()  # users of a diurnal day stay


def test_switches_and_toggles_are_compared_with_others(toggling, setting, days):
    rule = setting.rules()["greedy"]
    state, _, _ = met(setting, rule, days[0], 90)
    found = consequences(setting, rule, state, days)
    on = found.chosen
    assert len(found.actions) == 8 if 0 < sum(on) < 5 else 7
    assert sum(a != b for a, b in zip(found.actions[1].action, on, strict=True)) == 1
    dark = found.of([0, 0, 0, 0, 0])
    assert dark.against["unserved slots"].mean == pytest.approx(1.0)
    assert dark.against["cost"].mean > 10
    toggles = consequences(toggling, toggling.rules()["greedy"], state, days)
    assert [one.action for one in toggles.actions] == list(range(6))
    every = toggling.continued(state, toggling.rules()["greedy"], 0, days)
    assert toggles.of(0).figures["cost"].mean == pytest.approx(every.cost.mean())


def test_many_states_go_on_together_as_each_by_itself(toggling, days):
    rule = toggling.rules()["patient"]
    states = [met(toggling, rule, day, slot)[0] for day, slot in zip(days, (70, 88, 70), strict=False)]
    which, actions = np.array([0, 0, 1, len(states) - 1]), np.array([0, 3, 1, 2])
    both = toggling.continued_together(states, which, actions, rule, days)
    for row, place, action in zip(both, which, actions, strict=True):
        np.testing.assert_allclose(row, toggling.continued(states[place], rule, int(action), days).cost, atol=1e-9)
