"""The worst matrix behind one and the same past, held against another solver and against matrices at random."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from dnnexplain.contract import WorstUnseen
from dnnexplain.explain.guards.adversary import worst_workloads
from dnnexplain.policies import untrained
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.traffic import TrafficCase
from dnnexplain.systems.routing.utilisation import link_utilisation

SYSTEM = RoutingSystem(k=2, history=2)
NETWORK = untrained(SYSTEM, 3)
RULES = {name: SYSTEM.rules()[name] for name in ("ecmp", "oblivious")}


def gaps(policy, cases):
    own = np.asarray(SYSTEM.run(policy, cases).cost)
    return own / np.min([SYSTEM.run(rule, cases).cost for rule in RULES.values()], axis=0) - 1


def by_scipy(case):
    """The same worst gap by other programs, over loads found by routing one pair's demand at a time."""
    seen, alone = SYSTEM.observe([case]), np.eye(len(SYSTEM.paths.pairs))

    def loads(policy):
        splits = np.repeat(policy.outputs(seen), len(alone), axis=0)
        return link_utilisation(SYSTEM.paths, splits, alone).T

    own = loads(NETWORK)
    best = [-linprog(-link, A_ub=loads(rule), b_ub=np.ones(len(own))).fun for rule in RULES.values() for link in own]
    return max(best) - 1


def test_no_matrix_behind_the_same_past_is_worse():
    case = SYSTEM.workloads("gravity", 1, 4)[0]
    worst = SYSTEM.worst_unseen(NETWORK, RULES, case)
    assert isinstance(SYSTEM, WorstUnseen)
    assert all(np.array_equal(one.history, case.history) for one in worst)
    found = gaps(NETWORK, worst)
    assert found[0] == found.max() == pytest.approx(by_scipy(case), rel=1e-6)
    rng = np.random.default_rng(0)
    others = [TrafficCase(rng.exponential(size=len(case.demands)) ** 3, case.history) for _ in range(200)]
    assert found[0] > gaps(NETWORK, others).max()


def test_demands_are_ones_that_knobs_allow():
    case = SYSTEM.workloads("gravity", 1, 4)[0]
    for one in SYSTEM.worst_unseen(NETWORK, RULES, case):
        assert (one.demands >= 0).all()
        assert one.demands.max() <= SYSTEM.cap


@pytest.mark.parametrize("system", [RoutingSystem(k=2), RoutingSystem(k=2, history=2, routed=True)])
def test_nothing_is_worked_out_where_the_matrix_itself_is_seen(system):
    assert not system.worst_unseen(system.rules()["ecmp"], system.rules(), system.workloads("gravity", 1, 4)[0])


def test_an_attack_takes_it_in_and_says_so():
    adverse = worst_workloads(SYSTEM, NETWORK, lambda n, s: SYSTEM.workloads("gravity", n, s), RULES, rounds=1, seed=1)
    assert "was worked out for" in adverse.how
    assert adverse.gaps[0] >= by_scipy(adverse.workloads[0]) - 1e-6
