"""Serving the dashboard's notebook with Voila: the command line, the environment, waiting for the page."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dnnexplain.app import NOTEBOOK, SETTINGS
from dnnexplain.app.ports import HOST, free_port, release
from dnnexplain.contract import DnnExplainError

__all__ = [
    "Server",
    "environment",
    "is_own",
    "needs",
    "new_token",
    "run_server",
    "server_options",
    "voila_command",
]

_TOKEN = 16
_IDLE_TALK = ("The websocket_ping_timeout", "Setting websocket_ping_timeout")
"""What tornado says of Jupyter's own settings at each first page; nobody can act on it."""

_SECRETS = re.compile(r"(token=)[\w-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""In a log: the token, and kernels' numbers."""

_LONGEST_LINE = 2000

SERVER = "DNNEXPLAIN_SERVER"
"""The environment variable with the server's options; see ``voila_pages.OPTIONS``."""


def needs(module: str) -> None:
    """Raise if a package that a command needs is not installed."""
    if find_spec(module) is None:
        msg = f"this needs {module}, which is not installed: pip install 'dnnexplain[widgets]'"
        raise DnnExplainError(msg)


def is_own(ip: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ip == "localhost" or ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """The token of ``DNNEXPLAIN_TOKEN``, or a fresh one that cannot be guessed.

    Raises:
        DnnExplainError: the one that is given is short enough to be tried.
    """
    given = os.environ.get("DNNEXPLAIN_TOKEN", "")
    if given and len(given) < _TOKEN:
        msg = (
            f"DNNEXPLAIN_TOKEN must have at least {_TOKEN} characters, not {len(given)}; leave it unset and one is made"
        )
        raise DnnExplainError(msg)
    return given or secrets.token_urlsafe(24)


def server_options(**options: Any) -> dict[str, Any]:
    """What ``voila_pages`` may do: remote, token, most, warm, idle (minutes), hosts, memory (MiB)."""
    return options


def environment(
    settings: Mapping[str, Any], options: Mapping[str, Any] | None = None, *, served: bool = False
) -> dict[str, str]:
    """What the server and its kernels find in their environment: settings, our template, one thread.

    Args:
        settings: what the notebook is to show.
        options: of the server.
        served: whether pages are for other people, who must not write to this machine's disk.
    """
    known = {name: value for name, value in os.environ.items() if name != "DNNEXPLAIN_TOKEN"}
    ours = str(Path(__file__).parent / "jupyter")
    paths = {
        name: os.pathsep.join([ours, *filter(None, [known.get(name)])])
        for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
    }
    variable = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"DNNEXPLAIN_SERVED": "1"} if served else {}
    return {
        **known,
        **paths,
        **variable,
        **own,
        SETTINGS: json.dumps(dict(settings)),
        SERVER: json.dumps(dict(options or {})),
    }


def voila_command(port: int, what: Path = NOTEBOOK, *, ip: str = HOST, tracebacks: bool = False) -> list[str]:
    """The server's command line; what never changes is in ``jupyter/voila.json``."""
    options = [f"--port={port}", f"--Voila.ip={ip}", f"--show_tracebacks={tracebacks}", "--no-browser"]
    return [sys.executable, "-m", "dnnexplain.app.voila_pages", str(what), *options]


def run_server(
    what: Path,
    *,
    port: int | None,
    ip: str,
    options: Mapping[str, Any],
    settings: Mapping[str, Any],
    say: str,
    browser: bool,
    served: bool,
    base_url: str | None = None,
) -> None:
    """Serve a notebook or a site until Ctrl-C; ``say`` is printed when it is ready, with ``{url}`` filled in.

    Args:
        base_url: the path below which a browser finds the server; JupyterHub's is found, else there is none.
        what, port, ip, options, settings, browser, served: as for the functions above.
        say: as above.

    Raises:
        DnnExplainError: the server did not start, or ended without being asked to.
    """
    from dnnexplain.app.prefix import HUB, base_url_for  # noqa: PLC0415 - loads tornado

    chosen = free_port(port, ip)
    hub = os.environ.get(HUB, "") if base_url is None else ""
    base = base_url_for(base_url, chosen)
    options = {**options, "base_url": base, "hub": hub, "remote": bool(options.get("remote") or hub)}
    reached = HOST if ip in {"0.0.0.0", "::"} else ip  # noqa: S104 - compared, not bound
    url = f"http://{f'[{reached}]' if ':' in reached else reached}:{chosen}/"
    known = f"{url}{base[1:]}{'?token=' + options['token'] if options.get('token') else ''}"
    print("Starting ...", file=sys.stderr)  # noqa: T201 - the command's own words
    signal.signal(signal.SIGTERM, _interrupt)  # a server that outlived this command would hold the port
    server = Server(
        voila_command(chosen, what, ip=ip), environment(settings, options, served=served), f"{url}voila/static/voila.js"
    )
    try:
        server.wait_until_ready()
        print(say.format(url=known), flush=True)  # noqa: T201
        if browser and not hub:  # whose browser is on another machine
            webbrowser.open(known)
        how = _ended(server.wait())
        msg = f"the server ended {how}; open pages have lost it: run the command again"
        raise DnnExplainError(msg)
    except KeyboardInterrupt:
        print("Ended.", file=sys.stderr)  # noqa: T201
    finally:
        server.stop()
        release(chosen)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _ended(code: int) -> str:
    """How a process ended by itself."""
    if code == -signal.SIGKILL:
        return "because it was killed (perhaps for want of memory)"
    return f"by signal {-code}" if code < 0 else f"by itself, with code {code}"


def _harmless(line: str) -> str:
    """A line of the server's log without what is as good as a key, and no longer than one can read."""
    kept = _SECRETS.sub(lambda match: f"{match[1] or ''}...", line.rstrip("\n"))
    return kept if len(kept) <= _LONGEST_LINE else f"{kept[:_LONGEST_LINE]} [...]"


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
            for line in self.process.stdout:  # read on, or the server would block on a full pipe
                if not line.startswith(_IDLE_TALK):
                    print(_harmless(line), file=sys.stderr)  # noqa: T201 - the server's warnings and errors
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
