"""How long from a drag to what it changes on the screen: our panels against interact and matplotlib.

    python benchmarks/live.py [--moves 64] [--hosts voila lab] [--views panels] [--delay 50] [--json live.json]

Both views show the same (probabilities, signed saliency, neurons, threshold curves), computed by the same
function, in the same browser, on the same server, in the same run. A move is one step of a mouse drag; its
latency runs from the event's own time stamp to the first frame painted after the change that the kernel
sent, or that the page found by itself where it can evaluate the network (its numbers are the kernel's to
1e-5, see tests/browser/test_export.py). "Settle" is the time from the last of many quick moves to the last
frame that they caused. ``--delay`` puts the server far away:
every byte comes that many milliseconds later, each way (benchmarks/far.py).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "widgets")]

from benchmarks.live_views import FLAGS, VIEWS, WATCH, file_name, write_notebooks

TARGET_P95, TARGET_SETTLE, TARGET_RATIO = 80.0, 150.0, 5.0
TARGET_FAR_P95 = 50.0


def start(command, answer):
    """A server in a process group of its own; returns it and its address."""
    from dnnexplain.app.server import environment

    path = os.pathsep.join([str(ROOT), str(ROOT / "widgets"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        command, env={**environment({}), "PYTHONPATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip
    import urllib.request

    for _ in range(600):
        try:
            urllib.request.urlopen(answer, timeout=5)
        except OSError:
            time.sleep(0.2)
        else:
            return process
    sys.exit(f"the server did not answer: {' '.join(command)}")


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def any_port():
    """A port that nobody has: two runs at once do not meet, as they would on the app's first ports."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(host, folder):
    """Start a host; returns the process and the address of each view."""
    port = any_port()
    base = f"http://127.0.0.1:{port}/"
    if host == "voila":
        options = ["--preheat_kernel=False", "--Voila.ip=127.0.0.1", "--no-browser", f"--port={port}"]
        process = start([sys.executable, "-m", "voila", str(folder), *options], f"{base}voila/static/voila.js")
        return process, {view: f"{base}voila/render/{file_name(view)}" for view in VIEWS}
    options = [
        "--no-browser",
        "--ServerApp.token=",
        "--ServerApp.password=",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
    ]
    command = [sys.executable, "-m", "jupyter", "lab", str(folder), f"--ServerApp.port={port}", *options]
    return start(command, f"{base}api"), {view: f"{base}lab/tree/{file_name(view)}?reset" for view in VIEWS}


def open_view(page, host, view, url):
    """Open a view and wait until it is drawn; a page whose kernel never answers is opened once more, and said so."""
    try:
        wait_for_view(page, host, view, url)
    except Exception as error:  # noqa: BLE001 - a second failure is the run's
        print(f"{host}, {view}: opened a second time, since at first: {str(error).splitlines()[0]}", file=sys.stderr)
        wait_for_view(page, host, view, url)


def wait_for_view(page, host, view, url):
    page.goto(url, timeout=60_000, wait_until="commit")  # Voila streams a page while its cells still run
    ready = ".dx-outputs tr" if view == "panels" else ".widget-hslider, .widget-slider"
    if host == "lab":
        page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=240_000)
        for cell in range(2):
            run_cell(page, cell)
    page.wait_for_selector(ready, timeout=240_000)
    if view != "panels":
        page.wait_for_selector(".jp-OutputArea img", timeout=240_000)
    page.wait_for_timeout(1500)


def run_cell(page, number):
    """Run a notebook's cell in JupyterLab; until the kernel is there, Lab drops what it is asked."""
    prompt = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").nth(number)
    for _ in range(120):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(number).click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(1000)
        if re.search(r"[*\d]", prompt.inner_text()):
            return
    sys.exit("JupyterLab does not run cells")


def handle_of(page, view):
    """The handle of job 1's length, and how many pixels one step takes, with the way it goes."""
    if view == "panels":
        handle = page.locator('.dx-grip[aria-label="job 1 length, Job 1 CPU"]').first
        return handle, (0.0, 8.0)
    rail = page.locator(".noUi-base").first.bounding_box()
    return page.locator(".noUi-handle").first, (rail["width"] / 14, 0.0)


def measure(page, view, moves):
    """Latencies of single moves, then of quick ones.

    Returns:
        latencies (ms), settle (ms), frames painted during the quick drag, and quick moves made.
    """
    page.evaluate(WATCH + VIEWS[view][1])
    handle, (dx, dy) = handle_of(page, view)
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    offsets = [4 - abs(4 - step % 8) + 1 for step in range(moves + 4)]  # 1 2 3 4 5 4 3 2 ...
    latencies = []
    for number, offset in enumerate(offsets):
        before = page.evaluate("bench.painted")
        page.mouse.move(x + offset * dx, y + offset * dy)
        page.evaluate("(n) => bench.after(n)", before)
        page.wait_for_timeout(120)  # a person's pace; also lets late frames of this move come
        if number >= 4:  # the first moves warm up
            latencies.append(page.evaluate("(n) => bench.latencies[n]", before))
    painted = page.evaluate("bench.painted")
    quick = 60
    for step in range(quick):
        offset = 4 - abs(4 - step % 8) + 1
        page.mouse.move(x + offset * dx, y + offset * dy)
        page.wait_for_timeout(16)
    page.mouse.move(x + 6 * dx, y + 6 * dy)
    page.wait_for_timeout(4000)
    settle = page.evaluate("bench.last - bench.event")
    painted = page.evaluate("bench.painted") - painted
    page.mouse.up()
    return latencies, settle, painted, quick + 1


def put_away(addresses, delay):
    """The addresses of the views behind a slow line; the process that makes it slow."""
    port, far = int(next(iter(addresses.values())).split(":")[2].split("/")[0]), any_port()
    command = [sys.executable, str(ROOT / "benchmarks" / "far.py"), f"--to={port}", f"--port={far}", f"--delay={delay}"]
    process = subprocess.Popen(command, start_new_session=True)
    return {view: url.replace(f":{port}/", f":{far}/") for view, url in addresses.items()}, process


def run_host(browser, host, folder, moves, views, delay):
    process, addresses = serve(host, folder)
    running = [process]
    if delay:
        addresses, proxy = put_away(addresses, delay)
        running.insert(0, proxy)
    rows = []
    try:
        for view in views:
            url = addresses[view]
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            frames = []
            page.on("websocket", lambda socket, seen=frames: socket.on("framereceived", lambda f: seen.append(len(f))))
            open_view(page, host, view, url)
            frames.clear()
            latencies, settle, painted, quick = measure(page, view, moves)
            made = moves + 4 + painted
            row = row_of(host, view, latencies, settle, painted, quick, len(frames) / made, sum(frames) / made / 1e3)
            rows.append({**row, "delay_ms": delay})
            context.close()
    finally:
        for one in running:
            stop(one)
    return rows


def row_of(host, view, latencies, settle, painted, quick, messages, kilobytes):
    ordered = sorted(latencies)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {
        "host": host, "view": view, "moves": len(ordered), "p50_ms": statistics.median(ordered), "p95_ms": p95,
        "settle_ms": settle, "painted": painted, "quick_moves": quick,
        "messages_per_update": messages, "kilobytes_per_update": kilobytes,
    }  # fmt: skip


def verdicts(rows):
    """Each goal, with whether it was met here."""
    found = []
    for host in dict.fromkeys(row["host"] for row in rows):
        by_view = {row["view"]: row for row in rows if row["host"] == host}
        if "panels" not in by_view:
            continue
        ours = by_view["panels"]
        p95, settle = ours["p95_ms"], ours["settle_ms"]
        limit = TARGET_FAR_P95 if ours["delay_ms"] else TARGET_P95
        found += [
            (f"{host}: p95 at most {limit:g} ms", p95 <= limit, f"{p95:.0f} ms"),
            (f"{host}: settles within {TARGET_SETTLE:g} ms", settle <= TARGET_SETTLE, f"{settle:.0f} ms"),
        ]
        if len(by_view) == len(VIEWS):
            ratio = next(row["p95_ms"] for view, row in by_view.items() if view != "panels") / p95
            text = f"{host}: at least {TARGET_RATIO:g} times below matplotlib"
            found.append((text, ratio >= TARGET_RATIO, f"{ratio:.1f} times"))
    return found


def report(rows):
    print(
        f"{'host':6} {'view':22} {'moves':>5} {'p50 ms':>7} {'p95 ms':>7} {'settle ms':>9} {'painted':>8} {'messages':>8} {'kB':>6}"
    )
    for r in rows:
        print(
            f"{r['host']:6} {r['view']:22} {r['moves']:5} {r['p50_ms']:7.0f} {r['p95_ms']:7.0f} {r['settle_ms']:9.0f} "
            f"{r['painted']:4}/{r['quick_moves']:3} {r['messages_per_update']:8.1f} {r['kilobytes_per_update']:6.1f}"
        )
    for goal, met, value in verdicts(rows):
        print(f"{'met' if met else 'MISSED':6} {goal}: {value}")
    if any(r["delay_ms"] for r in rows):
        print(f"the server is {rows[0]['delay_ms']:g} ms away, each way")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; software rendering")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=64)
    parser.add_argument("--hosts", nargs="+", choices=("voila", "lab"), default=["voila", "lab"])
    parser.add_argument("--views", nargs="+", choices=tuple(VIEWS), default=list(VIEWS))
    parser.add_argument("--delay", type=float, default=0.0, help="milliseconds that the server is away, each way")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from tools import browser as finder

    path = finder.find()
    if path is None:
        sys.exit("no Chromium here; set DNNEXPLAIN_CHROMIUM to one")
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_notebooks(Path(folder))
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for host in options.hosts:
            rows += run_host(running, host, Path(folder), options.moves, options.views, options.delay)
        running.close()
    report(rows)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "load": os.getloadavg()[0]}, indent=2))


if __name__ == "__main__":
    main()
