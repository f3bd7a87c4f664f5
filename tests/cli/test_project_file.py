"""``dnnexplain.toml``: names of a folder on the command line, and what is wrong with a file that is wrong."""

import json

import pytest

from dnnexplain.cli import main
from dnnexplain.cli.project_file import NAME, expanded, find_project
from dnnexplain.contract import DnnExplainError

FILE = """
[systems.lamps]
system = "lamps_of_ours:make"
[systems.big]
system = "deeprm"
parameters = { slots = 10, backlog = 30 }
[networks]
trained = "weights.safetensors"
[logs]
monday = "monday.json"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / NAME).write_text(FILE)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    (tmp_path / "monday.json").write_text("[]")
    inner = tmp_path / "deeper"
    inner.mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    return tmp_path


def test_names_become_what_they_stand_for(folder, capsys):
    project = find_project()
    assert project.folder == folder
    line = ["evaluate", "big", "--policy", "trained", "--policy=sjf", "--workload", "monday", "--json"]
    assert expanded(line, project) == [
        "evaluate", "deeprm", "--policy", str(folder / "weights.safetensors"), "--policy=sjf",
        "--workload", str(folder / "monday.json"), "--json", "--slots", "10", "--backlog", "30",
    ]  # fmt: skip
    assert "adds: --slots 10 --backlog 30" in capsys.readouterr().err


def test_the_command_line_wins(folder):
    found = expanded(["explain", "big", "--slots", "4"], find_project())
    assert found == ["explain", "deeprm", "--slots", "4", "--backlog", "30"]
    assert expanded(["explain", "big", "--slots=4"], find_project())[-2:] == ["--backlog", "30"]


def test_a_name_that_is_an_options_value_is_no_system(folder):
    assert expanded(["explain", "deeprm", "--out", "big"], find_project()) == ["explain", "deeprm", "--out", "big"]


def test_without_a_file_nothing_changes(tmp_path):
    assert find_project(tmp_path) is None
    assert expanded(["systems"], None) == ["systems"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("systems = [", "is not TOML"),
        ("[system]\na = 1", "systems"),
        ("[systems.x]\nmodule = 1", "needs system ="),
        ('[systems.x]\nsystem = "deeprm"\nslots = 3', "parameters"),
        ('[networks]\nx = "none.pt"', "does not exist"),
        ("[logs]\nx = 3", "in quotes"),
        ("logs = 3", "is a table"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path, text, told):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(DnnExplainError, match=told):
        find_project(tmp_path)


def test_a_command_takes_an_own_system_by_its_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "lamps_of_ours.py").write_text(
        "from dnnexplain.systems import make_system\n\n\ndef make():\n    return make_system('deeprm', slots=3)\n"
    )
    (tmp_path / NAME).write_text('[systems]\nours = "lamps_of_ours:make"\n')
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "ours", "--policy", "sjf", "--sets", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["policy"] == "sjf"


def test_a_wrong_file_ends_a_command_in_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / NAME).write_text("[nets]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["systems"]) == 2
    said = capsys.readouterr().err
    assert "nets" in said
    assert "networks" in said
