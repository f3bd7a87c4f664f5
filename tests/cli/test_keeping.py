"""Every long search keeps what it has: after the first copy the command is asked to end, and the file is whole."""

from __future__ import annotations

import json
import os
import signal

import pytest

from dnnexplain.cli import keeping, main
from dnnexplain.cli.keeping import BestKeeper, forget_parts, parts_of
from dnnexplain.contract import state_from_values
from dnnexplain.explain.adversarial import MethodTable, OrderPairs
from dnnexplain.explain.distillation import Distillation, OutputRules
from dnnexplain.explain.gray_box import WorstCase
from dnnexplain.results import Result
from dnnexplain.systems import make_system

DISTIL = "--sets 3 --unseen 4 --rounds 1 --seeds 3 --leaves 4"
JOBS = {"job 1 length": 3, "job 1 cpu": 4, "job 1 memory": 6, "job 2 length": 9, "job 2 cpu": 7, "job 2 memory": 3}
LINES = {
    "distill": (f"distill deeprm --policy sjf --slots 2 --steps 15 {DISTIL}", Distillation),
    "distill switches": (f"distill cran --action set --heads 3 --policy greedy {DISTIL}", OutputRules),
    "attack --compare": ("attack deeprm --state STATE --compare --rounds 3", MethodTable),
    "attack --pairs": ("attack deeprm --pairs --budget 60", OrderPairs),
    "worst-case --restarts": ("worst-case routing --policy dote-current --restarts 2 --rounds 20", WorstCase),
}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", LINES)
def test_a_command_that_is_asked_to_end_keeps_what_it_has(name, monkeypatch, tmp_path, capsys):
    line, kind = LINES[name]
    state, out = tmp_path / "state.json", tmp_path / "kept.json"
    system = make_system("deeprm", slots=5)
    state.write_text(json.dumps(system.state_to_json(state_from_values(system, JOBS))))
    copies, save = [], Result.save

    def saved(result, path):
        written = save(result, path)
        copies.append(result)
        if len(copies) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return written

    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(Result, "save", saved)
    monkeypatch.setattr("dnnexplain.parallel.worker_count", lambda _jobs=None: 1)
    code = main([*line.replace("STATE", str(state)).split(), "--out", str(out), "--json"])
    assert code in {130, 143}
    told = json.loads(capsys.readouterr().out)
    assert told
    assert isinstance(kind.load(out), kind)
    assert isinstance(copies[0], kind)
    assert not parts_of(out)


class Found:
    """A result of which only a figure is kept."""

    def __init__(self, figure):
        self.figure = figure

    def save(self, path):
        path.write_text(str(self.figure))


def test_the_best_of_searches_in_several_processes_is_kept_whoever_writes_last(tmp_path):
    out = tmp_path / "best.json"

    def keeper(part, every=0.0):
        return BestKeeper(out, part, lambda path: Found(float(path.read_text())), lambda found: found.figure, every)

    one, two = keeper(1), keeper(2)
    one(lambda: Found(3.0))
    two(lambda: Found(2.0))
    assert out.read_text() == "3.0"
    two(lambda: Found(5.0))
    one(lambda: Found(4.0))
    assert out.read_text() == "5.0"
    keeper(3, every=1000.0)(lambda: Found(9.0))
    assert out.read_text() == "5.0"
    assert len(parts_of(out)) == 2
    forget_parts(out)
    assert [path.name for path in tmp_path.iterdir()] == ["best.json"]
    BestKeeper(None, 1, None, None)(lambda: Found(1.0))
