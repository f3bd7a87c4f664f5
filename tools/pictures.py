"""Take the README's pictures from the running dashboard: ``python -m tools.pictures``.

Needs the extras ``widgets`` and ``test``, and a Chromium (see ``tools.browser``).
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from time import monotonic, sleep

from tools import browser

__all__ = ["main"]

OUT = Path(__file__).parent.parent / "docs"
PORT = 8951
WAIT = 120.0


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


def main() -> None:
    """Write ``docs/dashboard.png``."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an extra

    OUT.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "dnnexplain", "app", "--no-browser", "--port", str(PORT)]
    server = subprocess.Popen(command)
    try:
        _wait_for(f"http://127.0.0.1:{PORT}/")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
            )
            page = chromium.new_page(viewport={"width": 1280, "height": 1150})
            page.goto(f"http://127.0.0.1:{PORT}/", timeout=WAIT * 1000)
            page.wait_for_selector("text=What does the network see", timeout=WAIT * 1000)
            page.wait_for_timeout(3000)
            page.screenshot(path=OUT / "dashboard.png")
            chromium.close()
    finally:
        server.terminate()
        server.wait(timeout=30)


if __name__ == "__main__":
    main()
