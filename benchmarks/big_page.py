"""The page of a large network in a real browser: when it says its first sentence, and when words follow a key.

    python benchmarks/big_page.py [--nodes 73 200] [--seed 1] [--prepare 25]

``dnnexplain app`` shows an untrained DOTE network on a random geometric graph, as in ``big_topologies.py``. The browser
opens the page once the app has had ``--prepare`` seconds; then five key presses move the largest demand, twice.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import networkx as nx
from big_topologies import network_of
from playwright.sync_api import Page, sync_playwright

SENTENCES = "[...document.querySelectorAll('section.dx .dx-sentence')].map(one => one.textContent).join('|')"
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
LIMIT = 240_000  # ms


def reaction(page: Page) -> float:
    """Seconds from the first of five key presses to other words on the page."""
    before = page.evaluate(SENTENCES)
    began = time.perf_counter()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => {SENTENCES} !== before", arg=before, timeout=LIMIT)
    return time.perf_counter() - began


def look(url: str) -> dict[str, Any]:
    """Open the page, and move its largest demand twice."""
    program = os.environ.get("DNNEXPLAIN_CHROMIUM") or None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        began = time.perf_counter()
        page.goto(url, timeout=LIMIT)
        page.wait_for_selector("section.dx .dx-sentence:not(:empty)", timeout=LIMIT)
        first = time.perf_counter() - began
        page.wait_for_timeout(8000)  # what is made beside the page is done by then
        page.locator("[role=slider]:visible").first.focus()
        reactions = []
        for _ in range(2):
            reactions.append(round(reaction(page), 2))
            page.wait_for_timeout(5000)
        browser.close()
    return {"first sentence": round(first, 2), "words after five keys": reactions}


def measure(nodes: int, seed: int, prepare: float) -> dict[str, Any]:
    """Show a network of so many nodes with ``dnnexplain app``, and look at it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"random-{nodes}.graphml"
        nx.write_graphml(network_of(nodes, seed), path)
        command = [
            sys.executable,
            "-m",
            "dnnexplain",
            "app",
            "routing",
            "--topology",
            str(path),
            "--policy",
            "untrained",
        ]
        app = subprocess.Popen([*command, "--no-browser"], stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            assert app.stdout is not None
            url = next(found[0].rstrip(".") for line in app.stdout if (found := re.search(r"http://\S+", line)))
            time.sleep(prepare)
            return {"nodes": nodes, **look(url)}
        finally:
            os.killpg(app.pid, signal.SIGTERM)
            app.wait()


def main() -> None:
    """Measure each size, seconds by the clock."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[73, 200])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prepare", type=float, default=25.0)
    given = parser.parse_args()
    print(f"seconds; load {os.getloadavg()[0]:.1f}", flush=True)
    for nodes in given.nodes:
        print(measure(nodes, given.seed, given.prepare), flush=True)


if __name__ == "__main__":
    main()
