"""Changed traffic: some demands differ within limits, and it is the same again from what is saved."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Reshaping
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.systems.routing import RoutingSystem


@pytest.fixture(scope="module", params=[0, 3])
def world(request):
    system = RoutingSystem("ring-4", k=2, history=request.param)
    return system, system.workloads("bursts", 2, 5)


@pytest.mark.parametrize("seed", range(6))
def test_changed_demands_are_within_limits_and_the_rest_is_as_it_was(world, seed):
    system, (one, two) = world
    rng, limits = np.random.default_rng(seed), {"demand": (0.25, 0.5)}
    before = system.to_records(one)
    for change in (system.mutate, system.reshape, system.scramble):
        after = system.to_records(change(one, rng, limits))
        other = after != before
        assert after.shape == before.shape
        assert ((after[other] >= 0.25) & (after[other] <= 0.5)).all()
        assert other.any() or change is not system.scramble
    mixed, theirs = system.to_records(system.combine(one, two, rng)), system.to_records(two)
    own, other = (mixed == before).all(axis=0), (mixed == theirs).all(axis=0)
    assert (own | other).all()  # a pair is wholly one case's or the other's


def test_a_small_change_leaves_most_demands_alone(world):
    system, (one, _two) = world
    before = system.to_records(one)
    shares = [
        (system.to_records(system.mutate(one, np.random.default_rng(seed), {})) != before).mean() for seed in range(40)
    ]
    assert np.mean(shares) < 0.5
    assert np.mean(np.array(shares) > 0) > 0.8


def test_what_is_saved_is_the_same_traffic(world):
    system, (one, _two) = world
    case = system.reshape(one, np.random.default_rng(0), {})
    again = system.workload_from_json(json.loads(json.dumps(system.workload_to_json(case))))
    np.testing.assert_array_equal(again.demands, case.demands)
    np.testing.assert_array_equal(again.history, case.history)


def test_limits_and_files_that_mean_nothing_are_said(world):
    system, (one, _two) = world
    with pytest.raises(DnnExplainError, match="demand"):
        system.mutate(one, np.random.default_rng(0), {"load": (0, 1)})
    with pytest.raises(DnnExplainError, match="matrices"):
        system.workload_from_json({"demands": [[1.0]]})


def test_a_search_leads_to_traffic_on_which_a_rule_is_further_behind(world):
    system, cases = world
    assert isinstance(system, Reshaping)
    rules = system.rules()
    found = attack_sequence(system, rules["shortest-path"], cases, against="ecmp", rounds=2, seed=2, oracle_seconds=0.1)
    assert found.gap > found.start_gap
    case = system.workload_from_json(found.workload)
    own, other = (float(system.run(rules[name], [case]).cost[0]) for name in ("shortest-path", "ecmp"))
    assert own / other == pytest.approx(found.gap)
