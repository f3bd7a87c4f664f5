"""A process that has loaded everything once, and forks a kernel whenever one is asked for.

A kernel that starts anew imports PyTorch and compiles or loads every fast function again, seconds of a processor each
time; one that is forked shares all of it. Nothing runs in this process but the wait for the next request: it has one
thread, so a fork copies it whole. It ends when the server does, and its kernels with it.

``python -m dnnexplain.app.zygote FD SETTINGS`` is started by :mod:`dnnexplain.app.forking`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["main"]

_ARGUMENTS = slice(45, 47)
"""Where ``/proc/PID/stat``, behind the name, says from where to where the command's bytes lie (proc(5), 48 and 49)."""


def main(descriptor: int, pages: Sequence[Mapping[str, Any]]) -> None:
    """Answer each line ``{argv, env, cwd, megabytes}`` with ``{pid}``, until the other end is closed.

    Systems are loaded one at a time while nobody asks, so that the first kernel does not wait for the last system.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what ended is forgotten at once
    _load()
    waiting, begun = list(pages), b""
    with socket.socket(fileno=descriptor) as line:
        _say(line, {"ready": len(list(Path("/proc/self/task").iterdir()))})
        while True:
            if waiting and not select.select([line], [], [], 0)[0]:
                _load_system(waiting.pop(0))
                gc.collect()
                continue
            heard = line.recv(65536)
            if not heard:
                return
            *requests, begun = (begun + heard).split(b"\n")
            for request in requests:
                gc.freeze()  # a collector that writes into every object would copy what all kernels share
                pid = os.fork()
                if pid == 0:
                    line.detach()
                    os.close(descriptor)
                    _become(json.loads(request))
                _say(line, {"pid": pid})


def _say(line: socket.socket, what: Mapping[str, int]) -> None:
    line.sendall(json.dumps(what).encode() + b"\n")


def _load() -> None:
    """What every dashboard loads."""
    import ipykernel.kernelapp  # noqa: F401, PLC0415
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    from dnnexplain_widgets.sections import LIVE, SECTIONS  # noqa: PLC0415

    for entry in (*LIVE, *(entry for section in SECTIONS for entry in section.entries)):
        import_module(f"dnnexplain_widgets.panels.{entry.panel.rpartition('.')[0]}")


def _load_system(page: Mapping[str, Any]) -> None:
    """Run a page's system once, so that its compiled functions are there.

    Nothing here asks for a gradient: PyTorch's engine starts threads for the first one, which a fork would lose.
    """
    from dnnexplain.app import shipped_policies  # noqa: PLC0415
    from dnnexplain.contract import state_from_values  # noqa: PLC0415
    from dnnexplain.explain.decisions.decision import decide  # noqa: PLC0415
    from dnnexplain.finding import find  # noqa: PLC0415

    with contextlib.suppress(Exception):  # a page that cannot be made says so where it is opened
        given = dict(page)
        name, _policy, _guard = given.pop("system"), given.pop("policy", None), given.pop("guard", None)
        meaning = find(name)
        spec = meaning.spec
        system = meaning.make(**spec.on_board(given))
        for load in list(shipped_policies(system).values())[:1]:
            policy = load()
            decide(system, policy, state_from_values(system, {}))
            system.run(policy, system.workloads(spec.family().name, 1, 0))


def _become(request: Mapping[str, Any]) -> None:
    """Be the kernel: of a session of its own, with its own surroundings."""
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(request["env"], JPY_PARENT_PID=str(os.getppid()))
    if request.get("cwd"):
        os.chdir(request["cwd"])
    if request.get("megabytes"):
        import resource  # noqa: PLC0415 - not on Windows

        size = int(request["megabytes"]) * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    import numpy as np  # noqa: PLC0415
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415

    np.random.seed(None)  # noqa: NPY002 - what others' code draws from must not be the same in every kernel
    sys.argv = ["ipykernel_launcher", *request["argv"]]
    _name([sys.executable, "-m", *sys.argv])
    code = 1
    try:
        parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # it ends when its parent does
        # Loaded before there was a kernel, ipywidgets did not tell it what a page asks for all widgets' states by.
        IPKernelApp.launch_instance(argv=[*request["argv"], parent, "--IPKernelApp.extra_extensions=ipywidgets"])
        code = 0
    finally:
        os._exit(code)


def _name(argv: Sequence[str]) -> None:
    """Be listed under this command: a fork is listed as what it was forked from, and one kernel looked like another.

    Linux lists the bytes that the process began with, and they are its own to write. What is too long is cut.
    """
    import ctypes  # noqa: PLC0415

    with contextlib.suppress(OSError, ValueError):  # it only goes on without a name of its own
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        begin, end = (int(field) for field in fields[_ARGUMENTS])
        if 0 < begin < end:
            line = b"\0".join(os.fsencode(argument) for argument in argv)
            ctypes.memmove(begin, line[: end - begin - 1].ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
