"""Take the pictures of README and site from the running program: ``python -m tools.pictures``.

Needs the extras ``widgets`` and ``test``, and a Chromium (see ``tools.browser``).
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tools import browser

__all__ = ["main"]

OUT = Path(__file__).parent.parent / "docs"
PORT = 8951
WAIT = 240.0
LAPTOP, PHONE = {"width": 1280, "height": 1150}, {"width": 390, "height": 844}
SECTIONS = {"decision": "Why this decision?", "neurons": "Inside the neurons", "failure": "When will it fail?"}


def main() -> None:
    """Write ``docs/*.png``."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an extra

    OUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        with _served("deeprm") as address:
            page = _opened(chromium, address, LAPTOP)
            page.screenshot(path=OUT / "dashboard.png")
            for key, label in SECTIONS.items():
                _section(page, key, label)
            page.context.close()
            phone = _opened(chromium, address, PHONE, color_scheme="dark")
            phone.screenshot(path=OUT / "phone.png")
            phone.context.close()
        with _served("routing") as address:
            page = _opened(chromium, address, LAPTOP)
            page.screenshot(path=OUT / "routing.png")
        chromium.close()


@contextmanager
def _served(system: str) -> Iterator[str]:
    """The dashboard of a system behind Voila; its address."""
    command = [sys.executable, "-m", "dnnexplain", "app", "--system", system, "--no-browser", "--port", str(PORT)]
    server = subprocess.Popen(command)
    try:
        _wait_for(f"http://127.0.0.1:{PORT}/voila/static/voila.js")  # the page itself would take a kernel
        yield f"http://127.0.0.1:{PORT}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(address: str) -> None:
    end = monotonic() + WAIT
    while monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=WAIT):  # noqa: S310 - our own server on this machine
                return
        except (urllib.error.URLError, OSError):
            sleep(0.5)
    msg = f"the dashboard did not answer at {address} within {WAIT:g} s"
    raise TimeoutError(msg)


def _opened(chromium: Any, address: str, size: dict[str, int], **options: Any) -> Any:
    """A page that shows the dashboard and has come to rest."""
    page = chromium.new_context(viewport=size, **options).new_page()
    page.goto(address, timeout=WAIT * 1000)
    page.wait_for_selector("section.dx .dx-sentence:not(:empty)", timeout=WAIT * 1000)
    page.wait_for_timeout(5000)
    return page


def _section(page: Any, key: str, label: str) -> None:
    """One section of the page, opened as a user would, from its tabs downwards."""
    tab = page.get_by_role("tab", name=label)
    tab.click()
    page.wait_for_timeout(8000)
    top = tab.bounding_box()["y"] + page.evaluate("window.scrollY") - 12
    clip = {"x": 0, "y": top, "width": LAPTOP["width"], "height": LAPTOP["height"]}
    page.screenshot(path=OUT / f"{key}.png", full_page=True, clip=clip)


if __name__ == "__main__":
    main()
