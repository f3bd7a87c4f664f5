"""Servers for the browser tests: started until they say where, stopped, and what they said when a page fails."""

import os
import re
import signal
import subprocess
from threading import Thread

import pytest

__all__ = ["STARTING", "arrive", "start", "stop"]

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
            return process, found[0]
    pytest.fail(f"{command} ended: {''.join(process.printed)}")


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
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.goto(url, timeout=1000 * STARTING)
        page.wait_for_selector(selector, timeout=1000 * STARTING)
    except TooLate:
        log = "".join(process.printed[-TOLD:])
        shown = page.evaluate("() => document.body.innerText")[:2000]
        pytest.fail(f"{url} never showed {selector}\n\nThe page says:\n{shown}\n\nThe server says:\n{log}")
