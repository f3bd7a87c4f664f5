"""Find a Chromium for the browser tests, or install one; print its path.

    python -m tools.browser

In this order: the one that DNNEXPLAIN_CHROMIUM names; a Chromium or Chrome of the system; the one
that Playwright downloaded earlier; where we are root on a Debian-like system (a bare container), the
package chromium, which brings its libraries along; else Playwright's download (a laptop).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

from tools.machine import apt_install, can_apt, give_up, reachable, say

__all__ = ["VARIABLE", "find", "find_or_install", "main"]

VARIABLE = "DNNEXPLAIN_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PLAYWRIGHT_HOST = "https://cdn.playwright.dev"
DOWNLOAD_SECONDS = 600


def main() -> None:
    """Print the path of a browser, or end with one line that says what is missing."""
    try:
        path = find_or_install()
    except LookupError as error:
        give_up(str(error))
    if path is None:
        give_up(
            "the browser tests need Chromium, and none could be found or installed; install it "
            f"(Debian: apt-get install chromium) or set {VARIABLE} to a Chromium or Chrome."
        )
    print(path)


def find() -> str | None:
    """The path of a browser that is here and starts, or None.

    Raises:
        LookupError: the variable names something that does not start.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not starts(named):
            message = f"{VARIABLE} is {named}, which is no browser that starts here; unset it or name another."
            raise LookupError(message)
        return named
    programs = (shutil.which(name) for name in NAMES)
    return next((path for path in (*programs, *ELSEWHERE, playwrights_own()) if path and starts(path)), None)


def find_or_install() -> str | None:
    """As :func:`find`, but install a browser where none is; None if that fails."""
    path = find()
    if path is None and can_apt() and apt_install("chromium", "fonts-dejavu-core"):
        path = find()
    if path is None and download():
        path = find()
    return path


def starts(path: str) -> bool:
    """Whether a browser runs at all: Ubuntu's chromium-browser may be a stub, a download may lack libraries."""
    try:
        done = subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def playwrights_own() -> str | None:
    """Where Playwright's Chromium is, or would be."""
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


def download() -> bool:
    """Have Playwright download its Chromium; False at once where its host is out of reach."""
    host = urlparse(os.environ.get("PLAYWRIGHT_DOWNLOAD_HOST", PLAYWRIGHT_HOST)).hostname
    if host is None or not reachable(host):
        return False
    say("Downloading Playwright's Chromium")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=DOWNLOAD_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()
