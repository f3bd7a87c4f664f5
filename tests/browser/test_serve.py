"""The gallery for an operator: what it offers, what it refuses, and how every page of it goes."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from dnnexplain.app.gallery import DASHBOARDS, full_page
from tests.browser.axe import serious
from tests.browser.servers import STARTING, Wire, arrive, shows, start, stop

BOARDS = tuple(page.key for page in DASHBOARDS)


@pytest.fixture(scope="module")
def serving(chromium, tmp_path_factory):
    """A gallery with one lesson: its process and its address."""
    del chromium  # skip before a server is started
    import nbformat

    folder = tmp_path_factory.mktemp("lessons")
    cells = [
        nbformat.v4.new_markdown_cell("# A first lesson\n\nOne and one make *two*. Nothing else is said here."),
        nbformat.v4.new_code_cell(
            "from dnnexplain_widgets.exercise import Exercise\n"
            "Exercise('What is one and one?', lambda answer: answer == '2' or 'Count again.')"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, folder / "1-first.ipynb")
    command = [
        sys.executable,
        "-m",
        "dnnexplain",
        "serve",
        "--no-browser",
        "--kernels",
        "2",
        "--notebooks",
        str(folder),
    ]
    process, url = start(command, r"http://127\.0\.0\.1:\d+/")
    yield process, url
    stop(process)


@pytest.fixture(scope="module")
def served(serving):
    return serving[1]


@pytest.fixture
def visit(serving):
    """Opens one of the gallery's pages: ``visit(page, "show/routing", selector of what must come)``."""
    process, url = serving
    return lambda page, path, selector: arrive(page, url + path, selector, process)


@pytest.fixture
def new_page(chromium):
    """Makes pages in a browser of their own; fails on any console error at the end."""
    opened = []

    def make(width=1280, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(1000 * STARTING)
        page = context.new_page()
        page.errors, page.wire = [], Wire(page)
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        opened.append((context, page))
        return page

    yield make
    for context, page in opened:
        page.goto("about:blank")  # as when a tab is closed: the page ends its kernel
        context.close()
        assert page.errors == []


def status(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_gallery_offers_all_pages_to_everyone(served, new_page, width, scheme):
    page = new_page(width, scheme)
    page.goto(served)
    links = page.locator("a.card").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    assert links == [*(f"show/{key}" for key in BOARDS), "show/lesson-1-first"]
    lesson = page.locator("a.card").last.inner_text()
    assert "A first lesson" in lesson
    assert "One and one make two." in lesson
    assert page.locator("a.card svg").count() == len(links)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    assert serious(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lesson_runs_and_checks_an_answer(visit, new_page, scheme):
    page = new_page(scheme=scheme)
    visit(page, "show/lesson-1-first", "h1")
    field = page.get_by_label("Your answer")
    field.fill("2")
    field.press("Enter")
    page.get_by_text("Right.", exact=True).wait_for()
    assert page.inner_text("h1").startswith("A first lesson")
    assert page.locator(".jp-CodeMirrorEditor, .jp-InputArea-editor").count() == 0  # no code in sight
    assert serious(page) == []


CLOSED = (
    "api/contents", "api/terminals", "api/kernels", "api/sessions", "api/config/x", "voila/tree", "voila/files/site.json",
    "voila/render/deeprm-5.ipynb", "voila/api/contents", "site.json", "deeprm-5.ipynb", "lab", "tree", "terminals/1", "show/nothing",
)  # fmt: skip


@pytest.mark.slow
def test_nothing_but_the_pages_is_served_and_with_safe_headers(served):
    for path in CLOSED:
        assert status(served + path)[0] == 404, path
    code, headers, _ = status(served)
    assert code == 200
    assert "object-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert status(served, Host="evil.example")[0] == 403  # another site's name for this machine


@pytest.mark.slow
@pytest.mark.parametrize("key", BOARDS)
def test_every_section_of_every_dashboard_opens_without_an_error(visit, new_page, key):
    page = new_page()
    visit(page, f"show/{key}", ".dx-sections [role=tab]")
    problems = []
    for theme in ("light", "dark"):
        page.locator(".dx-masthead .dx-more").evaluate("more => { more.open = true; }")
        page.locator('select[data-name="theme"]').select_option(theme)
        page.wait_for_selector(f'.dx[data-theme="{theme}"]')
        for tab in page.locator(".dx-sections [role=tab]").all():
            tab.click()
            page.wire.rest()
            name = f"{theme}, {tab.inner_text()}"
            said = page.locator(".dx-error:visible").all_inner_texts()
            problems += [f"{name}: {text}" for text in said if text]
            problems += [f"{name}: {text}" for text in serious(page)]
    page.set_viewport_size({"width": 390, "height": 844})
    page.wire.rest()
    problems += [f"phone: {text}" for text in serious(page)]
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    problems += [f"phone: the page is {wide} px too wide"] if wide > 0 else []
    assert problems == []


@pytest.mark.slow
def test_when_all_places_are_taken_the_page_says_so_and_a_closed_page_frees_its_place(serving, visit, new_page):
    process, served = serving
    pages = [new_page(), new_page()]
    for page in pages:
        visit(page, "show/deeprm-5", ".dx-outputs tr")
    third = new_page()
    answer = third.goto(f"{served}show/deeprm-5#section=failure")
    assert answer.status == 503
    assert "All 2 places are taken" in third.inner_text("h1")
    third.errors[:] = [text for text in third.errors if "503" not in text]
    assert serious(third) == []
    pages[0].goto("about:blank")
    for _ in range(30):
        if status(served)[2].count("1 of 2 places"):
            break
        time.sleep(0.5)
    if third.get_by_role("link", name="Try again now").count():  # it tries by itself, too
        third.get_by_role("link", name="Try again now").click()
    shows(third, '.dx-sections [role=tab][aria-selected="true"]:has-text("When will it fail?")', process)
    third.errors[:] = [text for text in third.errors if "503" not in text]
    for page in (pages[1], third):
        page.goto("about:blank")


class Full(BaseHTTPRequestHandler):
    """Says that all places are taken: at once to the first who asks, then after two seconds."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        time.sleep(2 * (len(self.asked) > 1))
        body = full_page(2).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.slow
def test_a_visitor_who_leaves_while_the_page_is_made_takes_no_place(served):
    where = urlsplit(served)
    for _ in range(2):
        with socket.create_connection((where.hostname, where.port)) as line:
            line.sendall(b"GET /show/lesson-1-first HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            for _ in range(600):
                if "2 of 2 places" not in status(served)[2]:
                    break
                time.sleep(0.05)
            else:
                pytest.fail("the page was never begun")
    for _ in range(200):
        if "2 of 2 places" in status(served)[2]:
            return
        time.sleep(0.1)
    pytest.fail("the place of a page that nobody waits for is not free after 20 s")


SOONER = """
const later = window.setTimeout;
if (performance.getEntriesByType("navigation")[0]?.type !== "reload") window.setTimeout = (task, ms) => later(task, ms / 20);
"""
"""The first page's own next try is due in one second, while the answer to the visitor's is under way."""


@pytest.mark.slow
def test_a_page_that_waits_for_a_place_asks_once_and_keeps_what_its_address_said(chromium, new_page):
    del chromium
    Full.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Full) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = new_page()
        page.add_init_script(SOONER)
        page.goto(f"http://127.0.0.1:{server.server_port}/wait#section=failure")
        page.get_by_role("link", name="Try again now").click(no_wait_after=True)
        page.wait_for_function("() => performance.getEntriesByType('navigation')[0]?.type === 'reload'")
        assert Full.asked == ["/wait", "/wait"]
        assert page.url.endswith("#section=failure")
        server.shutdown()


@pytest.mark.slow
def test_other_addresses_ask_for_a_token_and_save_nothing_on_the_servers_disk(chromium, new_page):
    command = [sys.executable, "-m", "dnnexplain", "serve", "--no-browser", "--ip", "0.0.0.0", "--warm", "0"]
    process, url = start(command, r"http://127\.0\.0\.1:\d+/\?token=\S+")
    try:
        base, _, token = url.partition("?token=")
        assert len(token) >= 32
        for path in ("", "show/deeprm-5"):
            _, _, text = status(base + path)
            assert "token" in text.lower()
            assert "places" not in text
        assert status(f"{base}?token=wrong")[0] in {200, 403}
        assert "places" not in status(f"{base}?token=wrong")[2]
        assert status(f"{base}api/kernels/6dd2fb5a-0000-4000-8000-000000000000")[0] in {302, 403}
        assert (
            token not in subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        )
        page = new_page()
        page.goto(url)
        page.get_by_role("link", name=re.compile("5 waiting jobs")).click()
        page.wait_for_selector(".dx-outputs tr")
        page.get_by_role("tab", name="Why this decision?").click()
        page.wire.rest()
        assert page.get_by_label("File", exact=True).count() == 0
        box = page.locator(".dx", has=page.get_by_role("heading", name="What does it do here?"))
        box.locator(".dx-menu summary").click()
        with page.expect_download() as download:
            box.get_by_text("Result, JSON").click()
        assert "probabilities" in json.loads(download.value.path().read_text())
        page.goto("about:blank")
    finally:
        stop(process)
