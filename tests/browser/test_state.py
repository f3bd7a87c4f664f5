"""What the user has made is the user's: a link opens it again, and it outlives a kernel that is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.browser.conftest import make_network, shown_probabilities
from tests.browser.servers import STARTING, Wire, arrive, start, stop
from tests.browser.test_app import LAB_CELLS, in_lab, run_cell, settle


@pytest.fixture(scope="module")
def app(chromium):
    del chromium  # skip before a server is started
    process, url = start([sys.executable, "-m", "dnnexplain", "app", "--no-browser"], r"http://127\.0\.0\.1:\d+/")
    yield process, url
    stop(process)


@pytest.fixture
def open_app(app, chromium):
    """Opens the app in a browser of its own, at a fragment; fails on any console error at the end."""
    opened = []

    def open_page(fragment="", width=1280):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.errors, page.wire = [], Wire(page)
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        process, url = app
        arrive(page, f"{url}{fragment}", ".dx-outputs tr", process)
        settle(page)
        opened.append((context, page))
        return page

    yield open_page
    for context, page in opened:
        context.close()
        assert page.errors == []


def values(page):
    return page.locator(".dx-knob input").evaluate_all("(all) => all.map((one) => one.valueAsNumber)")


def shown(page):
    return {
        "probabilities": shown_probabilities(page),
        "knobs": values(page),
        "section": page.locator('.dx-sections [aria-selected="true"]').inner_text(),
        "theme": page.locator(".dx").first.get_attribute("data-theme"),
        "method": page.locator('select[data-name="method"]').first.input_value(),
        "neuron": page.locator('.dx-unit-cell[aria-selected="true"] .dx-tick').inner_text(),
    }


def change_things(page):
    """Another job, another method, another neuron, another section, the dark theme."""
    page.get_by_label("job 1 memory", exact=True).first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    settle(page)
    page.locator('select[data-name="method"]').first.select_option("saliency")
    page.locator(".dx-unit-cell").nth(7).click()
    page.get_by_role("tab", name="When will it fail?").click()
    page.locator(".dx-masthead .dx-more").evaluate("more => { more.open = true; }")
    page.locator('select[data-name="theme"]').select_option("dark")
    page.wire.rest(quiet=0.6)  # the address follows 0.4 s after all is at rest


def kernel_of(page):
    return page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")


def process_of(kernel):
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return int(next(line for line in listed.splitlines() if kernel in line).split()[0])


@pytest.mark.slow
def test_a_link_opens_the_same_page_again_without_filling_the_history(open_app):
    page = open_app()
    before, entries = shown(page), page.evaluate("() => history.length")
    change_things(page)
    left = shown(page)
    assert all(left[name] != before[name] for name in left)
    assert page.evaluate("() => history.length") == entries
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == page.url
    assert len(link) < 2000
    again = open_app(f"#{link.partition('#')[2]}")
    again.wait_for_function(
        "() => document.querySelector('.dx-sections [aria-selected=true]').textContent.includes('fail')"
    )
    settle(again)
    assert shown(again) == left


@pytest.mark.slow
def test_undo_and_redo_by_keyboard_and_a_session_as_a_file(open_app, tmp_path):
    page = open_app()
    first = shown(page)
    change_things(page)
    changed = shown(page)
    with page.expect_download() as download:
        page.locator(".dx-masthead .dx-more").evaluate("more => { more.open = true; }")
        page.get_by_role("button", name="Save session").click()
    saved = tmp_path / "session.json"
    download.value.save_as(saved)
    assert json.loads(saved.read_text())["section"] == "failure"
    page.locator("h3").first.click()  # nothing of ours has the focus
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.wait_for_function(
        f"() => document.querySelectorAll('.dx-knob input')[2].valueAsNumber === {first['knobs'][2]}"
    )
    settle(page)
    assert shown(page)["probabilities"] == first["probabilities"]
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+y")
    settle(page)
    assert shown(page) == changed
    other = open_app()
    other.locator('input[type="file"][data-name="session"]').set_input_files(saved)
    other.wait_for_function("() => document.querySelector('.dx').dataset.theme === 'dark'")
    settle(other)
    assert shown(other) == changed


@pytest.mark.slow
def test_a_killed_kernel_is_said_in_plain_words_and_the_page_goes_on_with_its_state(open_app):
    page = open_app()
    change_things(page)
    left = shown(page)
    killed = kernel_of(page)
    os.kill(process_of(killed), signal.SIGKILL)
    page.wait_for_selector(".dx-gone:visible", timeout=60_000)
    assert re.search("program behind this page", page.locator(".dx-gone").first.inner_text())
    assert shown(page) == left
    page.get_by_label("job 1 memory", exact=True).first.focus()
    page.keyboard.press("ArrowLeft")  # a step that no kernel answers is not lost either
    stepped = values(page)
    page.get_by_role("button", name="Start again with this state").click()
    page.wait_for_function(f"() => !document.body.textContent.includes('{killed}')", timeout=60_000)
    page.wait_for_selector(".dx-outputs tr", timeout=1000 * STARTING)
    page.wait_for_function(
        "() => document.querySelector('.dx-sections [aria-selected=true]')?.textContent.includes('fail')"
    )
    for _ in range(50):
        settle(page)
        if values(page) == stepped:
            break
        time.sleep(0.2)
    again = shown(page)
    assert kernel_of(page) != killed
    assert again["knobs"] == stepped
    assert {**again, "knobs": 0, "probabilities": 0} == {**left, "knobs": 0, "probabilities": 0}
    page.errors[:] = [text for text in page.errors if "404" not in text]  # asking for a kernel that is gone


@pytest.mark.slow
def test_a_page_whose_server_does_not_answer_stays_until_it_is_back(open_app):
    """A press reloads nothing while there is nothing to load: the page would be a browser's error, and what it shows lost."""
    page = open_app()
    change_things(page)
    left, first = shown(page), kernel_of(page)
    os.kill(process_of(first), signal.SIGKILL)
    page.wait_for_selector(".dx-gone:visible", timeout=60_000)
    page.route("**/api/kernels**", lambda route: route.abort())
    page.get_by_role("button", name="Start again with this state").click()
    page.wait_for_function("() => document.querySelector('.dx-gone').textContent.includes('does not answer yet')")
    assert shown(page) == left
    page.unroute("**/api/kernels**")
    page.get_by_role("button", name="Start again with this state").click()
    page.wait_for_function(f"() => !document.body.textContent.includes('{first}')", timeout=60_000)
    page.wait_for_selector(".dx-outputs tr", timeout=1000 * STARTING)
    page.errors[:] = [text for text in page.errors if "404" not in text and "ERR_FAILED" not in text]


@pytest.mark.slow
def test_in_jupyterlab_too_a_killed_kernel_is_said_and_the_next_run_of_the_cell_goes_on(chromium, deeprm, tmp_path):
    import torch

    torch.save(make_network(deeprm).module.state_dict(), tmp_path / "drawn.pt")
    with in_lab(chromium, LAB_CELLS.format(path=str(tmp_path / "drawn.pt")), tmp_path) as page:
        slider = page.get_by_role("slider", name="job 1 cpu", exact=True)
        slider.focus()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        page.locator(".dx-unit-cell").nth(7).click()
        page.wire.rest()
        left = (values(page), shown_probabilities(page))
        kernels = page.evaluate("async () => (await fetch('/api/kernels')).json()")
        os.kill(process_of(kernels[0]["id"]), signal.SIGKILL)
        page.wait_for_selector(".dx-gone:visible", timeout=60_000)
        assert (values(page), shown_probabilities(page)) == left
        page.locator(".jp-Dialog .jp-mod-accept").click()  # Lab's own word on it
        page.screenshot(path=os.environ.get("DNNEXPLAIN_SHOT", str(tmp_path / "gone.png")))
        page.get_by_role("button", name="Start again with this state").click()
        assert "Run the notebook" in page.locator(".dx-gone").first.inner_text()
        run_cell(page)
        page.wait_for_function("() => !document.querySelector('.dx-gone:not([hidden])')", timeout=60_000)
        page.wait_for_function(
            f"() => document.querySelectorAll('.dx-knob input')[1]?.valueAsNumber === {left[0][1]}", timeout=120_000
        )
        page.wire.rest()
        assert (values(page), shown_probabilities(page)) == left
        assert page.locator('.dx-unit-cell[aria-selected="true"] .dx-tick').inner_text() == "7"
