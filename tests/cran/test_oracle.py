"""The optimum of a day against every plan of a short one, and against all that policies do."""

import itertools

import numpy as np
import pytest

from dnnexplain.systems.cran import CloudRan, Day
from dnnexplain.systems.cran.oracle import PlanOracle


def cut(day, slots):
    return Day(day.demand[:slots], day.place[:slots], day.gain[:slots], day.phase[:slots])


def brute(oracle, day, start):
    """The least cost of all plans, one by one."""
    costs, heads = oracle.costs(day), oracle.scene.heads
    best = np.inf
    for plan in itertools.product(range(2**heads), repeat=len(day)):
        changes = [(a ^ b).bit_count() for a, b in itertools.pairwise((start, *plan))]
        if oracle.toggles and max(changes) > 1:
            continue
        best = min(best, sum(costs[t, s] for t, s in enumerate(plan)) + oracle.scene.switch_power * sum(changes))
    return best / len(day)


@pytest.mark.parametrize("toggles", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dynamic_program_equals_brute_force(small, toggles, seed):
    oracle = PlanOracle(small.scene, toggles=toggles)
    day = cut(small.workloads("diurnal", 1, seed)[0], 4)
    for start in (7, 1, 0):
        plan = oracle.plan(day, start)
        assert plan.cost == pytest.approx(brute(oracle, day, start), abs=1e-9)
        assert oracle.priced(day, plan.sets, start).cost == pytest.approx(plan.cost, abs=1e-12)


@pytest.mark.parametrize("action", ["toggle", "set"])
def test_no_policy_beats_the_optimum_and_its_plan_reaches_it(action, days):
    system = CloudRan(action=action)
    bounds = [system.bound(day) for day in days]
    optimum = system.run_optimum(days)
    assert optimum.cost == pytest.approx([bound.upper for bound in bounds], abs=1e-9)
    for rule in system.rules().values():
        assert (system.run(rule, days).cost >= optimum.cost - 1e-9).all(), rule.name


def test_free_sets_cost_no_more_than_toggles(toggling, setting, days):
    for day in days:
        assert setting.bound(day).upper <= toggling.bound(day).upper + 1e-9


def test_losses_of_the_optimal_action_are_zero_along_a_day(toggling, days):
    oracle, day = toggling.oracle, days[0]
    plan = oracle.plan(day)
    before = np.concatenate([[31], plan.sets[:-1]])
    for slot in (0, 1, 40, 95):
        loss = oracle.losses(day, slot, int(before[slot]))
        changed = int(before[slot] ^ plan.sets[slot])
        assert loss[changed.bit_length()] == pytest.approx(0, abs=1e-9)
        assert (loss >= 0).all()
    # a loss is what a day gets dearer by when one action is forced
    forced = 3
    start = int(before[40]) ^ (1 << (forced - 1))
    rest = Day(day.demand[40:], day.place[40:], day.gain[40:], day.phase[40:])
    dearer = 56 * (oracle.plan(rest, start).cost - oracle.plan(rest, int(before[40])).cost)
    first = oracle.costs(rest)[0]
    total, _ = oracle.values(oracle.costs(rest))
    assert oracle.losses(day, 40, int(before[40]))[forced] == pytest.approx(
        total[0, start] + 3 - 56 * oracle.plan(rest, int(before[40])).cost, abs=1e-9
    )
    assert dearer <= oracle.losses(day, 40, int(before[40]))[forced] + 1e-9
    assert len(first) == 32


def test_costs_are_kept_while_the_day_lives(toggling, days):
    assert toggling.oracle.costs(days[0]) is toggling.oracle.costs(days[0])


def test_all_heads_on_serve_nearly_every_slot():
    for heads, users in ((5, 2), (8, 3), (12, 4)):
        system = CloudRan(heads=heads, users=users)
        served = system.run(system.rules()["all-on"], system.workloads("diurnal", 20, seed=1))
        assert served.metrics["unserved slots"].sum() <= 0.01 * 20 * 96
