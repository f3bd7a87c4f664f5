"""Files that a page sends: bytes of at most the limit, by a name that leads nowhere."""

from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("ipywidgets")

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies import TorchPolicy
from dnnexplain_widgets import uploads
from dnnexplain_widgets.panels.base import Panel
from tests.fakes import FakeSystem, linear_network


@pytest.mark.parametrize(
    "given",
    [
        {"name": "log", "file": "x", "content": 3_000_000_000},
        {"name": "log", "file": "x", "content": [1] * 10},
        {"name": "log", "file": "x", "content": "text"},
        {"name": "log", "file": "x", "content": None},
        {"name": "log", "file": 5, "content": b""},
        {"name": ["log"], "file": "x", "content": b""},
        {"content": b""},
    ],
    ids=str,
)
def test_what_is_no_file_is_refused_before_anything_is_made_of_it(given):
    with pytest.raises(DnnExplainError, match="no file"):
        uploads.checked(given)


def test_a_file_above_the_limit_is_refused_and_one_at_the_limit_is_not(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 100)
    assert uploads.checked({"name": "a", "file": "b", "content": memoryview(bytes(100))})[2] == bytes(100)
    with pytest.raises(DnnExplainError, match="at most"):
        uploads.checked({"name": "a", "file": "b", "content": memoryview(bytes(101))})


def test_the_page_refuses_at_the_same_size():
    script = (Path(__file__).parents[2] / "widgets/page/src/panel/controls.js").read_text(encoding="utf-8")
    assert f"MOST_BYTES = {uploads.MOST_BYTES / 1e6:.0f}e6" in script


NAMES = [
    "../../etc/passwd",
    "/etc/passwd",
    "a\0b",
    "..",
    ".",
    "",
    "a/",
    "C:\\x\\y.swf",
    "x" * 5000 + ".swf",
    "\n",
    "~root",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: quote(name)[:20])
def test_a_name_leads_nowhere_and_can_be_written(name):
    file = uploads.checked({"name": "log", "file": name, "content": b"1"})[1]
    with uploads.brought(file, b"1") as path:
        assert path.read_bytes() == b"1"
        assert path.resolve().parent == path.parent.resolve()
        folder = path.parent
    assert not folder.exists()


def test_a_refusal_names_the_file_and_not_the_servers_folder():
    def refuse():
        with uploads.brought("mine.swf", b"1") as path:
            msg = f"{path}: line 1 is no job; see {path.parent}"
            raise DnnExplainError(msg)

    with pytest.raises(DnnExplainError) as told:
        refuse()
    assert str(told.value) == "mine.swf: line 1 is no job; see the file"


def test_a_panel_says_what_is_wrong_with_a_file_and_goes_on():
    class Taker(Panel):
        def on_file(self, name, file, content):
            self.sentence = f"{name} {file} {len(content)}"

    system = FakeSystem()
    panel = Taker(system, TorchPolicy(linear_network(system), system))
    for content in (3_000_000_000, "text", [0] * 9):
        panel.set_state({"upload": {"name": "log", "file": "x.swf", "content": content}})
        assert "no file" in panel.error
        assert panel.sentence == ""
    panel.set_state({"upload": {"name": "log", "file": "../x.swf", "content": memoryview(b"123")}})
    assert (panel.error, panel.sentence) == ("", "log x.swf 3")
