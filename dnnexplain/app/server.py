"""Serving the dashboard's notebook with Voila: the command line, the environment, waiting for the page."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dnnexplain.app import NOTEBOOK, SETTINGS
from dnnexplain.contract import DnnExplainError

__all__ = ["Server", "environment", "free_port", "needs", "voila_command"]

HOST = "127.0.0.1"
FIRST_PORT = 8866
_TRIES = 50


def needs(module: str) -> None:
    """Raise if a package that a command needs is not installed."""
    if find_spec(module) is None:
        msg = f"this needs {module}, which is not installed: pip install 'dnnexplain[widgets]'"
        raise DnnExplainError(msg)


def free_port(wanted: int | None) -> int:
    """The wanted port, or the first free one from 8866 on.

    Raises:
        DnnExplainError: the wanted port is taken or not allowed, or none is free.
    """
    if wanted is not None:
        reason = _why_not(wanted)
        if reason:
            msg = f"port {wanted} {reason}; give another with --port, or leave it out and a free one is chosen"
            raise DnnExplainError(msg)
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + _TRIES):
        if not _why_not(port):
            return port
    msg = f"none of the ports {FIRST_PORT} to {FIRST_PORT + _TRIES - 1} is free; give one with --port"
    raise DnnExplainError(msg)


def _why_not(port: int) -> str:
    if not 1 <= port <= 65535:
        return "is no port (1 to 65535)"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just closed is free
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return "is reserved for the administrator"
        except OSError:
            return "is in use"
    return ""


def environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the server and its kernels find in their environment: settings, our template, one thread."""
    known = os.environ
    ours = str(Path(__file__).parent / "jupyter")
    paths = {
        name: os.pathsep.join([ours, *filter(None, [known.get(name)])])
        for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
    }
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**known, **paths, **one, SETTINGS: json.dumps(dict(settings))}


def voila_command(port: int, notebook: Path = NOTEBOOK, *, tracebacks: bool = False) -> list[str]:
    """Voila's command line; what never changes is in ``jupyter/voila.json``."""
    options = [f"--port={port}", f"--Voila.ip={HOST}", f"--show_tracebacks={tracebacks}", "--no-browser"]
    return [sys.executable, "-m", "voila", str(notebook), *options]


class Server:
    """A server in a process of its own.

    Args:
        command: what to run.
        environment: what it finds in its environment.
        url: the page that must answer before the server counts as ready.
        quiet: whether its output is kept back and shown only if it ends by itself.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], url: str, *, quiet: bool = True) -> None:
        self.url = url
        output = subprocess.PIPE if quiet else None
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command), env=dict(environment), stdout=output, stderr=subprocess.STDOUT if quiet else None, text=True
        )

    def wait_until_ready(self, seconds: float = 120.0) -> None:
        """Wait for the page to answer.

        Raises:
            DnnExplainError: the server ended, or did not answer in time.
        """
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                printed = (self.process.stdout.read() if self.process.stdout else "").strip().splitlines()
                msg = f"the server ended before the page was there: {printed[-1] if printed else 'no message'}"
                raise DnnExplainError(msg)
            if _answers(self.url):
                return
            time.sleep(0.1)
        self.stop()
        msg = f"the page at {self.url} did not answer within {seconds:g} seconds"
        raise DnnExplainError(msg)

    def wait(self) -> int:
        """Wait until the server ends; it is stopped if this is interrupted."""
        try:
            if self.process.stdout is None:
                return self.process.wait()
            for _line in self.process.stdout:
                pass  # keep the pipe empty, or the server would block on it
            return self.process.wait()
        finally:
            self.stop()

    def stop(self) -> None:
        """End the server, and its kernels with it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _answers(url: str) -> bool:
    """Whether a server answers at all; the page itself takes a kernel, so it is not asked for here."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
