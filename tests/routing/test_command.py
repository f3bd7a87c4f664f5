import json

import pytest

from dnnexplain.cli import main
from dnnexplain.policies import load, read_metadata
from dnnexplain.systems.routing import RoutingSystem


def test_train_writes_a_network_with_its_story_and_card(tmp_path, capsys):
    out = tmp_path / "router.safetensors"
    line = ["train", "routing", "--topology", "ring-4", "--paths", "2", "--steps", "30", "--out", str(out), "--json"]
    assert main(line) == 0
    said = json.loads(capsys.readouterr().out)
    (title, figures), _ = said["figures"].items()
    assert title == "1000 unseen gravity matrices, seed 1"
    assert set(figures) == {"dote-current", "shortest-path", "ecmp", "even", "optimum", "oblivious", "hedged"}
    one = figures["dote-current"]
    assert 1 <= one["mean"]["low"] <= one["mean"]["mean"] <= one["mean"]["high"] <= one["max"]
    assert figures["optimum"]["max"] == pytest.approx(1.0, rel=1e-9)
    story = read_metadata(out)
    assert story["role"] == "dote-current"
    told = story["figures"]["percent above the optimal MLU"][title]["dote-current"]
    assert told["mean"]["mean"] == pytest.approx(100 * (one["mean"]["mean"] - 1))
    assert story["command"].startswith("dnnexplain train routing --kind dote-current --topology ring-4 --paths 2")
    assert out.with_suffix(".md").exists()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".md", ".safetensors"]
    system = RoutingSystem("ring-4", 2)
    found = system.run(load(out, system), system.workloads("gravity", 1000, 1)).metrics["MLU over optimum"]
    assert found.mean() == pytest.approx(one["mean"]["mean"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "dote"], "there is no recipe of routing 'dote'"),
        (["--topology", "nowhere"], "there is no topology 'nowhere'"),
        (["--paths", "0"], "at least 1 and at most 64 paths"),
        (["--minutes", "0"], "must all be positive"),
    ],
)
def test_wrong_options_get_one_sentence_and_leave_no_file(tmp_path, capsys, words, said):
    assert main(["train", "routing", "--out", str(tmp_path / "r.safetensors"), *words]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not list(tmp_path.iterdir())
