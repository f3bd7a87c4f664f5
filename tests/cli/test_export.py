"""``dnnexplain export``: the file it writes, and how it refuses."""

from __future__ import annotations

import json
import re

import pytest

from dnnexplain.app.explorable import explorable
from dnnexplain.cli import main
from dnnexplain.policies import read_metadata, shipped
from dnnexplain.registry import known_systems, spec_of
from dnnexplain.systems import make_system

XML_NAMES = {
    f"http://www.w3.org/{name}"
    for name in ("2000/svg", "1999/xhtml", "1999/xlink", "XML/1998/namespace", "2000/xmlns/")
}
"""What XML calls its own vocabularies: names that look like addresses, of which no browser fetches anything."""

STATE = {"slots": [{"length": 3, "cpu": 7, "memory": 1}], "backlog": 2, "since_last_arrival": 1}


def test_the_page_is_one_file_that_names_nothing_outside(tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["export", "deeprm", str(page), "--title", "Tom & Jerry's <scheduler>"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    size = page.stat().st_size
    assert f"{size / 1e3:,.0f} kB" in said.out
    assert size < 700_000
    text = page.read_text(encoding="utf-8")
    assert "<title>Tom &amp; Jerry&#x27;s &lt;scheduler&gt;</title>" in text
    assert re.findall(r"\b(?:src|href)=(\S+)", text.partition("<script")[0]) == ['"data:,">']
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= XML_NAMES
    assert "default-src 'none'" in text
    card = read_metadata(shipped(make_system("deeprm"))["default"])
    assert card["checkpoint"] in text
    assert card["command"] in text


@pytest.mark.parametrize("name", known_systems())
def test_a_page_without_a_kernel_promises_no_optimum(name):
    spec = spec_of(name)
    told = spec.page_lead or spec.lead
    assert told
    assert not re.search(r"optim|best|prove|worst", told)


def test_a_page_has_the_lead_that_is_for_pages(monkeypatch):
    monkeypatch.setattr("dnnexplain.app.explorable.presets_for", lambda *_: (None, {}))
    monkeypatch.setattr("dnnexplain_widgets.export.export_page", lambda *_, lead, **__: lead)
    assert explorable("cellular") == spec_of("cellular").page_lead != spec_of("cellular").lead
    assert explorable("deeprm") == spec_of("deeprm").lead


def test_the_page_starts_in_the_state_that_is_given(tmp_path):
    (tmp_path / "state.json").write_text(json.dumps(STATE))
    page = tmp_path / "page.html"
    options = ["--policy", "as-published", "--state", str(tmp_path / "state.json")]
    assert main(["export", "deeprm", str(page), *options]) == 0
    text = page.read_text(encoding="utf-8")
    first = json.loads(re.search(r'"states":\[\{"values":(\[[^]]*\])', text).group(1))
    system = make_system("deeprm")
    assert first == system.state_from_json(STATE).values.tolist()
    assert "not left out" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["deeprm", "page.txt"], "must end in .html"),
        (["deeprm", "page.html", "--policy", "nothing"], "nothing"),
        (["deeprm", "page.html", "--slots", "7"], "slots=7"),
        (["deeprm", "nowhere/page.html"], "nowhere"),
        (["deeprm", "page.html", "--state", "missing.json"], "missing.json"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_no_file(arguments, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert len(said.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
