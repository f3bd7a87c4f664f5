"""A system in another package: a wheel that is built and installed here, and found by its entry point alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parent.parent / "fixtures" / "autoscaler"
ROOT = Path(__file__).parent.parent.parent

EVERYTHING = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from dnnexplain.cli import main

def say(*line):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(line)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}

open("state.json", "w").write(json.dumps({"load": 80, "servers": 2}))
network, own = ("--policy", "untrained"), ("--servers", "6", "--price", "3")
found = {
    "systems": say("systems", "autoscaler", "--json"),
    "all": say("systems", "--json"),
    "help": say("evaluate", "autoscaler", "--help"),
    "evaluate": say("evaluate", "autoscaler", *network, *own, "--peak", "90", "--sets", "3", "--json"),
    "explain": say("explain", "autoscaler", "--state", "state.json", *network, *own, "--badge", "none", "--json"),
    "probe": say("probe", "autoscaler", "--neuron", "0", "--restarts", "1", *network, *own, "--json"),
    "attack": say("attack", "autoscaler", "--state", "state.json", *network, *own, "--rounds", "2", "--json"),
    "transfer": say("transfer", "autoscaler", *network, *own, "--sets", "2", "--jobs", "1", "--peak", "30", "--peak", "90", "--json"),
    "distill": say("distill", "autoscaler", *network, "--leaves", "3", "--sets", "2", "--unseen", "2", "--seeds", "1", "--rounds", "1", "--json"),
    "replay": say("replay", "autoscaler", *network, "--workload", "day", "--out", "steps.npz", "--json"),
    "consequences": say("explain", "autoscaler", "--state", "state.json", *network, "--consequences", "--json"),
    "attack workload": say("attack", "autoscaler", "--workload", "day", *network, "--rounds", "1", "--json"),
    "train": say("train", "autoscaler", "--rounds", "1", "--sets", "2", "--epochs", "1", "--out", "net.safetensors", "--json"),
    "worst-case": say("worst-case", "autoscaler", *network, "--rounds", "1", "--json"),
    "regions": say("regions", "autoscaler", *network, "--sets", "2", "--states", "40", "--json"),
    "hypotheses": say("hypotheses", "autoscaler", *network, "--sets", "2", "--states", "40", "--pairs", "5", "--json"),
    "prove": say("prove", "autoscaler", *network, "--json"),
    "guard": say("guard", "autoscaler", *network, "--sets", "4", "--rounds", "1", "--cycles", "1", "--tries", "2", "--out", "guard.json", "--json"),
    "stress": say("stress", "autoscaler", *network, "--budget", "100", "--out", "stress", "--json"),
    "export": say("export", "autoscaler", "page.html", *network),
    "wrong": say("evaluate", "autoscaler", *network, "--servers", "99"),
}
from dnnexplain.app import dashboard_parts
from dnnexplain.app.gallery import DASHBOARDS
from dnnexplain_widgets import Dashboard

(card,) = [page for page in DASHBOARDS if page.key.startswith("autoscaler")]
parts = dashboard_parts(**card.settings)
board = Dashboard(**parts)
for key in board.fitting:
    board.show(key)
found["card"] = {"title": card.title, "settings": card.settings}
found["board"] = {
    "panels": [type(panel).__name__ for panel in board.panels],
    "errors": [panel.error for panel in board.panels if panel.error],
    "network": parts["policy"].name,
    "servers": parts["system"].servers,
    "graph": {name: board.panel("GraphPanel").figure["graph"][name] for name in ("names", "headlines", "words")},
    "nodes": board.panel("GraphPanel").parts[0]["graph"]["names"],
}
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What an installation with the package says to every command."""
    folder = tmp_path_factory.mktemp("own-package")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    for file in FIXTURE.rglob("*"):
        if file.suffix in {".py", ".toml"}:
            target = source / file.relative_to(FIXTURE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    wheels, site = folder / "wheels", folder / "site"
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels), str(source)]
    subprocess.run(build, check=True, cwd=folder)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)], check=True, cwd=folder
    )
    paths = [str(site), str(ROOT), str(ROOT / "widgets")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    run = subprocess.run(
        [sys.executable, "-c", EVERYTHING], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


def test_the_package_is_small():
    files = [*FIXTURE.rglob("*.py"), FIXTURE / "pyproject.toml"]
    assert sum(len(file.read_text().splitlines()) for file in files if "build" not in file.parts) < 150


def test_it_is_listed_with_its_parameters_knobs_and_metrics(answers):
    names = [system["name"] for system in json.loads(answers["all"]["out"])["systems"]]
    assert names[-1] == "autoscaler"
    (told,) = json.loads(answers["systems"]["out"])["systems"]
    assert [one["name"] for one in told["parameters"]] == ["servers", "price"]
    assert [knob["name"] for knob in told["knobs"]] == ["load", "trend", "servers"]
    assert [metric["name"] for metric in told["metrics"]] == ["turned"]


def test_its_options_are_offered_checked_and_taken(answers):
    assert "--servers" in answers["help"]["out"]
    assert "--peak" in answers["help"]["out"]
    assert (answers["wrong"]["code"], answers["wrong"]["err"].count("\n")) == (2, 1)
    assert "servers must be" in answers["wrong"]["err"]


ANSWERED = (
    "evaluate", "explain", "consequences", "probe", "attack", "attack workload", "transfer", "worst-case", "distill", "replay",
    "train", "prove", "regions", "guard", "hypotheses", "stress",
)  # fmt: skip


@pytest.mark.parametrize("command", ANSWERED)
def test_commands_answer(answers, command):
    assert answers[command]["code"] == 0, answers[command]["err"]
    assert json.loads(answers[command]["out"])


def test_its_network_runs_in_a_page_of_its_own(answers):
    assert answers["export"]["code"] == 0, answers["export"]["err"]
    assert "needs no server" in answers["export"]["out"]


def test_figures_are_told_as_for_every_system(answers):
    found = json.loads(answers["evaluate"]["out"])["results"][0]["metrics"]
    assert set(found["cost"]) >= {"mean", "low", "high"}
    assert "turned" in found


def test_transfer_has_a_column_for_each_value_of_its_own_parameter(answers):
    cells = json.loads(answers["transfer"]["out"])["cells"]
    assert len(cells) == 4  # two families, two peaks


def test_it_has_its_card_and_its_dashboard(answers):
    assert answers["card"] == {"title": "A site with four servers", "settings": {"system": "autoscaler", "servers": 4}}
    board = answers["board"]
    assert board["errors"] == []
    assert board["nodes"] == ["server 1", "server 2", "server 3", "server 4", "visitors"]  # drawn from its view
    assert board["graph"]["names"] == ["Network"]
    assert board["graph"]["headlines"][0].endswith(" servers")
    assert len(board["graph"]["words"][0]) == 4
    assert board["servers"] == 4
    assert board["network"] == "Untrained network (random weights)"
    assert {
        "GraphPanel",
        "SweepMapPanel",
        "DecisionPanel",
        "SaliencyPanel",
        "NeuronsPanel",
        "AdversarialPanel",
        "TransferPanel",
        "RulesPanel",
    } <= set(board["panels"])
