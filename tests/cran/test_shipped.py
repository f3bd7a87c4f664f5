"""The networks that ship: better than greedy switch-off on days that they never saw."""

import pytest

from dnnexplain.intervals import compared_interval
from dnnexplain.policies.named import named_policy, shipped_roles
from dnnexplain.systems.cran import CloudRan


@pytest.mark.parametrize("action", ["toggle"])
def test_the_default_network_is_better_than_greedy(action):
    system = CloudRan(action=action)
    assert "default" in shipped_roles(system)
    days = system.workloads("diurnal", 60, seed=900)
    network = system.run(named_policy(system, "default"), days)
    greedy = system.run(system.rules()["greedy"], days)
    assert compared_interval(network.cost, greedy.cost, ratio=True).high < 0
    assert (network.cost >= system.run_optimum(days).cost - 1e-9).all()
