"""Pages below a path: behind JupyterHub, jupyter-server-proxy or any proxy that serves other things too.

What a browser asks for begins with the prefix; some proxies cut it off before they pass a request on, others do
not. The server takes both, and writes addresses as the browser needs them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Router
from tornado.web import RedirectHandler

from dnnexplain.app.guard import guarded
from dnnexplain.contract import DnnExplainError

__all__ = ["HUB", "Unprefixed", "base_url_for", "prefixes_of"]

HUB = "JUPYTERHUB_SERVICE_PREFIX"
"""Where JupyterHub says below which path a user's server is, e.g. ``/user/ada/``."""

_PREFIX = re.compile(r"/(?:[\w.~%@-]+/)*")


def base_url_for(given: str | None, port: int, environment: Mapping[str, str] = os.environ) -> str:
    """The path below which a browser finds the server, with ``/`` at both ends.

    Args:
        given: ``--base-url``.
        port: the server's, of which jupyter-server-proxy's addresses are made: ``/user/ada/proxy/8866/``.
        environment: where JupyterHub's prefix is looked for if none is given.

    Raises:
        DnnExplainError: it is no path.
    """
    hub = environment.get(HUB, "")
    wanted = given if given is not None else f"{hub.rstrip('/')}/proxy/{port}/" if hub else "/"
    path = "/" + wanted.strip("/") + "/" if wanted.strip("/") else "/"
    if not _PREFIX.fullmatch(path) or ".." in path.split("/"):
        msg = (
            f"--base-url must be a path such as /user/ada/proxy/8866/ (letters, digits and . _ ~ % @ -), not {wanted!r}"
        )
        raise DnnExplainError(msg)
    return path


def prefixes_of(base_url: str, hub: str = "") -> tuple[str, ...]:
    """What a request's path may begin with, longest first: the whole prefix, or what a proxy left of it."""
    rest = base_url.removeprefix(hub.rstrip("/")) if hub else base_url
    prefixes = {item for item in (base_url, rest, hub) if item.strip("/")}
    return tuple(sorted(prefixes, key=len, reverse=True))


class Unprefixed(Router):
    """Finds an application's handler for a request, whether or not a proxy cut off the prefix.

    Args:
        application: which knows nothing of the prefix.
        base_url: what a browser's addresses begin with.
        prefixes: see :func:`prefixes_of`.
    """

    def __init__(self, application: Any, base_url: str, prefixes: tuple[str, ...]) -> None:
        self.application, self.base_url, self.prefixes = application, base_url, prefixes

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler of the path without its prefix; the address that pages see has the whole one."""
        path = request.path
        if path + "/" in self.prefixes:  # or the page's relative links would lead beside it
            return self.application.get_handler_delegate(
                request, guarded(RedirectHandler), {"url": self.base_url, "permanent": False}
            )
        for prefix in self.prefixes:
            if path.startswith(prefix):
                path = "/" + path[len(prefix) :]
                break
        request.path = path
        request.uri = self.base_url + path.lstrip("/") + (f"?{request.query}" if request.query else "")
        return self.application.find_handler(request, **kwargs)
