import pytest

from dnnexplain.systems.cran import CloudRan


@pytest.fixture(scope="session")
def toggling():
    return CloudRan()


@pytest.fixture(scope="session")
def setting():
    return CloudRan(action="set")


@pytest.fixture(scope="session")
def small():
    return CloudRan(heads=3, users=2)


@pytest.fixture(scope="session")
def days(toggling):
    return toggling.workloads("diurnal", 3, seed=11)
