"""The README's ways from a file to a first explanation: each runs as it stands, in at most six lines."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.deeprm.test_sb3 import agent
from tests.deeprm.test_sb3 import weights as agent_weights

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text().partition("## Your own things, in six lines")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)

GRAPH = """NODES 3
label x y
A 0.0 0.0
B 1.0 0.0
C 0.5 1.0

EDGES 6
label src dest weight bw delay
e0 0 1 10 1000000 100
e1 1 0 10 1000000 100
e2 0 2 10 1000000 100
e3 2 0 10 1000000 100
e4 1 2 10 1000000 100
e5 2 1 10 1000000 100
"""


def write_files(folder):
    import torch
    from torch import nn

    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2))
    names = {"0": "mlp_extractor.policy_net.0", "2": "mlp_extractor.policy_net.2", "4": "action_net"}
    weights = {f"{names[key[0]]}.{key[2:]}": value for key, value in net.state_dict().items()}
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    with zipfile.ZipFile(folder / "agent.zip", "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": {"__module__": "stable_baselines3.common.policies"}}))
        archive.writestr("policy.pth", buffer.getvalue())
        archive.writestr("_stable_baselines3_version", "2.7.0")
    (folder / "network.graph").write_text(GRAPH)
    agent(folder / "scheduler.zip", agent_weights())
    return net


def test_there_is_one_for_each_kind_of_file():
    assert len(BLOCKS) == 5
    assert all(len([line for line in block.splitlines() if line.strip()]) <= 6 for block in BLOCKS)


@pytest.mark.parametrize("place", range(5))
def test_a_block_of_the_readme_explains_what_it_reads(place, tmp_path, monkeypatch):
    import torch

    from dnnexplain.policies import TorchPolicy, save_onnx
    from dnnexplain.results import Result
    from dnnexplain.systems import GymSystem

    monkeypatch.chdir(tmp_path)
    net = write_files(tmp_path)
    if place == 2:
        world = GymSystem("CartPole-v1")
        save_onnx(tmp_path / "network.onnx", TorchPolicy(net, world))
    torch.manual_seed(0)
    *body, last = BLOCKS[place].rstrip().splitlines()
    space = {}
    exec("\n".join([*body, f"found = {last}"]), space)
    assert isinstance(space["found"], Result)
    assert "<svg" in space["found"]._repr_mimebundle_()["text/html"]
