"""What the other scripts share: talk, give up in one line, reach a host, install a Debian package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from typing import NoReturn

__all__ = ["apt_install", "can_apt", "give_up", "reachable", "say"]

APT_SECONDS = 600


def say(message: str) -> None:
    """One line on what happens now; to stderr, because a script's answer goes to stdout."""
    print(message, file=sys.stderr, flush=True)


def give_up(message: str) -> NoReturn:
    """Say in one line what is missing, and end with exit code 2."""
    say("Error: " + " ".join(message.split()))
    raise SystemExit(2)


def reachable(host: str, seconds: float = 3.0) -> bool:
    """Whether a host answers on the https port within some seconds."""
    try:
        socket.create_connection((host, 443), timeout=seconds).close()
    except OSError:
        return False
    return True


def can_apt() -> bool:
    """Whether this is a Debian-like system on which we may install packages."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> bool:
    """Install Debian packages; False if that is not possible here or does not work."""
    if not can_apt():
        return False
    say("Installing with apt-get: {}".format(" ".join(packages)))
    wait = "DPkg::Lock::Timeout=120"
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", wait]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update", "-qq", "-o", wait], install + list(packages)):
        try:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=APT_SECONDS,
                env=environment,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode and command[1] == "install":
            return False
    return True
