"""Voila, serving only what this project needs: no listing of files, no contents, safe headers, limited kernels.

Run as ``python -m dnnexplain.app.voila_pages NOTEBOOK`` for one page, or with a folder that
``gallery.write_site`` made. What it may do comes from :data:`OPTIONS`, an environment variable, so that a
token is not in a list of processes.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import tornado.web
from tornado.iostream import StreamClosedError
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from dnnexplain.app.channels import ChannelHandler
from dnnexplain.app.gallery import Site, full_page, gallery_page, read_site
from dnnexplain.app.places import Places

__all__ = ["HEADERS", "OPTIONS", "Pages", "main"]

OPTIONS = "DNNEXPLAIN_SERVER"
"""The environment variable with the server's options, as JSON: remote, token, most, warm, idle."""

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

_CLOSED = ("/voila/files/", "/voila/tree", "/voila/render", "/voila/api/contents", "/voila/execution")
_KERNEL = re.compile(r'"kernelId":\s*"([0-9a-f-]{36})"')


class Pages(Voila):
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
        if self.options.get("idle"):
            self.config.MappingKernelManager.cull_idle_timeout = int(60 * self.options["idle"])

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings with safe headers; the name that the browser asks for must be this machine's own."""
        settings: dict[str, Any] = super().init_settings()
        settings["headers"] = HEADERS
        settings["allow_remote_access"] = bool(self.options.get("remote", False))
        self.places = Places(int(self.options.get("most", 10)), self.kernel_manager.list_kernel_ids)
        return settings

    def init_handlers(self) -> list[Any]:
        """What Voila needs for its pages, and nothing that shows or lists files."""
        kept = [_safe(handler) for handler in super().init_handlers() if not self._closed(str(handler[0]))]
        base = self.server_url
        shared = {"template_paths": self.template_paths, "config": self.config, "voila_configuration": self.voila_configuration}  # fmt: skip
        if self.site is None:
            notebook = os.path.relpath(self.notebook_path, self.root_dir)
            return [*kept, (base, PageHandler, {**shared, "notebook_path": notebook, "places": self.places})]
        shows = [
            (f"{base}show/{re.escape(page.key)}", PageHandler, {**shared, "notebook_path": page.notebook, "places": self.places})
            for page in self.site.pages
        ]  # fmt: skip
        return [*kept, *shows, (base, GalleryHandler, {"voila_configuration": self.voila_configuration, "site": self.site, "places": self.places})]  # fmt: skip

    def _closed(self, pattern: str) -> bool:
        return pattern in {self.server_url, f"{self.server_url}(.*)"} or any(part in pattern for part in _CLOSED)


def _safe(handler: tuple[Any, ...]) -> tuple[Any, ...]:
    """A handler with Voila's kernel channel replaced by ours."""
    pattern, kind, *rest = handler
    return (pattern, ChannelHandler if kind is VoilaKernelWebsocketHandler else kind, *rest)


class PageHandler(TornadoVoilaHandler):
    """One page, if there is a place for it."""

    def initialize(self, **options: Any) -> None:
        """Take the places out of the options; the rest is Voila's."""
        self.places: Places = options.pop("places")
        super().initialize(**options)

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Send the page, or say that all places are taken."""
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
            async for html in self.get_generator(path=path):
                found = _KERNEL.search(html)
                if found:
                    self.places.settle(place, found[1])
                self.write(html)
                await self.flush()
        except StreamClosedError:
            pass  # the visitor left while the page was made; its kernel makes room as one that lost its page does
        finally:
            self.places.leave(place)


class GalleryHandler(BaseVoilaHandler):
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
