"""Moments of one training side by side: figures against networks whose answers are known."""

import json

import numpy as np
import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.attribution.stages import stages
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems import make_system

SYSTEM = make_system("abr")
LINKS = SYSTEM.workloads("markov-3g", 8, 2)
STATES = SYSTEM.visit(SYSTEM.rules()["bola"], LINKS)[0][:200]


def linear(name, weights, bias):
    """A network of one layer; ``weights`` says which output reads which cell by how much."""
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 6))
    with torch.no_grad():
        module[1].weight.zero_()
        for (output, cell), weight in weights.items():
            module[1].weight[output, cell] = weight
        module[1].bias.copy_(torch.tensor(bias, dtype=torch.float32))
    return TorchPolicy(module, SYSTEM, name=name)


BUFFER = 1 * 8 + 7
MIDDLE = float(np.median(STATES[:, 1, 7]))
ALWAYS = linear("early", {}, [1, 0, 0, 0, 0, 0])
BY_BUFFER = linear("late", {(3, BUFFER): 1.0}, [MIDDLE, -9, -9, 0, -9, -9])


def test_a_network_that_learns_to_look_at_the_buffer():
    found = stages(SYSTEM, [ALWAYS, BY_BUFFER], STATES, LINKS)
    at = found.group_names.index("buffer")
    assert found.names == ("early", "late")
    assert found.changed[0].tolist() == [0.0] * len(found.group_names)
    assert 0.3 < found.changed[1, at] < 0.7  # half of the states lie on either side
    assert np.delete(found.changed[1], at).max() == 0.0
    assert found.dead.tolist() == [48, 47]
    assert found.same.tolist() == [pytest.approx(np.mean(STATES[:, 1, 7] <= MIDDLE)), 1.0]
    np.testing.assert_allclose(found.actions.sum(axis=1), 1.0)
    assert found.actions[0, 0] == 1.0
    for network, cost in zip((ALWAYS, BY_BUFFER), found.cost, strict=True):
        assert cost.mean == pytest.approx(SYSTEM.run(network, LINKS).cost.mean())
    assert "buffer" in found.sentence()
    assert [row["stage"] for row in found.table()] == ["early", "late"]


def test_one_network_is_no_course_of_learning():
    with pytest.raises(DnnExplainError, match="at least 2"):
        stages(SYSTEM, [ALWAYS], STATES, LINKS)


def test_the_command_finds_the_stages_beside_a_network(tmp_path, capsys):
    out = tmp_path / "small.safetensors"
    assert main(["train", "abr", "--iterations", "2", "--sessions", "8", "--stages", "2", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["explain", "abr", "--stages", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["stages"]] == ["after 1 of 2 steps", "after 2 of 2 steps"]
    assert told["stages"][1]["same_as_last"] == 1.0
    assert set(told["stages"][0]["actions"]) == set(SYSTEM.output.names)
    assert told["sentence"]
    assert main(["explain", "abr", "--stages", str(tmp_path / "none.safetensors")]) != 0
    assert "--stages 6" in capsys.readouterr().err
