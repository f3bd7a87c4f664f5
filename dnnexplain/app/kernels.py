"""The app's kernels: how much memory each may take, and which may be ended for being idle."""

from __future__ import annotations

import os
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import Int

__all__ = ["RECLAIM", "PageKernels", "memory_bound", "transport_for"]

RECLAIM = 45.0
"""Seconds without a page after which a kernel makes room for somebody else."""
_SOCKET_NAME = 103
"""The longest name of a socket, in bytes, that every system takes (macOS 103, Linux 107)."""


class PageKernels(AsyncMappingKernelManager):
    """Jupyter's kernel manager, but a kernel is idle only from when no page has it, and it waits for none.

    Jupyter counts from a kernel's last message. For one that was prepared long ago that is past the
    limit in the moment in which its page begins to load, so the page would come up empty.
    """

    megabytes = Int(0, help="Memory that a kernel may take, in MiB; 0: as much as there is.", config=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # jupyter_server's, as below
        self._alone_since: dict[str, float] = {}
        self._processes: dict[str, int] = {}

    async def _async_start_kernel(self, **options: Any) -> str:
        """Start a kernel that may not take more than its share of memory."""
        kernel_id: str = await super()._async_start_kernel(**options, **memory_bound(self.megabytes))
        self._processes[kernel_id] = self._process_of(kernel_id)
        return kernel_id

    start_kernel = _async_start_kernel  # type: ignore[assignment]

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that no page has had for the whole of the idle limit."""
        if self.waits_for_a_page(kernel_id) or self._kernel_connections.get(kernel_id, 0):
            self._alone_since.pop(kernel_id, None)
            return
        now = time.monotonic()
        if now - self._alone_since.setdefault(kernel_id, now) >= self.cull_idle_timeout:
            del self._alone_since[kernel_id]
            await super().cull_kernel_if_idle(kernel_id)  # type: ignore[no-untyped-call]

    async def reclaim(self) -> bool:
        """End the kernel that no page has had for longest, if that is long enough; whether one was ended.

        A page that is closed ends its kernel itself; one whose computer went to sleep or lost its network
        does not, and somebody else may need the place.
        """
        now = time.monotonic()
        alone = [
            (since, kernel_id)
            for kernel_id, since in self._alone_since.items()
            if kernel_id in self and not self._kernel_connections.get(kernel_id, 0) and now - since >= RECLAIM
        ]
        if not alone:
            return False
        kernel_id = min(alone)[1]
        del self._alone_since[kernel_id]
        await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]
        return True

    async def replace_lost(self) -> None:
        """Prepare anew what was prepared for a page by a kernel that ended, or never began: no page is given that one.

        One that Jupyter started again has nothing of what was prepared in it, so it is ended too.
        """
        self._processes = {kernel_id: process for kernel_id, process in self._processes.items() if kernel_id in self}
        for notebook, pool in [*getattr(self, "_pools", {}).items()]:
            lost = [item for item in [*pool] if item.done() and not await self._is_as_prepared(_kernel_of(item))]
            for item in [item for item in lost if item in pool]:  # nobody took it while its process was looked for
                pool.remove(item)
                kernel_id = _kernel_of(item)
                if kernel_id is not None and kernel_id in self:
                    await self.shutdown_kernel(kernel_id)  # type: ignore[no-untyped-call]
            if lost:
                self.fill_if_needed(notebook_name=notebook)  # type: ignore[attr-defined] # Voila's, as the pools are

    async def _is_as_prepared(self, kernel_id: str | None) -> bool:
        """Whether the process that was started for it still runs."""
        if kernel_id is None or kernel_id not in self or self._process_of(kernel_id) != self._processes.get(kernel_id):
            return False
        return bool(await ensure_async(self.get_kernel(kernel_id).is_alive()))

    def _process_of(self, kernel_id: str) -> int:
        """The number of a kernel's process; 0 where none was started by this machine."""
        return int(getattr(self.get_kernel(kernel_id).provisioner, "pid", 0) or 0)

    def waits_for_a_page(self, kernel_id: str) -> bool:
        """Whether a kernel is in Voila's pool, or may be: one that is still being prepared has no name yet."""
        pools = getattr(self, "_pools", {})
        waiting = [item for pool in pools.values() for item in pool]
        return any(not item.done() or _kernel_of(item) == kernel_id for item in waiting)


def memory_bound(megabytes: int) -> dict[str, Any]:
    """What starts a process that may take so much memory, as may each that it starts; nothing where that cannot be.

    Bounded is what is written to and not shared (``RLIMIT_DATA`` of Linux), not addresses: PyTorch reserves many
    of those. A kernel that is started again has the bound again.
    """
    if not (megabytes and sys.platform == "linux"):
        return {}
    import resource  # noqa: PLC0415 - not on Windows

    size = megabytes * 2**20
    return {"preexec_fn": partial(resource.setrlimit, resource.RLIMIT_DATA, (size, size))}


def transport_for(folder: str | Path) -> str:
    """How kernels are spoken to whose files lie in this folder: by sockets there, where the system has such.

    A port that was free when it was chosen may be taken when a kernel begins to listen, and its page then never
    comes; a name in a folder of one's own is nobody else's. A socket's name has at most 103 characters, so a folder
    with a long name gets ports.
    """
    longest = os.fsencode(Path(folder) / f"kernel-{'0' * 36}-ipc-5")
    return "ipc" if hasattr(socket, "AF_UNIX") and len(longest) <= _SOCKET_NAME else "tcp"


def _kernel_of(item: object) -> str | None:
    """The kernel that a finished pool item holds; none if preparing it failed or was given up."""
    if item.cancelled() or item.exception() is not None:  # type: ignore[attr-defined]
        return None
    return str(item.result()["kernel_id"])  # type: ignore[attr-defined]
