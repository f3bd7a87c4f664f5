"""The networks that ship: better than greedy switch-off on days that they never saw."""

import pytest

from dnnexplain.intervals import compared_interval
from dnnexplain.policies.named import named_policy, shipped_roles
from dnnexplain.systems.cran import CloudRan


@pytest.mark.parametrize(("action", "unserved"), [("toggle", 20), ("set", 60)])
def test_a_shipped_network_is_better_than_greedy(action, unserved):
    system = CloudRan(action=action)
    assert "default" in shipped_roles(system)
    days = system.workloads("diurnal", 200, seed=900)
    network = system.run(named_policy(system, "default"), days)
    greedy = system.run(system.rules()["greedy"], days)
    assert compared_interval(network.cost, greedy.cost, ratio=True).high < 0
    assert network.metrics["unserved slots"].sum() <= unserved  # of 19,200; the cards say 13 and 49


def test_the_network_of_twelve_heads_is_found_and_better_than_greedy():
    system = CloudRan(heads=12, users=4)
    network = named_policy(system, "default")
    days = system.workloads("diurnal", 3, seed=900)
    assert system.run(network, days).cost.mean() < system.run(system.rules()["greedy"], days).cost.mean()
