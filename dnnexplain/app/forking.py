"""Kernels that are forked from one prepared process, where the machine can fork; elsewhere they start as ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from threading import Lock
from typing import Any, ClassVar, cast

import psutil
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["Forked", "ForkedKernel", "Zygote", "fork_kernels"]

NAME = "dnnexplain-fork"
_GIVEN_UP = 60.0
"""Seconds after which a process that does not answer is left alone: kernels then start as ever."""
_LINE = 512
"""Bytes that are kept free in the command's line: a kernel is listed under its own there, with its connection file."""


class Zygote:
    """The prepared process, as its server sees it.

    Args:
        pages: what the pages show, ``{system, ...}``, so that their systems are loaded.
    """

    def __init__(self, pages: Sequence[Mapping[str, Any]]) -> None:
        ours, theirs = socket.socketpair()
        text = json.dumps(list(pages)).ljust(_LINE)
        command = [sys.executable, "-m", "dnnexplain.app.zygote", str(theirs.fileno()), text]
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL
        )
        theirs.close()
        ours.settimeout(_GIVEN_UP)
        self._file = ours.makefile("rwb")
        self._socket = ours
        self._lock = Lock()
        self._ready = False

    def fork(self, request: Mapping[str, Any]) -> int | None:
        """A new kernel's process number; nothing if it could not be made here."""
        with self._lock:
            try:
                if not self._ready:
                    self._ready = json.loads(self._file.readline())["ready"] == 1  # one thread, or a fork is not whole
                if not self._ready:
                    return None
                self._file.write(json.dumps(request).encode() + b"\n")
                self._file.flush()
                return int(json.loads(self._file.readline())["pid"])
            except (OSError, ValueError, KeyError):
                return None

    def close(self) -> None:
        """Let it end, and its kernels with it."""
        with contextlib.suppress(OSError):  # it may be gone already
            self._file.close()
        self._socket.close()
        self.process.wait(timeout=10)


class Forked:
    """A kernel's process with the face of ``subprocess.Popen``, although it is not our child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    def poll(self) -> int | None:
        """Nothing while it runs; then 0: nobody is told with what it ended."""
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end between two questions
            process = self._process
            if process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return None
        self.returncode = 0
        return 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(0.02)
        return 0

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(psutil.NoSuchProcess):
            if self.poll() is None and self._process is not None:
                self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)

    def kill(self) -> None:
        """End it."""
        self.send_signal(9)


class ForkedKernel(LocalProvisioner):
    """Starts a kernel by forking the prepared process; if there is none, or it fails, as Jupyter does."""

    zygote: ClassVar[Zygote | None] = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork, or start anew."""
        zygote = type(self).zygote
        if zygote is None or cmd[1:3] != ["-m", "ipykernel_launcher"]:
            return await super().launch_kernel(cmd, **options)
        bound = options.get("preexec_fn")
        request = {
            "argv": cmd[3:],
            "env": dict(options.get("env") or os.environ),
            "cwd": options.get("cwd"),
            "megabytes": bound.args[1][0] >> 20 if bound is not None else 0,
        }
        pid = await asyncio.get_running_loop().run_in_executor(None, zygote.fork, request)
        if pid is None:
            type(self).zygote = None
            return await super().launch_kernel(cmd, **options)
        self.process = cast("Any", Forked(pid))
        self.pid = self.pgid = pid
        return self.connection_info


def fork_kernels(pages: Sequence[Mapping[str, Any]]) -> Zygote | None:
    """Have this process's kernels forked from a prepared one; nothing where a process cannot fork safely."""
    if sys.platform != "linux":
        return None
    ForkedKernel.zygote = Zygote(pages)
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[NAME] = EntryPoint(NAME, f"{__name__}:ForkedKernel", KernelProvisionerFactory.GROUP_NAME)
    factory.default_provisioner_name = NAME
    return ForkedKernel.zygote
