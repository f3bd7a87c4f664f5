"""Servers for the browser tests: started until they say where, stopped, what they said, and when a page is at rest."""

import os
import re
import signal
import socket
import subprocess
import time
from threading import Thread
from urllib.parse import urlsplit

import pytest

__all__ = ["STARTING", "Wire", "arrive", "shows", "start", "stop"]

STARTING = 240  # seconds that a busy machine may take
TOLD = 40  # lines of a server's log that a failed test shows


def start(command, until, **environment):
    """The process and the text that its first line with `until` holds; all that it prints is kept."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    process.printed = []
    for line in process.stdout:
        process.printed.append(line)
        found = re.search(until, line)
        if found:
            process.drain = Thread(target=process.printed.extend, args=(process.stdout,), daemon=True)
            process.drain.start()  # a server that logs more than a pipe holds would stop and wait for ever
            listens(found[0], process)
            return process, found[0]
    pytest.fail(f"{command} ended: {''.join(process.printed)}")


def listens(url, process):
    """Wait until somebody listens there: Jupyter says where it will be before it is."""
    address = urlsplit(url)
    if not address.port:
        return
    end = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((address.hostname, address.port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"nobody listens at {url}: {''.join(process.printed)}")


def stop(process):
    """End it, at last by force."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.drain.join(10)
        process.stdout.close()


def arrive(page, url, selector, process):
    """Open a page and wait for what it must show; if that does not come, say what came instead."""
    page.goto(url, timeout=1000 * STARTING)
    shows(page, selector, process)


def shows(page, selector, process):
    """Wait for what a page must show; if that does not come, say what came instead."""
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.wait_for_selector(selector, timeout=1000 * STARTING)
    except TooLate:
        log = "".join(process.printed[-TOLD:])
        shown = page.evaluate("() => document.body.innerText")[:2000]
        pytest.fail(f"{page.url} never showed {selector}\n\nThe page says:\n{shown}\n\nThe server says:\n{log}")


class Wire:
    """What a page has asked its kernel and what is answered, read from its websockets: made before the page is opened.

    A kernel says "idle" once for each request, after all that came of it, so nothing need be waited for by time.
    What a socket had asked when it was closed, or when its page was left, is never answered: the close of a socket is
    not always told when another page takes its place.
    """

    WISHES = ("comm_msg", "comm_open", "execute_request")
    QUIET = 0.15  # seconds without a message: what the page holds back a moment is sent by then

    def __init__(self, page):
        self.page = page
        self.open = {}
        self.last = time.monotonic()
        self.leaving = False
        page.on("websocket", self._listen)
        page.on("request", self._requested)
        page.on("framenavigated", self._arrived)

    def _listen(self, socket):
        asked = []
        socket.on("framesent", lambda frame: self._sent(frame, asked))
        socket.on("framereceived", self._received)
        socket.on("close", lambda _: [self.open.pop(own, None) for own in asked])

    def _requested(self, request):
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self.leaving = True

    def _arrived(self, frame):
        """Another document, not only another address of the same one."""
        if self.leaving and frame == self.page.main_frame:
            self.leaving = False
            self.open.clear()

    def _sent(self, frame, asked):
        text = _text(frame)
        kind, own = re.search(r'"msg_type": ?"(\w+)"', text), re.search(r'"msg_id": ?"([^"]+)"', text)
        if kind and own and kind[1] in self.WISHES:
            self.open[own[1]] = kind[1]
            asked.append(own[1])
        self.last = time.monotonic()

    def _received(self, frame):
        text = _text(frame)
        if re.search(r'"execution_state": ?"idle"', text):
            for one in re.findall(r'"msg_id": ?"([^"]+)"', text):
                self.open.pop(one, None)
        self.last = time.monotonic()

    def rest(self, quiet=QUIET, seconds=STARTING):
        """Until every wish is answered, nothing more comes, and what came is drawn."""
        end = time.monotonic() + seconds
        self.page.wait_for_timeout(20)  # what was just done is sent
        while self.open or time.monotonic() - self.last < quiet:
            assert time.monotonic() < end, f"the kernel never answered {self.open}"
            self.page.wait_for_timeout(20)
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _text(frame):
    return frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
