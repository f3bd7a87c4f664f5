"""What every answer of the server has, whichever handler gives it: safe headers, a known host, no inner words.

Voila and Jupyter give their pages headers and check who is asked for, but not their static files, and their
error pages quote exceptions. :func:`guarded` makes a class of any handler that does all of it.
"""

from __future__ import annotations

import inspect
import ipaddress
from collections.abc import Collection
from http.client import responses
from typing import Any

import tornado.web
from tornado.log import access_log

from dnnexplain.app.gallery import error_page

__all__ = ["HEADERS", "HOSTS", "NotFound", "SignedOut", "guarded", "known_host", "log_nothing_small"]

_POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Voila's page and anywidget's modules
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)

HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

HOSTS = "dnnexplain_hosts"
"""The setting with the names by which the server may be asked for; ``None`` where any will do."""

_WORDS = {
    403: "This address may not be opened so. Where the server is reached under a name of its own: --allow-host NAME.",
    404: "There is no such page here.",
    405: "That cannot be done here.",
    413: "That is more than the server takes.",
}
_OTHERWISE = "The page cannot be shown; loading it again may help. The command that serves it printed why."


def guarded(kind: type[tornado.web.RequestHandler]) -> type[tornado.web.RequestHandler]:
    """A handler's class with the headers, the check of the host, and errors that say no more than they must."""
    files = (_Files,) if issubclass(kind, tornado.web.StaticFileHandler) else ()
    return type(kind.__name__, (*files, _Guard, kind), {"__module__": __name__})


def known_host(host: str, hosts: Collection[str] | None) -> bool:
    """Whether a ``Host`` header names this machine itself, or one of the names that were allowed.

    Without this a foreign page could have its own name point to this machine, and read what only this machine may.
    """
    if hosts is None:
        return True
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    name = name.removeprefix("[").removesuffix("]").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name in hosts


class _Guard(tornado.web.RequestHandler):
    """Goes before any handler's own class."""

    def set_default_headers(self) -> None:
        """The handler's own, then ours."""
        super().set_default_headers()
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def check_host(self) -> bool:
        """Whether the server may be asked for by this name; in place of Jupyter's own check."""
        return known_host(self.request.host, self.settings.get(HOSTS, ()))

    async def prepare(self) -> None:
        """Refuse a name that is not this server's, then do what the handler does."""
        if not self.check_host():
            self._jupyter_current_user = self.current_user = None
            raise tornado.web.HTTPError(403)
        waiting: Any = super().prepare()
        if inspect.isawaitable(waiting):
            await waiting

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """A page of our own: what went wrong inside is for the log."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        reason = responses.get(status_code, "Something is wrong")
        self.finish(error_page(status_code, reason, _WORDS.get(status_code, _OTHERWISE)))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is wrong here, not what somebody asked for that there is not."""
        if not (isinstance(value, tornado.web.HTTPError) and value.status_code < 500):
            super().log_exception(typ, value, tb)


class _Files(tornado.web.StaticFileHandler):
    """Static files: a path that no file can have is not found, where tornado and Voila fail over it."""

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file."""
        try:
            await super().get(path, include_body)
        except (ValueError, AssertionError, OSError):
            raise tornado.web.HTTPError(404) from None


class NotFound(_Guard):
    """What no other handler answers."""

    async def prepare(self) -> None:
        """Nothing here, for whoever asks by a name that is known."""
        await super().prepare()
        raise tornado.web.HTTPError(404)

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that needs a check."""


class SignedOut(_Guard):
    """``/logout``: the cookie is gone, and the server asks for the token again where it has one."""

    def get(self) -> None:
        """Forget the visitor."""
        provider = self.settings["identity_provider"]
        self.base_url = self.settings["base_url"]
        for name in self.cookies:
            if name == provider.get_cookie_name(self):
                self.clear_cookie(name, path=self.base_url)
        self.redirect(self.base_url)


def log_nothing_small(handler: tornado.web.RequestHandler) -> None:
    """Tornado's log of requests, which has kernels' numbers in it: only what failed here, and without its address."""
    if handler.get_status() >= 500:
        access_log.error("%d %s (%s)", handler.get_status(), handler.request.method, type(handler).__name__)
