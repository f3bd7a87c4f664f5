"""The network that ships: better than greedy switch-off on days that it never saw."""

from dnnexplain.intervals import compared_interval
from dnnexplain.policies.named import named_policy, shipped_roles
from dnnexplain.systems.cran import CloudRan


def test_the_default_network_is_better_than_greedy():
    system = CloudRan()
    assert "default" in shipped_roles(system)
    days = system.workloads("diurnal", 200, seed=900)
    network = system.run(named_policy(system, "default"), days)
    greedy = system.run(system.rules()["greedy"], days)
    assert compared_interval(network.cost, greedy.cost, ratio=True).high < 0
    assert network.metrics["unserved slots"].sum() <= 30  # of 19,200; without phases it was 56
