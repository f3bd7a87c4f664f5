"""Files that a visitor brings are text where a panel reads text, or are refused by their name."""

from pathlib import Path

import pytest

import dnnexplain_widgets
from dnnexplain.contract import DnnExplainError
from dnnexplain_widgets.uploads import text_of


def test_what_is_no_text_is_refused_by_its_name():
    assert text_of("a.json", "ä".encode()) == "ä"
    with pytest.raises(DnnExplainError, match=r"a\.png is no guard: it is not text"):
        text_of("a.png", b"\x89PNG\xff", "is no guard")


def test_no_panel_reads_text_in_its_own_way():
    panels = (Path(dnnexplain_widgets.__file__).parent / "panels").rglob("*.py")
    own = [path.name for path in panels if "content.decode()" in path.read_text("utf-8")]
    assert own == []
