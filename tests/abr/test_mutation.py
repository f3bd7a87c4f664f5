"""Changed links: within limits, on the same times, and the same link from what is saved."""

import json

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Reshaping
from dnnexplain.explain.sequence import attack_sequence
from dnnexplain.systems import make_system


@pytest.fixture(scope="module")
def world():
    system = make_system("abr")
    return system, system.workloads("bursty", 2, 3)


@pytest.mark.parametrize("seed", range(6))
def test_a_changed_link_differs_within_limits_at_the_same_times(world, seed):
    system, (one, two) = world
    rng, limits = np.random.default_rng(seed), {"throughput": (0.5, 2.0)}
    for changed in (
        system.mutate(one, rng, limits),
        system.reshape(one, rng, limits),
        system.scramble(one, rng, limits),
    ):
        other = changed.mbps != one.mbps
        assert other.any()
        assert ((changed.mbps[other] >= 0.5) & (changed.mbps[other] <= 2.0)).all()
        np.testing.assert_array_equal(changed.seconds, one.seconds)
    mixed = system.combine(one, two, rng)
    assert ((mixed.mbps == one.mbps) | (mixed.mbps == two.mbps)).all()


def test_what_is_saved_is_the_same_link_and_costs_the_same(world):
    system, (one, _two) = world
    link = system.reshape(one, np.random.default_rng(0), {})
    again = system.workload_from_json(json.loads(json.dumps(system.workload_to_json(link))))
    assert again.name == link.name
    np.testing.assert_array_equal(again.mbps, link.mbps)
    rule = system.rules()["bb"]
    assert system.run(rule, [again]).cost == system.run(rule, [link]).cost


def test_limits_of_another_name_are_refused_and_say_which_there_are(world):
    system, (one, _two) = world
    with pytest.raises(DnnExplainError, match="throughput"):
        system.mutate(one, np.random.default_rng(0), {"rate": (1, 2)})


def test_a_search_leads_to_a_link_on_which_a_rule_is_further_behind(world):
    system, links = world
    assert isinstance(system, Reshaping)
    found = attack_sequence(system, system.rules()["rb"], links, against="bb", rounds=1, seed=2, oracle_seconds=0.01)
    assert found.gap > found.start_gap
    link = system.workload_from_json(found.workload)
    own, other = (float(system.run(system.rules()[name], [link]).cost[0]) for name in ("rb", "bb"))
    assert (own, other) == (found.network, found.rule)
