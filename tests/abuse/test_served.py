"""A server under attack: what it refuses, what it keeps to itself, and that everybody else's page goes on."""

import os
import re
import signal
import struct
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

pytest.importorskip("voila")
pytest.importorskip("websocket")

from dnnexplain.app.channels import V1
from dnnexplain.app.guard import HEADERS
from tests.abuse.attackers import KERNEL, Channel, ask, children, half_a_post, megabytes
from tests.browser.servers import start, stop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

TOKEN = "a-token-of-24-characters"
HUNGRY = """
try:
    print("took", len(bytes(3 * 10**9)))
except MemoryError as error:
    from dnnexplain_widgets.words import error_sentence
    print(error_sentence(error))
"""


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """A gallery with a token, whose one lesson is small, another asks for much memory, and a third fails."""
    import nbformat

    folder = tmp_path_factory.mktemp("lessons")
    for name, source in (("1-small", "print('here')"), ("2-hungry", HUNGRY), ("3-broken", "raise OSError(__name__)")):
        cells = [nbformat.v4.new_markdown_cell(f"# {name}\n\nA lesson."), nbformat.v4.new_code_cell(source)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "dnnexplain", "serve", "--no-browser", "--token", "--warm", "0"]
    command += ["--kernel-memory", "900", "--notebooks", str(folder)]
    process, url = start(command, r"http://127\.0\.0\.1:\d+/", DNNEXPLAIN_TOKEN=TOKEN)
    yield process, url
    if process.poll() is None:
        stop(process)
    process.stdout.close()


@pytest.fixture(scope="module")
def url(serving):
    return serving[1]


@pytest.fixture(scope="module")
def cookie(url):
    """Who opened the address with the token; the cookie goes to no other site's requests."""
    _, headers, _ = ask(f"{url}?token={TOKEN}")
    said = headers["Set-Cookie"]
    assert "samesite=lax" in said.lower()
    assert "httponly" in said.lower()
    return said.partition(";")[0]


@pytest.fixture(scope="module")
def kernel(url, cookie):
    code, _, text = ask(f"{url}show/lesson-1-small", Cookie=cookie)
    assert code == 200
    assert "here" in text
    return KERNEL.search(text)[1]


def server_of(process):
    return children(process.pid)[0]


LIES = {
    "older: 2**31 parts": (struct.pack("!II", 2**31 - 1, 0), None),
    "older: -1 parts": (b"\xff" * 8, None),
    "v1: 2**60 parts": ((2**60).to_bytes(8, "little") + bytes(56), V1),
    "v1: text": ("x", V1),
    "older: deep": ("[" * 100_000, None),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_message_ends_its_own_connection_and_nothing_else(serving, url, cookie, kernel, name):
    message, protocol = LIES[name]
    server = server_of(serving[0])
    neighbour = Channel(url, kernel, cookie)
    before = megabytes(server)
    liar = Channel(url, kernel, cookie, protocol)
    liar.send(message)
    code, reason = liar.ended()
    assert code == 1008
    assert reason.startswith("refused")
    assert neighbour.answers()
    neighbour.close()
    assert megabytes(server) < before + 30


def test_half_sent_bodies_without_a_token_take_no_memory_and_no_time(serving, url):
    port = urlsplit(url).port
    before = megabytes(server_of(serving[0]))
    sockets = [half_a_post(port, 90_000_000, 4_000_000) for _ in range(12)]
    sockets += [half_a_post(port, 60_000, 0) for _ in range(20)]
    assert ask(f"{url}login")[0] == 200
    assert megabytes(server_of(serving[0])) < before + 30
    assert all(refused(one) for one in sockets[:12])
    for one in sockets:
        one.close()


def refused(one):
    """Whether the server said no, or closed at once."""
    try:
        said = one.recv(2**12)
    except ConnectionError:
        return True
    return said == b"" or b" 413 " in said.split(b"\r\n")[0] or b" 400 " in said.split(b"\r\n")[0]


PLACES = ("", "show/lesson-1-small", "login", "logout", "nothing", "voila/static/voila.js", "api/kernels/x")
PARAMETERS = (
    "theme",
    "template",
    "next",
    "token",
    "path",
    "voila",
    "kernel",
    "session_id",
    "_xsrf",
    "download",
    "v",
    "q",
)
MARK = "</script><script>alert(981)</script>"


@pytest.mark.parametrize("place", PLACES)
def test_no_parameter_of_any_page_comes_back_in_it(url, cookie, place):
    from urllib.parse import quote

    query = "&".join(f"{name}={quote(MARK)}" for name in PARAMETERS if not (name == "token" and "show" in place))
    for headers in ({}, {"Cookie": cookie}):
        _, sent, text = ask(f"{url}{place}?{query}", **headers)
        assert "alert(981)" not in text
        assert "<script>alert" not in str(sent)


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_has_the_headers(url, cookie, place):
    for headers in ({}, {"Cookie": cookie}):
        sent = ask(url + place, **headers)[1]
        for name, value in HEADERS.items():
            assert sent[name] == value, name


@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_is_not_this_machines_is_refused_everywhere(url, place):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::1].evil.example", "1.2.3.4", ""):
        assert ask(url + place, Host=host)[0] in {400, 403}, host


ODD = (
    "logout", "voila/templates/x", "voila/templates/x/y/z", "voila/templates/lab/static/..", "voila/templates/../../x", "voila/static/%00",
    "voila/static/" + "a" * 300, "voila/static/%ff", "api/kernels/x/channels", "voila/api/themes/%00", "voila/labextensions/..%2f..%2fetc/passwd",
    "voila/query/6dd2fb5a-0000-4000-8000-000000000000", "api/kernels/6dd2fb5a-0000-4000-8000-000000000000",
    "api/kernels/6dd2fb5a-0000-4000-8000-000000000000/channels", "login?next=//evil.example", "//evil.example/%2e%2e", "voila/api/shutdown/x",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD)
def test_no_address_is_a_fault_of_the_server(url, cookie, path):
    for method in ("GET", "POST", "HEAD", "DELETE", "PUT", "OPTIONS"):
        for headers in ({}, {"Cookie": cookie}):
            code, sent, text = ask(url + path, method=method, **headers)
            assert code < 500, method
            assert re.match(r"(/[^/]|/?$)", sent.get("Location", ""))  # never to another site
            assert "Traceback" not in text
            assert "/tmp/" not in text


def test_a_lesson_that_fails_shows_no_traceback_and_no_path(url, cookie):
    _, _, text = ask(f"{url}show/lesson-3-broken", Cookie=cookie)
    assert "OSError" not in text
    assert "Traceback" not in text
    assert "/tmp/" not in text
    assert "This page cannot be shown" in text


def test_a_page_whose_kernel_reached_its_memory_says_so(url, cookie):
    _, _, text = ask(f"{url}show/lesson-2-hungry", Cookie=cookie)
    assert "Not enough memory: this process may take 900 MB (set by --kernel-memory" in text


def test_no_kernels_number_and_no_token_is_in_the_log(serving, kernel):
    log = "".join(serving[0].printed)
    assert kernel not in log
    assert TOKEN not in re.sub(r"\?token=\S+", "", log, count=1)  # the address that is printed for the operator
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", log)


def test_a_server_that_is_killed_is_told_of_and_ends_the_command_with_a_code(serving, url, kernel):
    process, _ = serving
    os.kill(server_of(process), signal.SIGKILL)
    assert process.wait(60) == 2
    process.drain.join(10)
    said = [line for line in process.printed if line.startswith("Error")]
    assert len(said) == 1
    assert "the server ended because it was killed" in said[0]
    del url
    for _ in range(100):
        left = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        if kernel not in left:
            break
        time.sleep(0.2)
