"""The whole way: the command, Voila, a kernel, a browser. And the same panels in JupyterLab."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.browser.axe import serious
from tests.browser.conftest import close_to, make_network, shown_probabilities
from tests.browser.servers import STARTING, Wire, arrive, start, stop

MOST_MESSAGES, MOST_BYTES = 5, 15_000


@pytest.fixture(scope="module")
def weights(tmp_path_factory, deeprm):
    import torch

    path = tmp_path_factory.mktemp("weights") / "drawn.pt"
    torch.save(make_network(deeprm).module.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def app(weights, chromium):
    del chromium  # skip before a server is started
    command = [sys.executable, "-m", "dnnexplain", "app", "--policy", str(weights), "--no-browser"]
    process, url = start(command, r"http://127\.0\.0\.1:\d+/")
    yield url, process
    stop(process)


@pytest.fixture
def page(app, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.errors, page.outside, page.frames_down, page.wire = [], [], [], Wire(page)
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.outside.append(request.url) if _is_outside(request.url) else None)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: page.frames_down.append(len(frame))))
    url, process = app
    arrive(page, url, ".dx-outputs tr", process)
    yield page
    context.close()


def _is_outside(url):
    return not re.match(r"(https?://127\.0\.0\.1|data:|blob:)", url)


def settle(page):
    """Until all that was asked is answered and drawn, and what the kernel does by itself when it has time is here."""
    page.wire.rest(quiet=0.5)


def inward(grip):
    """The key that moves a grip away from the nearer end of its range, so that two steps are left."""
    now, high = (float(grip.get_attribute(f"aria-value{name}")) for name in ("now", "max"))
    return "ArrowUp" if now > high / 2 else "ArrowDown"


def changed(page, before):
    """The probabilities once they are others than before, and nothing more comes."""
    for _ in range(150):
        if shown_probabilities(page) != before:
            break
        page.wait_for_timeout(200)
    settle(page)
    return shown_probabilities(page)


@pytest.mark.slow
def test_the_app_shows_and_follows_a_drag_without_errors_or_help_from_outside(page, deeprm):
    settle(page)
    grip = page.locator('.dx-grip[aria-label="job 1 length, Job 1 CPU"]').first
    grip.focus()
    first = shown_probabilities(page)
    key = inward(grip)
    page.keyboard.press(key)  # the first step also lights "Undo"
    before = changed(page, first)
    page.frames_down.clear()
    page.keyboard.press(key)
    after = changed(page, before)
    assert len(page.frames_down) <= MOST_MESSAGES
    assert sum(page.frames_down) <= MOST_BYTES
    assert after != before
    network = make_network(deeprm)
    from dnnexplain.contract import state_from_values
    from dnnexplain.explain import decide
    from dnnexplain_widgets.presets import presets_for

    first, _ = presets_for(deeprm, network)
    length = float(grip.get_attribute("aria-valuenow"))
    decision = decide(deeprm, network, state_from_values(deeprm, {"job 1 length": length}, first))
    for text, exact in zip(after.values(), decision.probabilities, strict=True):
        assert close_to(text, exact)
    assert page.errors == []
    assert page.outside == []


@pytest.mark.slow
def test_a_page_that_is_closed_ends_its_kernel(page):
    own = page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    alive = _kernel_processes()
    assert any(own in line for line in alive)
    page.goto("about:blank")
    for _ in range(100):
        if not any(own in line for line in _kernel_processes()):
            return
        time.sleep(0.2)
    pytest.fail("the kernel of a closed page goes on")


def _kernel_processes():
    return subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
def test_the_port_of_a_running_app_is_refused_in_one_sentence(app):
    port = app[0].rstrip("/").rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "dnnexplain", "app", "--port", port, "--no-browser"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


LAB_CELLS = """
import torch; torch.set_num_threads(1)
from dnnexplain.policies import load_any
from dnnexplain.systems import make_system
from dnnexplain_widgets import Dashboard
system = make_system("deeprm")
Dashboard(system, load_any({path!r}, system))
"""


@contextmanager
def in_lab(chromium, source, folder):
    """A page of JupyterLab on a notebook with one cell, which was run."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip())])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, folder / "panels.ipynb")
    options = [
        "--no-browser",
        "--ServerApp.token=",
        "--ServerApp.password=",
        "--allow-root",
        "--LabApp.collaborative=False",
    ]
    command = [sys.executable, "-m", "jupyter", "lab", str(folder), "--ServerApp.port=0", *options]
    process, found = start(command, r"http://(localhost|127\.0\.0\.1):\d+/")
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.errors, page.wire = [], Wire(page)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{found}lab/tree/panels.ipynb?reset", timeout=1000 * STARTING)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=1000 * STARTING)
        run_cell(page)
        yield page
    finally:
        context.close()
        stop(process)


def run_cell(page):
    """Run the notebook's cell and wait for the dashboard."""
    prompt = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt").first
    before = prompt.inner_text()
    for _ in range(STARTING // 3):  # until the kernel is there, Lab drops what it is asked
        now = prompt.inner_text()
        if now != before and re.search(r"[*\d]", now):  # not "[ ]:", which may come late
            break
        asked = page.locator(".jp-Dialog .jp-mod-accept")  # Lab may ask for the kernel
        if asked.count():
            asked.first.click()
        else:
            page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.focus()
            page.keyboard.press("Shift+Enter")
        for _ in range(30):
            page.wait_for_timeout(100)
            if prompt.inner_text() != before:
                break
    page.wait_for_selector(".dx-outputs tr", timeout=1000 * STARTING)


@pytest.mark.slow
def test_the_dashboard_works_in_jupyterlab(chromium, weights, tmp_path):
    with in_lab(chromium, LAB_CELLS.format(path=str(weights)), tmp_path) as page:
        grip = page.locator('.dx-grip[aria-label="job 1 length, Job 1 CPU"]').first
        before = shown_probabilities(page)
        grip.focus()
        for _ in range(9):
            page.keyboard.press(inward(grip))
        slider = page.get_by_role("slider", name="job 1 cpu", exact=True)
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "(old) => document.querySelector('.dx-outputs').innerText !== old", arg=str(before), timeout=30_000
        )
        assert float(slider.input_value()) >= 4
        assert serious(page, ".dx-page") == []
        assert page.errors == []
        a_copied_link_opens_the_same_state_in_another_tab(page)


def a_copied_link_opens_the_same_state_in_another_tab(page):
    """Lab takes query and fragment off its address; the dashboard finds the link all the same, once."""
    page.get_by_role("tab", name="When will it fail?").click()
    page.wire.rest()
    left = (knob_values(page), shown_probabilities(page))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert re.fullmatch(r"https?://[^/]+/lab/tree/panels\.ipynb#dnnexplain=deeprm&section=failure&state=[\w-]+", link)
    other = page.context.new_page()
    other.wire = Wire(other)
    other.goto(link, timeout=1000 * STARTING)
    other.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=1000 * STARTING)
    assert "#" not in other.url  # were Lab to keep it one day, this would say so
    run_cell(other)
    open_tab = "(name) => document.querySelector('.dx-sections [aria-selected=true]')?.textContent.includes(name)"
    other.wait_for_function(open_tab, arg="fail", timeout=1000 * STARTING)
    other.wire.rest()
    assert (knob_values(other), shown_probabilities(other)) == left
    other.get_by_role("slider", name="job 1 cpu", exact=True).focus()
    other.keyboard.press("ArrowLeft")
    other.wire.rest()
    run_cell(other)  # once something was changed, the cell shows what it says and not the link
    other.wait_for_function(open_tab, arg="Why", timeout=1000 * STARTING)


def knob_values(page):
    return page.locator(".dx-knob input").evaluate_all("(all) => all.map((one) => one.valueAsNumber)")
