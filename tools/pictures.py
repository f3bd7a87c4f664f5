"""Take the pictures of README and site from the running program: ``python -m tools.pictures``.

Needs the extras ``widgets`` and ``test``, and a Chromium (see ``tools.browser``).
"""

from __future__ import annotations

import socket
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

__all__ = ["main", "served"]

OUT = Path(__file__).parent.parent / "docs"
WAIT = 240.0
LAPTOP, PHONE = {"width": 1280, "height": 1150}, {"width": 390, "height": 844}
TALL = {"width": 1280, "height": 3000}
SECTIONS = {
    "decision": ("Why this decision?", "Explain and check"),
    "neurons": ("Inside the neurons", ""),
    "failure": ("When will it fail?", "Search"),
}
"""The tab of each section, and the button that is pressed there first."""


def main() -> None:
    """Write ``docs/*.png``."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an extra

    OUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        with served("deeprm") as address:
            page = _opened(chromium, address, LAPTOP)
            page.screenshot(path=OUT / "dashboard.png")
            page.set_viewport_size(TALL)
            for key, (label, button) in SECTIONS.items():
                _section(page, key, label, button)
            page.context.close()
            phone = _opened(chromium, address, PHONE, color_scheme="dark")
            phone.screenshot(path=OUT / "phone.png")
            phone.context.close()
        with served("routing") as address:
            page = _opened(chromium, address, LAPTOP)
            page.screenshot(path=OUT / "routing.png")
        chromium.close()


@contextmanager
def served(system: str) -> Iterator[str]:
    """The dashboard of a system behind Voila; its address."""
    port = _free_port()
    command = [sys.executable, "-m", "dnnexplain", "app", "--system", system, "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command)
    try:
        sleep(5)  # time to find that the port is taken
        _wait_for(f"http://127.0.0.1:{port}/voila/static/voila.js", server)  # the page itself would take a kernel
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = monotonic() + WAIT
    while monotonic() < end:
        if server.poll() is not None:  # whatever answers at its address is another program
            msg = f"the dashboard ended; is something else running at {address}?"
            raise RuntimeError(msg)
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


def _section(page: Any, key: str, label: str, button: str) -> None:
    """One section of the page, opened as a user would, with its first answer; from its tabs downwards."""
    tab = page.get_by_role("tab", name=label)
    tab.click()
    page.wait_for_timeout(8000)
    if button:
        page.get_by_role("button", name=button, exact=True).first.click()
        page.wait_for_timeout(2000)
        page.wait_for_function(
            "() => ![...document.querySelectorAll('.dx-busy')].some((one) => one.checkVisibility())",
            timeout=WAIT * 1000,
        )
        page.wait_for_timeout(2000)
    top = tab.bounding_box()["y"] - 12
    page.screenshot(path=OUT / f"{key}.png", clip={"x": 0, "y": top, **LAPTOP})


if __name__ == "__main__":
    main()
