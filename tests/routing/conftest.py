import pytest

from dnnexplain.systems.routing import RoutingSystem


@pytest.fixture(scope="session")
def abilene():
    return RoutingSystem("abilene")


@pytest.fixture(scope="session")
def with_history():
    return RoutingSystem("abilene", history=12, grouping="source")


@pytest.fixture(scope="session")
def ring():
    return RoutingSystem("ring-4", k=2)
