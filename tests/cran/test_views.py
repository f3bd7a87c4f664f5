"""The map of heads and users: watts, who is on, and shares of power are those of the power program."""

import numpy as np
import pytest

from dnnexplain.contract import GraphView, State
from dnnexplain.explain import decide
from dnnexplain.policies import named_policy
from dnnexplain.registry import views_of
from dnnexplain.systems.cran import CloudRan
from dnnexplain.systems.cran.power import least_power, powers_of_sets
from dnnexplain_widgets.export import reading_of
from dnnexplain_widgets.inpage import in_page

SYSTEM = CloudRan(heads=3, users=2, antennas=2)


def states(count):
    rng = np.random.default_rng(7)
    low, high = (np.array([getattr(knob, end) for knob in SYSTEM.knobs]) for end in ("low", "high"))
    rows = low + rng.random((count, len(low))) * (high - low)
    rows[:, SYSTEM.codec.demand] /= 5
    return [State(row) for row in SYSTEM.repair(rows)]


@pytest.mark.parametrize("state", states(4))
def test_the_map_shows_the_slot_that_follows_each_action(state):
    graph = views_of(SYSTEM)[0]
    assert isinstance(graph, GraphView)
    decision = decide(SYSTEM, SYSTEM.rules()["all-on"], state)
    ours, best = graph.show(state, decision)
    assert best.name == "Optimum"
    for side, action in ((ours, decision.taken), (best, SYSTEM.best_action(state))):
        on = SYSTEM.next_heads(state, action)
        assert side.on[:3] == tuple(on)
        channels, demand = SYSTEM.codec.program(SYSTEM.encode(state.values[None]))
        found = least_power(SYSTEM.scene, channels[0], demand[0], on)
        radiated = powers_of_sets(SYSTEM.scene, channels, demand, [[int(on @ [1, 2, 4])]])[0, 0]
        assert ("not served" in side.headline) == (not np.isfinite(radiated))
        share = side.level.reshape(2, 3)
        assert (share[:, ~on] == 0).all()
        if found.served:
            np.testing.assert_allclose(share.sum(axis=1), demand[0] > 0)
            changed = (on != (state.values[SYSTEM.codec.awake] > 0.5)).sum()
            watts = 6.8 * on.sum() + 4.3 * (~on).sum() + radiated / 0.25 + 3.0 * changed
            assert float(side.headline.split()[0]) == pytest.approx(watts, abs=0.051)


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_the_output_of_a_head_s_square_is_the_one_that_decides_about_it(action):
    """So may a page draw the squares by itself (widgets/page/src/parts/graph_picture.js, isOnNow)."""
    system = CloudRan(heads=3, users=1, action=action)
    graph = views_of(system)[0]
    state = State(np.array([knob.start for knob in system.knobs]))
    outputs = [system.output.names.index(node.output) for node in graph.nodes[:3]]
    awake = state.values[system.codec.awake] > 0.5
    for taken in range(4) if action == "toggle" else ([True, False, True], [False, True, True]):
        on = system.next_heads(state, np.asarray(taken))
        told = [
            before != (taken == at) if action == "toggle" else taken[at]
            for at, before in zip(outputs, awake, strict=True)
        ]
        assert list(on) == told


def test_with_many_heads_a_rule_stands_beside_the_network():
    system = CloudRan(heads=9, users=1)
    state = State(np.array([knob.start for knob in system.knobs]))
    graph = views_of(system)[0]
    sides = graph.show(state, decide(system, system.rules()["all-on"], state))
    assert [side.name for side in sides] == ["Network", "Greedy rule"]
    assert "greedy rule" in graph.tell(sides)


def test_a_day_s_curves_are_the_power_charged_and_the_demand():
    day = SYSTEM.workloads("diurnal", 1, 3)[0]
    rule = SYSTEM.rules()["greedy"]
    replay, run = SYSTEM.replay(rule, day), SYSTEM.simulate(rule, [day])
    power, demand = replay.curves
    np.testing.assert_array_equal(power.values[:-1], run.power[0])
    np.testing.assert_allclose(demand.values[:-1], day.demand.sum(axis=1))
    assert power.values[:-1].mean() == pytest.approx(replay.cost)
    assert [replay.tracks[curve.track].name for curve in replay.curves] == ["power", "demand"]


def test_slots_that_are_not_served_have_a_lane_of_their_own():
    day = SYSTEM.workloads("diurnal", 1, 3, high=50.0)[0]

    class Sleeps:
        """Puts every head to sleep, as far as one toggle in a slot does."""

        name, masked = "sleeps", False

        def outputs(self, observations):
            awake = SYSTEM.decode(observations)[:, SYSTEM.codec.awake] > 0.5
            return np.column_stack([~awake.any(axis=1), awake])

    replay, run = SYSTEM.replay(Sleeps(), day), SYSTEM.simulate(Sleeps(), [day])
    at = len(replay.tracks) - 1
    assert replay.tracks[at].wrong
    covered = np.zeros(len(run.served[0]), dtype=bool)
    for begin, end in replay.bars[replay.bar_track == at][:, :2] / SYSTEM.scene.slot_hours:
        covered[round(begin) : round(end)] = True
    np.testing.assert_array_equal(covered, ~run.served[0])
    assert covered.any()
    assert not any(track.wrong for track in SYSTEM.replay(SYSTEM.rules()["all-on"], day).tracks)


def test_an_exported_page_counts_from_what_a_page_can_and_says_so():
    names = [one["name"] for one in in_page(SYSTEM, named_policy(SYSTEM, "untrained"))["baselines"]]
    assert "typical slots" not in names
    assert names[0] == "no demand"
    told = reading_of(states(1)[0], SYSTEM, names[0])["What moved it"]
    assert "“typical slots” is a mean over 32 states that change with this one" in told
