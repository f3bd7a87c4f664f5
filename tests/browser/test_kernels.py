"""Which kernels the app's server ends for being idle."""

import asyncio

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from dnnexplain.app.kernels import RECLAIM, PageKernels, transport_for


@pytest.fixture
def manager(monkeypatch):
    ended = []

    async def cull(self, kernel_id):
        ended.append(kernel_id)

    monkeypatch.setattr(AsyncMappingKernelManager, "cull_kernel_if_idle", cull)
    made = PageKernels(cull_idle_timeout=100)
    made.ended = ended
    made.clock = 0.0
    monkeypatch.setattr("dnnexplain.app.kernels.time.monotonic", lambda: made.clock)
    return made


def check(manager, kernel_id, clock):
    manager.clock = clock
    asyncio.run(manager.cull_kernel_if_idle(kernel_id))
    return list(manager.ended)


class Prepared:
    def __init__(self, kernel_id):
        self.kernel_id = kernel_id

    def done(self):
        return self.kernel_id is not None

    def cancelled(self):
        return False

    def exception(self):
        return None

    def result(self):
        return {"kernel_id": self.kernel_id}


def test_a_kernel_that_waits_for_its_page_is_spared_and_has_the_whole_limit_once_taken(manager):
    manager._pools = {"dashboard.ipynb": [Prepared("warm")]}
    assert check(manager, "warm", 0) == []
    assert check(manager, "warm", 10_000) == []
    manager._pools = {"dashboard.ipynb": []}  # a page takes it, and needs a while to connect
    assert check(manager, "warm", 10_001) == []
    assert check(manager, "warm", 10_090) == []
    assert check(manager, "warm", 10_102) == ["warm"]


def test_a_kernel_with_a_page_is_spared_and_a_lost_one_is_ended(manager):
    manager._kernel_connections = {"used": 1}
    assert check(manager, "used", 0) == []
    assert check(manager, "used", 1_000) == []
    manager._kernel_connections = {"used": 0}
    assert check(manager, "used", 1_001) == []
    assert check(manager, "used", 1_102) == ["used"]


def test_while_a_kernel_is_being_prepared_none_is_ended(manager):
    manager._pools = {"dashboard.ipynb": [Prepared(None)]}
    assert check(manager, "any", 0) == []
    assert check(manager, "any", 1_000) == []


def test_a_kernel_that_lost_its_page_makes_room_but_not_one_that_has_or_waits_for_one(manager):
    async def shut(kernel_id):
        manager.ended.append(kernel_id)
        del manager._kernels[kernel_id]

    manager.shutdown_kernel = shut
    manager._kernels = dict.fromkeys(("lost", "longer", "used", "warm"))
    manager._pools = {"dashboard.ipynb": [Prepared("warm")]}
    manager._kernel_connections = {"used": 1, "lost": 0}
    check(manager, "longer", 0)
    for name in ("lost", "used", "warm"):
        check(manager, name, 10)
    assert asyncio.run(manager.reclaim()) is False
    manager.clock = 10 + RECLAIM
    assert asyncio.run(manager.reclaim()) is True
    assert asyncio.run(manager.reclaim()) is True
    assert asyncio.run(manager.reclaim()) is False
    assert manager.ended == ["longer", "lost"]


class Running:
    """A kernel as its manager has it: its process's number, and whether that runs."""

    def __init__(self, pid, alive=True):
        self.provisioner, self.alive = self, alive
        self.pid = pid

    async def is_alive(self):
        return self.alive


class Failed(Prepared):
    def __init__(self):
        super().__init__("never")

    def exception(self):
        return OSError("no room for a process")


def test_no_page_is_given_a_prepared_kernel_that_ended_began_anew_or_never_began(manager):
    async def shut(kernel_id):
        manager.ended.append(kernel_id)

    filled = []
    manager.shutdown_kernel = shut
    manager.fill_if_needed = lambda notebook_name: filled.append(notebook_name)  # noqa: PLW0108 - by its name
    manager._kernels = {"well": Running(1), "dead": Running(2, alive=False), "again": Running(30)}
    manager._processes = {"well": 1, "dead": 2, "again": 3, "ended long ago": 4}
    well, coming, other = Prepared("well"), Prepared(None), Prepared("well")
    manager._pools = {"a": [well, Prepared("dead"), Failed(), coming, Prepared("again")], "b": [other]}
    asyncio.run(manager.replace_lost())
    assert manager._pools == {"a": [well, coming], "b": [other]}
    assert sorted(manager.ended) == ["again", "dead"]
    assert filled == ["a"]
    assert "ended long ago" not in manager._processes


def test_kernels_are_spoken_to_by_names_and_by_ports_where_a_name_would_be_too_long():
    assert transport_for("/tmp/pages") == "ipc"
    assert transport_for("/tmp/" + "x" * 60) == "tcp"
