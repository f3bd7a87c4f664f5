"""Kernels that are forked from one prepared process: they run, they end, and they end with their server."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

pytest.importorskip("jupyter_client")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernels are forked")

from jupyter_client.manager import AsyncKernelManager  # noqa: E402

from dnnexplain.app.forking import NAME, Forked, ForkedKernel, KernelProvisionerFactory, fork_kernels  # noqa: E402

PATIENCE = 120


@pytest.fixture
def zygote():
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    found = fork_kernels([{"system": "deeprm"}, {"system": "none of this name"}])
    yield found
    factory.default_provisioner_name, ForkedKernel.zygote = before, None
    factory.provisioners.pop(NAME)
    found.close()


async def _run(code, env):
    manager = AsyncKernelManager()
    await manager.start_kernel(env=env)
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=PATIENCE)
    said = []

    def hear(message):
        said.append(message["content"].get("text", ""))

    reply = await client._async_execute_interactive(code, timeout=PATIENCE, output_hook=hear)
    client.stop_channels()
    return manager, reply["content"]["status"], "".join(said)


def test_a_forked_kernel_has_its_surroundings_and_needs_no_import(zygote):
    async def go():
        code = """import sys, os; print('torch' in sys.modules, os.environ['MINE'], os.getppid())
print(sorted(name for name in get_ipython().kernel.comm_manager.targets if 'widget' in name))"""
        manager, status, said = await _run(code, {**os.environ, "MINE": "yes"})
        assert isinstance(manager.provisioner, ForkedKernel)
        assert (status, said.split()[:3]) == ("ok", ["True", "yes", str(zygote.process.pid)])
        assert "['jupyter.widget', 'jupyter.widget.control']" in said  # by which a page asks for its widgets' states
        pid = manager.provisioner.pid
        listed = [argument for argument in psutil.Process(pid).cmdline() if argument]
        assert listed[1:] == ["-m", "ipykernel_launcher", "-f", manager.connection_file]
        assert await manager.is_alive()
        await manager.shutdown_kernel(now=False)
        await asyncio.to_thread(Forked(pid).wait, PATIENCE)  # an ended kernel is its parent's to bury, in its own time

    asyncio.run(go())


def test_kernels_end_with_the_process_that_they_came_from(zygote):
    async def go():
        manager, _status, _said = await _run("1", dict(os.environ))
        pid = manager.provisioner.pid
        zygote.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(Forked(pid).wait, PATIENCE)
        assert Forked(pid).poll() == 0
        await manager.shutdown_kernel(now=True)

    asyncio.run(go())


def test_without_the_prepared_process_a_kernel_starts_as_ever(zygote):
    zygote.process.kill()
    zygote.process.wait()

    async def go():
        manager, status, said = await _run("import os; print(os.getppid())", dict(os.environ))
        assert (status, said.strip()) == ("ok", str(os.getpid()))
        assert ForkedKernel.zygote is None
        await manager.shutdown_kernel(now=True)

    asyncio.run(go())
