"""How many pages may be open at once, and what the gallery says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.app.gallery import DASHBOARDS, gallery_page, lessons, read_site, write_site
from dnnexplain.app.places import Places, memory_megabytes, room_for
from dnnexplain.app.ports import free_port, release
from dnnexplain.app.server import environment, is_own, new_token
from dnnexplain.contract import DnnExplainError

PAGE = Path(__file__).parents[1] / "widgets/page/src"


@given(st.lists(st.sampled_from(["come", "start", "fail", "end"]), max_size=60), st.integers(1, 4))
def test_never_more_pages_than_places_and_every_place_comes_back(events, most):
    alive, coming, number = set(), [], 0
    places = Places(most, lambda: alive)
    for event in events:
        if event == "come":
            place = places.take()
            assert (place is None) == (len(alive) + len(coming) == most)
            coming += [] if place is None else [place]
        elif event == "start" and coming:
            number += 1
            alive.add(f"kernel {number}")
            place = coming.pop()
            places.settle(place, f"kernel {number}")
            places.leave(place)  # the page was sent
        elif event == "fail" and coming:
            places.leave(coming.pop())
        elif event == "end" and alive:
            alive.pop()
        assert places.taken == len(alive) + len(coming)


def test_room_follows_memory_within_bounds(tmp_path):
    assert room_for(100) == 2
    assert room_for(2048) < room_for(8192) < room_for(16384)
    assert room_for(10**6) == room_for(10**7)
    limit = tmp_path / "memory.max"
    limit.write_text("1073741824\n")
    assert memory_megabytes(limit) == 1024
    limit.write_text("max\n")
    assert memory_megabytes(limit) == memory_megabytes(tmp_path / "nothing") > 256


def notebook(folder, name, text, **metadata):
    cell = {"cell_type": "markdown", "source": text, "metadata": {}, "id": "a"}
    (folder / name).write_text(json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))


def test_lessons_are_told_by_their_title_and_first_sentences(tmp_path):
    notebook(tmp_path, "10-b.ipynb", "# Heading\n\nIt *begins*. " + "And goes on for long " * 20 + ".")
    notebook(tmp_path, "9-a.ipynb", ["# Other\n", "\n", "One <b>. Two."], title="Its title")
    first, second = lessons(tmp_path)
    assert (first.title, first.sentence) == ("Its title", "One <b>. Two.")
    assert (second.title, second.sentence) == ("Heading", "It begins.")
    root = tmp_path / "root"
    root.mkdir()
    site = write_site(root, tmp_path)
    assert read_site(root) == site
    html = gallery_page(site, free=1, most=3)
    assert "One &lt;b&gt;. Two." in html
    assert "1 of 3 places are free" in html
    assert html.count('class=card href="show/') == len(DASHBOARDS) + 2
    for page in site.pages:
        assert (root / page.notebook).is_file()


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(DnnExplainError, match=r"x\.ipynb is no notebook"):
        lessons(tmp_path)


@pytest.mark.parametrize(("ip", "own"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("10.1.2.3", False), ("example", False)])  # fmt: skip
def test_only_this_machines_own_addresses_need_no_token(ip, own):
    assert is_own(ip) is own


def test_a_token_is_long_and_fresh_and_leaves_the_environment(monkeypatch):
    monkeypatch.delenv("DNNEXPLAIN_TOKEN", raising=False)
    assert len(new_token()) >= 32
    assert new_token() != new_token()
    monkeypatch.setenv("DNNEXPLAIN_TOKEN", "a-token-of-mine-1234")
    assert new_token() == "a-token-of-mine-1234"
    assert "DNNEXPLAIN_TOKEN" not in environment({})
    monkeypatch.setenv("DNNEXPLAIN_TOKEN", "short")
    with pytest.raises(DnnExplainError, match="at least 16"):
        new_token()


def test_pages_for_others_are_told_so():
    assert environment({}, {}, served=True)["DNNEXPLAIN_SERVED"] == "1"
    assert "DNNEXPLAIN_SERVED" not in environment({})


def test_an_address_that_is_not_ours_is_said():
    with pytest.raises(DnnExplainError, match="no address of this machine"):
        free_port(8999, "192.0.2.1")


CLAIM = "from dnnexplain.app.ports import free_port; print(free_port(None), flush=True); input()"


def test_commands_that_are_started_together_have_ports_of_their_own():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", CLAIM], **pipes) as other:
        theirs = int(other.stdout.readline())  # no server listens there yet
        mine = free_port(None)
        release(mine)
        assert mine != theirs
        with pytest.raises(DnnExplainError, match=f"port {theirs} is in use"):
            free_port(theirs)
        other.communicate("\n")
    assert free_port(theirs) == theirs
    release(theirs)


KERNEL = "6dd2fb5a-0000-4000-8000-000000000000"


def test_a_visitor_who_leaves_while_the_page_is_made_is_no_error_and_gives_the_place_back():
    import asyncio

    from tornado.iostream import StreamClosedError

    from dnnexplain.app.voila_pages import PageHandler

    class Kernels(set):
        async def replace_lost(self):
            pass

        async def shutdown_kernel(self, kernel):
            self.remove(kernel)

    class Handler(PageHandler):
        kernel_manager = Kernels({KERNEL})

        def write(self, _html):
            pass

    handler = object.__new__(Handler)
    handler.places = Places(1, lambda: handler.kernel_manager)

    async def half_a_page(path):
        yield f'<script type="application/json">{{"kernelId": "{KERNEL}"}}</script>'
        raise AssertionError(path)  # nobody reads the rest

    async def gone():
        raise StreamClosedError

    handler.get_generator, handler.flush = half_a_page, gone
    asyncio.run(PageHandler.get.__wrapped__(handler))
    assert handler.places.taken == 0
    assert handler.kernel_manager == set()  # it is of use to nobody


def test_the_largest_file_that_a_page_sends_fits_into_a_message():
    from importlib.resources import files

    import dnnexplain.app

    settings = json.loads(files(dnnexplain.app).joinpath("jupyter/voila.json").read_text())["Voila"]["tornado_settings"]
    source = (PAGE / "panel" / "controls.js").read_text()
    most = float(re.search(r"const MOST_BYTES = (\S+);", source)[1])
    assert most + 1e6 < settings["websocket_max_message_size"]  # a message has words about the file, too
