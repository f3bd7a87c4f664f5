"""Several users at once on ``dnnexplain serve``: does every page open, and how long does each step take?

Two figures. ``first reaction``: a real browser clicks a card of the gallery, and the clock runs until a
slider that is moved has its answer. ``users``: N clients open a page at the same moment, as a browser does
(page, websocket, all widget states), and drag a job for a while; each step is timed from the wish to its
answer. The clients speak Jupyter's own protocol, so that the machine's time goes to the server, not to N browsers.

    python benchmarks/users.py --users 10 --steps 60
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
import uuid

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

PACE = 0.06  # seconds between two steps of a drag
PROTOCOL = "v1.kernel.websocket.jupyter.org"
WAIT = 240  # seconds for one answer on a busy machine


def serve(users: int, warm: int):
    command = [
        sys.executable,
        "-m",
        "dnnexplain",
        "serve",
        "--no-browser",
        "--kernels",
        str(users + 2),
        "--warm",
        str(warm),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = next(found[0] for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
    return process, url


def kernels(process) -> list[psutil.Process]:
    found = []
    for one in psutil.Process(process.pid).children(recursive=True):
        try:
            if "ipykernel" in " ".join(one.cmdline()):
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


def seconds_used(one) -> float:
    try:
        return sum(one.cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0


def wait_warm(process, count: int) -> None:
    """Until the kernels that are kept ready are there and at rest."""
    while len(kernels(process)) < count:
        time.sleep(0.2)
    for one in kernels(process):
        used = -1.0
        while (now := seconds_used(one)) - used > 0.02:
            used = now
            time.sleep(1.0)


class User:
    """One page: its kernel, its websocket, the hub's model."""

    def __init__(self, url: str, page: str) -> None:
        self.url, self.page, self.session = url, page, uuid.uuid4().hex
        self.errors: list[str] = []
        self.times: list[float] = []
        self.stamp = 0

    async def open(self) -> None:
        self.began = time.perf_counter()
        request = HTTPRequest(f"{self.url}show/{self.page}", request_timeout=WAIT, connect_timeout=WAIT)
        answer = await AsyncHTTPClient().fetch(request)
        self.loaded = time.perf_counter() - self.began
        self.kernel = re.search(r'"kernelId":\s*"([0-9a-f-]+)"', answer.body.decode())[1]
        cookies = "; ".join(one.split(";")[0] for one in answer.headers.get_list("Set-Cookie"))
        address = f"{self.url.replace('http', 'ws')}api/kernels/{self.kernel}/channels?session_id={self.session}"
        self.socket = await websocket_connect(
            HTTPRequest(address, headers={"Cookie": cookies}), max_message_size=10**8, subprotocols=[PROTOCOL]
        )
        self.send("kernel_info_request", {})
        await self.until(lambda message: message["header"]["msg_type"] == "kernel_info_reply")
        control = uuid.uuid4().hex
        self.send(
            "comm_open", {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}}, {"version": "1.0.0"}
        )
        self.send("comm_msg", {"comm_id": control, "data": {"method": "request_states"}})
        await self.until(self.finds_hub)

    def send(self, kind: str, content: dict, metadata: dict | None = None) -> None:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self.session,
            "username": "",
            "version": "5.3",
            "date": "",
        }
        parts = [b"shell", *(json.dumps(one).encode() for one in (header, {}, metadata or {}, content))]
        ends = [8 * (len(parts) + 2)]
        for part in parts:
            ends.append(ends[-1] + len(part))
        numbers = b"".join(one.to_bytes(8, "little") for one in (len(ends), *ends))
        self.socket.write_message(numbers + b"".join(parts), binary=True)

    async def until(self, done) -> None:
        while True:
            raw = await asyncio.wait_for(self.socket.read_message(), WAIT)
            if raw is None:
                msg = "the server closed the connection"
                raise ConnectionError(msg)
            message = parse(raw)
            if message["header"]["msg_type"] == "error":
                self.errors.append(str(message["content"])[:200])
            if done(message):
                return

    def finds_hub(self, message) -> bool:
        data = message["content"].get("data", {})
        if data.get("method") != "update_states":
            return False
        for identity, state in data["states"].items():
            if "scene" in state["state"]:
                self.hub, scene = identity, state["state"]["scene"]
                self.knobs = scene["knobs"]
                self.values = [knob["low"] for knob in self.knobs]
        return True

    def answers(self, message) -> bool:
        data = message["content"].get("data", {})
        return data.get("method") == "update" and data["state"].get("live", {}).get("stamp", -1) >= self.stamp

    async def step(self, knob: int, value: float, *, settled: bool) -> None:
        self.stamp += 1
        self.values[knob] = value
        wish = {"stamp": self.stamp, "values": self.values, "settled": settled}
        began = time.perf_counter()
        self.send(
            "comm_msg", {"comm_id": self.hub, "data": {"method": "update", "state": {"wish": wish}, "buffer_paths": []}}
        )
        await asyncio.wait_for(self.until(self.answers), WAIT)
        self.times.append(time.perf_counter() - began)

    async def use(self, steps: int) -> None:
        try:
            await self.open()
            names = [knob["name"] for knob in self.knobs]
            at = names.index("job 1 length") if "job 1 length" in names else 0
            high = self.knobs[at]["high"]
            for number in range(steps):
                await self.step(at, 1 + number % int(max(2, high - 1)), settled=number == steps - 1)
                if number == 0:
                    self.reaction = time.perf_counter() - self.began
                await asyncio.sleep(max(0.0, PACE - self.times[-1]))
            self.socket.close()
        except Exception as error:  # noqa: BLE001 - counted
            self.errors.append(f"{type(error).__name__}: {error}")


def parse(raw):
    """Header and content of a message; its buffers are left out."""
    count = int.from_bytes(raw[:8], "little")
    at = [int.from_bytes(raw[8 * (i + 1) : 8 * (i + 2)], "little") for i in range(count)]
    return {"header": json.loads(raw[at[1] : at[2]]), "content": json.loads(raw[at[4] : at[5]])}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


async def crowd(url: str, users: int, steps: int, page: str):
    everyone = [User(url, page) for _ in range(users)]
    await asyncio.gather(*(user.use(steps) for user in everyone))
    return everyone


def first_reaction(url: str, page: str) -> float:
    """Seconds from the click on a card to the answer to a slider that is moved, in a browser that was never here."""
    from playwright.sync_api import sync_playwright

    from tools import browser

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser.find(), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        tab = running.new_context(viewport={"width": 1280, "height": 900}).new_page()
        tab.set_default_timeout(1000 * WAIT)
        tab.goto(url)
        began = time.perf_counter()
        tab.locator(f'a.card[href="show/{page}"]').click(no_wait_after=True)
        slider = tab.get_by_role("slider", name="job 1 memory", exact=True)
        slider.wait_for()
        before = tab.locator(".dx-outputs").inner_text()
        slider.focus()
        for _ in range(60):
            tab.keyboard.press("ArrowLeft" if slider.input_value() > "1" else "ArrowRight")
            tab.wait_for_timeout(50)
            if tab.locator(".dx-outputs").inner_text() != before:
                break
        took = time.perf_counter() - began
        tab.goto("about:blank")
        running.close()
    return took


def memory(process) -> dict[str, float]:
    own = [one.memory_full_info() for one in kernels(process)]
    return {
        "kernels": len(own),
        "resident": statistics.median(x.rss for x in own) / 2**20,
        "unique": statistics.median(x.uss for x in own) / 2**20,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--users", type=int, default=10)
    options.add_argument("--steps", type=int, default=60)
    options.add_argument("--page", default="deeprm-5")
    options.add_argument(
        "--clicks", type=int, default=3, help="clicks of a real browser, one after another; 0 for none"
    )
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    process, url = serve(given.users, 1)
    try:
        wait_warm(process, 3)
        load = os.getloadavg()[0]
        clicks = []
        for _ in range(given.clicks):
            clicks.append(first_reaction(url, given.page))
            wait_warm(process, 3)
        everyone = asyncio.run(crowd(url, given.users, given.steps, given.page))
        used = memory(process)
    finally:
        process.terminate()
        process.wait(60)
    times = [1000 * one for user in everyone for one in user.times[1:]]
    errors = [error for user in everyone for error in user.errors]
    opened = [user.reaction for user in everyone if hasattr(user, "reaction")]
    found = {
        "users": given.users, "errors": errors, "opened": len(opened), "clicks_s": clicks,
        "reaction_s": [min(opened, default=float("nan")), statistics.median(opened or [float("nan")]), max(opened, default=float("nan"))],
        "step_ms": {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "most": max(times), "count": len(times)} if times else {},
        "memory_mb": used, "load_before": load,
    }  # fmt: skip
    if given.json:
        print(json.dumps(found))
        return
    print(f"machine's load before: {load:.1f}")
    print(f"click to first reaction, browser: {', '.join(f'{one:.1f}' for one in clicks) or 'not run'} s")
    least, middle, most = found["reaction_s"]
    print(
        f"{given.users} users at once, {len(opened)} served, {len(errors)} errors; request to first reaction {least:.1f} / {middle:.1f} / {most:.1f} s"
    )
    if times:
        print(
            "step to answer: p50 {p50:.0f}, p95 {p95:.0f}, most {most:.0f} ms over {count} steps".format(
                **found["step_ms"]
            )
        )
    print("memory: {kernels} kernels, each {resident:.0f} MB resident, {unique:.0f} MB of its own".format(**used))
    for error in errors:
        print("error:", error)


if __name__ == "__main__":
    main()
