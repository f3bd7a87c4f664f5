"""Ports for servers: free ones, each claimed by one command until that ends.

Between the moment in which a port is found free and the one in which a server listens there are seconds; two commands that
are started together would find the same port, and one of them would show the pages of the other. So a command holds the
UDP port of the same number, which nobody else of ours can have meanwhile; nothing is ever sent there.
"""

from __future__ import annotations

import errno
import os
import socket

from dnnexplain.contract import DnnExplainError

__all__ = ["FIRST_PORT", "HOST", "free_port", "release"]

HOST = "127.0.0.1"
FIRST_PORT = 8866
_TRIES = 50
_CLAIMED: dict[int, socket.socket] = {}


def free_port(wanted: int | None, host: str = HOST) -> int:
    """The wanted port, or the first free one from 8866 on; it is this process's until :func:`release`.

    Raises:
        DnnExplainError: the wanted port is taken or not allowed, or none is free; the address is not this machine's.
    """
    if wanted is not None:
        reason = _why_not(wanted, host)
        if reason:
            msg = f"port {wanted} {reason}; give another with --port, or leave it out and a free one is chosen"
            raise DnnExplainError(msg)
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + _TRIES):
        if not _why_not(port, host):
            return port
    msg = f"none of the ports {FIRST_PORT} to {FIRST_PORT + _TRIES - 1} is free; give one with --port"
    raise DnnExplainError(msg)


def _why_not(port: int, host: str) -> str:
    if not 1 <= port <= 65535:
        return "is no port (1 to 65535)"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just closed is free
        try:
            probe.bind((host, port))
        except PermissionError:
            return "is reserved for the administrator"
        except socket.gaierror:
            return f"cannot be opened at {host}, which is no address"
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                return f"cannot be opened at {host}, which is no address of this machine"
            return "is in use"
    return "" if _claim(port, host) else "is in use"


def _claim(port: int, host: str) -> bool:
    """Whether no other command has claimed a port; then this one has."""
    if port in _CLAIMED:
        return True
    claim = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind((host, port))
    except OSError:
        claim.close()
        return False
    _CLAIMED[port] = claim
    return True


def release(port: int) -> None:
    """Let others have a port whose server has ended."""
    claim = _CLAIMED.pop(port, None)
    if claim is not None:
        claim.close()
