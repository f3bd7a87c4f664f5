"""Voila, serving only what this project needs: no listing of files, no contents, safe headers, limited kernels.

Run as ``python -m dnnexplain.app.voila_pages NOTEBOOK`` for one page, or with a folder that
``gallery.write_site`` made. What it may do comes from :data:`OPTIONS`, an environment variable, so that a
token is not in a list of processes.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from dnnexplain.app import settings
from dnnexplain.app.channels import ChannelHandler
from dnnexplain.app.forking import fork_kernels
from dnnexplain.app.gallery import Site, full_page, gallery_page, read_site
from dnnexplain.app.guard import HEADERS, HOSTS, NotFound, SignedOut, guarded, log_nothing_small
from dnnexplain.app.kernels import transport_for
from dnnexplain.app.places import Places
from dnnexplain.app.prefix import Unprefixed, prefixes_of

__all__ = ["LIMITS", "OPTIONS", "BoundedServer", "Pages", "main"]

OPTIONS = "DNNEXPLAIN_SERVER"
"""The environment variable with the server's options, as JSON: remote, token, most, warm, idle, base_url, hub, hosts, memory."""

LIMITS = {
    "max_header_size": 2**14,
    "max_body_size": 2**16,  # a token, or nothing; files come over the page's websocket, after login
    "body_timeout": 10.0,
    "idle_connection_timeout": 30.0,  # also until all of a request's head is there
}
"""What a request may take before anybody knows who sent it: bytes, and seconds."""

MOST_CONNECTIONS = 512
"""Connections at once; a page needs half a dozen while it loads, then one."""

_CLOSED = (
    "/voila/files/",
    "/voila/tree",
    "/voila/render",
    "/voila/api/contents",
    "/voila/execution",
    "/voila/query",
    "/logout",
)
_KERNELS_IN = "voila_12345678"
"""A name as long as that of the folder that Voila makes for its kernels' files."""
_KERNEL = re.compile(r'"kernelId":\s*"([0-9a-f-]{36})"')


class Pages(Voila):  # type: ignore[misc] # voila ships no types
    """The server: one notebook at ``/``, or a gallery at ``/`` and each of its pages at ``/show/KEY``."""

    def initialize(self, argv: list[str] | None = None) -> None:
        """Take the command line, then the options of :data:`OPTIONS`."""
        self.options: dict[str, Any] = json.loads(os.environ.pop(OPTIONS, "{}"))  # kernels need not know the token
        super().initialize(argv)
        self.site: Site | None = None if self.notebook_path else read_site(self.root_dir)
        if self.options.get("token"):
            self.token = self.options["token"]
        pools: dict[str, Any] = {"default": {"pool_size": 1 if self.site is None else 0}}
        for page in self.site.pages if self.site else ():
            pools[page.notebook] = {"pool_size": int(self.options.get("warm", 1)) if page.warm else 0}
        self.config.VoilaKernelManager.kernel_pools_config = pools
        self.zygote = fork_kernels(self._shown())
        self.base_url, self.server_url = self.options.get("base_url", "/"), "/"
        self.config.PageKernels.megabytes = int(self.options.get("memory") or 0)
        self.config.KernelManager.transport = transport_for(Path(tempfile.gettempdir(), _KERNELS_IN))
        if self.options.get("idle"):
            self.config.MappingKernelManager.cull_idle_timeout = int(60 * self.options["idle"])

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings with safe headers; the name that the browser asks for must be this machine's own."""
        settings: dict[str, Any] = super().init_settings()
        hosts = None if self.options.get("remote") else tuple(self.options.get("hosts", ()))
        settings |= {
            "headers": HEADERS,
            "allow_remote_access": hosts is None,
            HOSTS: hosts,
            "default_handler_class": NotFound,
            "log_function": log_nothing_small,
            "xsrf_cookie_kwargs": {"samesite": "Lax"},
        }
        self.places = Places(int(self.options.get("most", 10)), self.kernel_manager.list_kernel_ids)
        return settings

    def init_handlers(self) -> list[Any]:
        """What Voila needs for its pages, and nothing that shows or lists files."""
        kept = [_safe(handler) for handler in super().init_handlers() if not self._closed(str(handler[0]))]
        shared = {"template_paths": self.template_paths, "config": self.config, "voila_configuration": self.voila_configuration}  # fmt: skip
        kept.append(("/logout", SignedOut))
        page = guarded(PageHandler)
        if self.site is None:
            notebook = os.path.relpath(self.notebook_path, self.root_dir)
            return [*kept, ("/", page, {**shared, "notebook_path": notebook, "places": self.places})]
        shows = [
            (f"/show/{re.escape(item.key)}", page, {**shared, "notebook_path": item.notebook, "places": self.places})
            for item in self.site.pages
        ]
        gallery = {"voila_configuration": self.voila_configuration, "site": self.site, "places": self.places}
        return [*kept, *shows, ("/", guarded(GalleryHandler), gallery)]

    def _shown(self) -> list[dict[str, Any]]:
        """What the pages show, each system once: its functions are loaded before anybody asks."""
        boards = [page.settings for page in self.site.pages if page.settings] if self.site else [settings()]
        return list({board["system"]: board for board in reversed(boards) if board.get("system")}.values())

    def listen(self) -> None:
        """Listen, with bounds on what is taken from whom nobody knows yet."""
        self.app.listen = self._listen  # Voila calls it with the port and the address
        super().listen()

    def _listen(self, port: int, address: str) -> None:
        base: str = self.base_url
        router = Unprefixed(self.app, base, prefixes_of(base, self.options.get("hub", "")))
        BoundedServer(router, **LIMITS).listen(port, address)

    def _closed(self, pattern: str) -> bool:
        return pattern in {self.server_url, f"{self.server_url}(.*)"} or any(part in pattern for part in _CLOSED)


def _safe(handler: tuple[Any, ...]) -> tuple[Any, ...]:
    """A guarded handler, with Voila's kernel channel replaced by ours."""
    pattern, kind, *rest = handler
    return (pattern, guarded(ChannelHandler if kind is VoilaKernelWebsocketHandler else kind), *rest)


class BoundedServer(HTTPServer):
    """Tornado's server, with a bound on how many connections there may be."""

    def handle_stream(self, stream: Any, address: tuple[Any, ...]) -> None:
        """Take a connection, or close it at once when there are too many."""
        if len(self._connections) >= MOST_CONNECTIONS:
            stream.close()
            return
        super().handle_stream(stream, address)


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc] # voila ships no types
    """One page, if there is a place for it."""

    def initialize(self, **options: Any) -> None:
        """Take the places out of the options; the rest is Voila's."""
        self.places: Places = options.pop("places")
        super().initialize(**options)

    def get_argument(self, name: str, *default: Any, strip: bool = True) -> Any:
        """Nothing but the token: no address chooses the template or the theme, which Voila writes into the page."""
        if name == "token":
            return super().get_argument(name, *default, strip=strip)
        return default[0] if default else None

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Send the page, or say that all places are taken."""
        await self.kernel_manager.replace_lost()
        place = self.places.take()
        if place is None and await self.kernel_manager.reclaim():
            place = self.places.take()
        if place is None:
            self.set_status(503)
            self.set_header("Retry-After", "20")
            self.set_header("Content-Type", "text/html; charset=utf-8")
            await self.finish(full_page(self.places.most))
            return
        try:
            await self._send(place, path)
        finally:
            self.places.leave(place)

    async def _send(self, place: object, path: str | None) -> None:
        """Send the page piece by piece; if the visitor leaves while it is made, its kernel is of use to nobody."""
        kernel = ""
        try:
            async for html in self.get_generator(path=path):
                match = _KERNEL.search(html)
                if match:
                    kernel = match[1]
                    self.places.settle(place, kernel)
                self.write(html)
                await self.flush()
        except StreamClosedError:
            if kernel in self.kernel_manager:
                await self.kernel_manager.shutdown_kernel(kernel)


class GalleryHandler(BaseVoilaHandler):  # type: ignore[misc] # voila ships no types
    """The list of pages."""

    def initialize(self, **options: Any) -> None:
        """Take the site and the places out of the options; the rest is Voila's."""
        self.site: Site = options.pop("site")
        self.places: Places = options.pop("places")
        super().initialize(**options)

    @tornado.web.authenticated
    def get(self) -> None:
        """Send the list."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(gallery_page(self.site, free=self.places.most - self.places.taken, most=self.places.most))


main = Pages.launch_instance

if __name__ == "__main__":
    main()
