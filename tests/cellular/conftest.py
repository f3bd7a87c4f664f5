import pytest

from dnnexplain.systems.cellular import CellularSystem


@pytest.fixture(scope="session")
def cell_system():
    """The system with its defaults."""
    return CellularSystem()


@pytest.fixture(scope="session")
def short():
    """Half an hour from eight on, seen through two minutes."""
    return CellularSystem(minutes=30, history=2, points=200)


@pytest.fixture(scope="session")
def days(cell_system):
    return cell_system.workloads("mixed", 6, seed=3)
