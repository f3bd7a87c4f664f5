"""How long from a drag to what it changes on the screen, for systems other than benchmarks/live.py's.

    python benchmarks/live_systems.py [SYSTEM ...] [--moves 40] [--delay 50] [--cpu] [--json live_systems.json]

A dashboard under Voila; one handle of its editor is dragged step by step. Two latencies of each move, from the event's
own time stamp to the frame that is painted after the change: of what is dragged (the page draws it by itself), and of
what the network does about it (the page says it where it can run the network, else the kernel). ``--delay`` puts the server far away: every byte comes that many
milliseconds later, each way (benchmarks/far.py). ``--cpu`` adds what the page's main thread takes from the event to the
frame in CPU time (benchmarks/live_cpu.py), which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live import put_away, serve, stop
from benchmarks.live_cpu import CATEGORIES, main_thread
from benchmarks.live_views import FLAGS

SETUP = """
import torch; torch.set_num_threads(1)
from dnnexplain.app import dashboard_parts
from dnnexplain_widgets import Dashboard
parts = dashboard_parts({system!r})
"""
HANDLES = {
    "abr": ('.dx-strip-mark[aria-label="buffer"]', (0.0, 3.0), ".dx-strip-mark", ".dx-outputs"),
    "cellular": ('.dx-strip-mark[aria-label="congestion last minute"]', (0.0, 3.0), ".dx-strip-mark", ".dx-outputs"),
    "cran": (".dx-moves", (14.0, -14.0), ".dx-moves", ".dx-units"),
}
"""What is dragged and how far a step is; what moves by itself, and what shows the network's answer.

Of cran that is its neurons: the chances of its actions are mostly over 0.999 and under 0.001, and shown so before and after.
"""

TALL = 2400
"""Of the page, px: what is watched must be in sight, for panels out of sight catch up only at rest."""

WATCH = """
([mine, theirs]) => {
  window.bench = {event: 0, own: [], answers: []};
  document.addEventListener("pointermove", (e) => { bench.event = e.timeStamp; }, true);
  const painted = (list) => () => {
    const begun = bench.event;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => list.push([begun, performance.now() - begun]);
      channel.port2.postMessage(0);
    });
  };
  const all = {subtree: true, attributes: true, characterData: true, childList: true};
  for (const [selector, list] of [[mine, bench.own], [theirs, bench.answers]]) {
    const observer = new MutationObserver(painted(list));
    for (const one of document.querySelectorAll(selector)) observer.observe(one, all);
  }
}
"""


def notebook(system, folder):
    import nbformat

    cells = [nbformat.v4.new_code_cell(SETUP.format(system=system)), nbformat.v4.new_code_cell("Dashboard(**parts)")]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(made, folder / "panels.ipynb")


def measure(page, system, moves):
    """Latencies (ms): of what is dragged, of what the kernel says; the first change after each move counts."""
    handle, (dx, dy), mine, theirs = HANDLES[system]
    one = page.locator(handle).first
    one.scroll_into_view_if_needed()
    page.evaluate(WATCH, [mine, theirs])
    box = one.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(moves + 4):
        offset = 4 - abs(4 - step % 8) + 1
        page.mouse.move(x + offset * dx, y + offset * dy)
        page.wait_for_timeout(400)  # a person's pace, and time for the kernel's answer
    page.mouse.up()
    found = page.evaluate("({own: bench.own, answers: bench.answers})")
    return {name: first_of_each(pairs)[4:] for name, pairs in found.items()}


def first_of_each(pairs):
    """The first latency of each event."""
    first = {}
    for begun, latency in pairs:
        first.setdefault(begun, latency)
    return [first[begun] for begun in sorted(first)]


def run(browser, system, moves, delay, cpu):
    with tempfile.TemporaryDirectory() as folder:
        notebook(system, Path(folder))
        process, addresses = serve("voila", Path(folder))
        running = [process]
        if delay:
            addresses, proxy = put_away(addresses, delay)
            running.insert(0, proxy)
        try:
            page = browser.new_context(viewport={"width": 1440, "height": TALL}).new_page()
            page.goto(addresses["panels"], timeout=120_000, wait_until="commit")
            page.wait_for_selector(HANDLES[system][0], timeout=240_000)
            page.wait_for_timeout(3000)
            if not cpu:
                return measure(page, system, moves)
            trace = Path(folder) / "trace.json"
            browser.start_tracing(page=page, path=str(trace), categories=CATEGORIES)
            found = measure(page, system, moves)
            browser.stop_tracing()
            return found | {"cpu": main_thread(json.loads(trace.read_text())["traceEvents"], moves)}
        finally:
            for one in running:
                stop(one)


def quantiles(values):
    ordered = sorted(values)
    if not ordered:
        return float("nan"), float("nan")
    return statistics.median(ordered), ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", default=list(HANDLES))
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds that the server is away, each way")
    parser.add_argument("--cpu", action="store_true", help="also CPU time of the page's main thread, of each step")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tools import browser as finder

    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=finder.find(), args=list(FLAGS))
        for system in options.systems:
            found = run(browser, system, options.moves, options.delay, options.cpu)
            for name, values in found.items():
                p50, p95 = quantiles(values)
                rows.append({"system": system, "of": name, "moves": len(values), "p50_ms": p50, "p95_ms": p95})
                print(f"{system:9} {name:8} {len(values):3} moves  p50 {p50:5.0f} ms  p95 {p95:5.0f} ms", flush=True)
        browser.close()
    print(
        f"server {options.delay:g} ms away, each way; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    if options.json:
        options.json.write_text(
            json.dumps({"rows": rows, "delay_ms": options.delay, "load": os.getloadavg()[0]}, indent=2)
        )


if __name__ == "__main__":
    main()
