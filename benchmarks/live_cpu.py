"""How much of the browser's main thread one step of a drag takes, from the event to the frame: in CPU time.

    python benchmarks/live_cpu.py [--moves 24] [--delay 50] [--host voila]

Latencies of benchmarks/live.py are wall time, so on a busy machine they measure the machine. CPU time of the
thread that handles the event, lays out and paints does not; a latency is that, plus raster, plus the wait for
the next frame (at most 16.7 ms at 60 Hz), plus what others take. Tracing itself adds a little.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks import live

CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
WARM = 4


def main_thread(events, moves):
    """CPU milliseconds from each pointer event to the end of the commit of its frame."""
    whole = [event for event in events if event.get("ph") == "X"]
    pointer = [e for e in whole if e["name"] == "EventDispatch" and e["args"]["data"]["type"] == "pointermove"]
    thread = Counter((e["pid"], e["tid"]) for e in pointer).most_common(1)[0][0]
    mine = [e for e in whole if (e["pid"], e["tid"]) == thread]
    tasks = [e for e in mine if e["name"] == "RunTask"]
    commits = sorted((e for e in mine if e["name"] == "Commit"), key=lambda e: e["ts"])
    found = []
    for one in sorted((e for e in pointer if e in mine), key=lambda e: e["ts"])[WARM : WARM + moves]:
        end = next((e["ts"] + e["dur"] for e in commits if e["ts"] >= one["ts"] + one["dur"]), None)
        if end is not None:
            during = (e.get("tdur", 0) for e in tasks if e["ts"] + e["dur"] > one["ts"] and e["ts"] < end)
            found.append(sum(during) / 1e3)
    return sorted(found)


def traced(page, moves, folder):
    """The events of Chromium's trace during a drag."""
    file = Path(folder) / "trace.json"
    browser = page.context.browser
    browser.start_tracing(page=page, path=str(file), categories=CATEGORIES)
    live.measure(page, "panels", moves)
    browser.stop_tracing()
    return json.loads(file.read_text())["traceEvents"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=24)
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds that the server is away, each way")
    parser.add_argument("--host", choices=("voila", "lab"), default="voila")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tools import browser as finder

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        live.write_notebooks(Path(folder))
        process, addresses = live.serve(options.host, Path(folder))
        running = [process]
        if options.delay:
            addresses, proxy = live.put_away(addresses, options.delay)
            running.insert(0, proxy)
        try:
            chromium = playwright.chromium.launch(executable_path=finder.find(), args=list(live.FLAGS))
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            live.open_view(page, options.host, "panels", addresses["panels"])
            found = main_thread(traced(page, options.moves, folder), options.moves)
            chromium.close()
        finally:
            for one in running:
                live.stop(one)
    p50, p95 = found[len(found) // 2], found[min(len(found) - 1, round(0.95 * len(found)))]
    print(
        f"{options.host}, {options.delay:g} ms away: main thread {p50:.1f} ms p50, {p95:.1f} ms p95, {len(found)} moves"
    )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; software rendering")


if __name__ == "__main__":
    main()
