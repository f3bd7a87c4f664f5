"""The rule for dash.js decides, from a player's metrics, as the tree does in Python: run by node on recorded sessions."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.distillation import Distillation, TreePolicy
from dnnexplain.explain.networks.plain import plain_network
from dnnexplain.policies import TorchPolicy, named_policy
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.dash_rule import dash_network, dash_rule
from dnnexplain.systems.abr.training import actor

NODE = shutil.which("node")
STATES = 500
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

DRIVER = """
let player;
const Switch = () => ({ create: () => ({}) });
Switch.PRIORITY = { STRONG: 1 };
global.dashjs = { FactoryMaker: {
    getClassFactoryByName: () => Switch,
    getSingletonFactoryByName: () => () => ({ getInstance: () => ({
        getHttpRequests: () => player.requests, getCurrentBufferLevel: () => player.buffer }) }),
    getClassFactory: (made) => () => ({ create: () => made.call({ context: {} }) }),
} };
const { TreeRule, NetworkRule } = require(process.argv[2]);
const rule = (TreeRule || NetworkRule)().create();
const asked = JSON.parse(require("fs").readFileSync(0)).map((one) => {
    player = one;
    return rule.getMaxIndex({
        getMediaInfo: () => ({ type: one.type, bitrateList: one.ladder.map((b) => ({ bandwidth: 1000 * b })),
                               streamInfo: { duration: one.duration } }),
        getRepresentationInfo: () => ({ quality: one.level, fragmentDuration: 4 }),
    }).quality ?? null;
});
console.log(JSON.stringify(asked));
"""


def players(system, observations):
    """What dash.js would have measured in each state: requests with bytes and times, the buffer, the quality shown."""
    codec = system.codec
    for row in codec.decode(observations):
        downloaded = int(codec.downloaded(row[None])[0])
        rates, times = row[codec.throughput], row[codec.download]
        past = [(0.5, 1.0)] * max(downloaded - codec.columns, 0)
        past += [(rate, time) for rate, time in zip(rates, times, strict=True) if rate > 0]
        requests = [{"type": "InitializationSegment", "trequest": 0, "_tfinish": 5, "trace": [{"b": [900]}]}]
        for rate, time in past:
            size = rate * time / 8e-6
            parts = [{"b": [size / 4]}, {"b": [0.75 * size]}]
            requests.append({"type": "MediaSegment", "trequest": 0, "_tfinish": 1000 * time, "trace": parts})
        yield {
            "type": "video", "requests": requests, "buffer": row[1], "level": int(codec.level(row[None])[0]),
            "ladder": system.video.bitrates.tolist(), "duration": 4 * system.video.chunks,
        }  # fmt: skip


def run_by_node(program, rule, tmp_path, given):
    driver = tmp_path / "driver.js"
    driver.write_text(program)
    ran = subprocess.run(
        [NODE, driver, rule], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(ran.stdout)


def test_it_decides_as_the_tree_does_in_500_states(tmp_path):
    rule, kept = tmp_path / "rule.dash.js", tmp_path / "found.json"
    small = ("--leaves", "16", "--sets", "20", "--unseen", "10", "--seeds", "2", "--rounds", "2", "--weighting", "none")
    assert main(["distill", "abr", *small, "--export", str(rule), "--out", str(kept), "--json"]) == 0
    system = make_system("abr")
    tree = TreePolicy(Distillation.load(kept).tree, system.features, len(system.output.names))
    links = [*system.workloads("markov-3g", 12, seed=4), *system.workloads("5g", 12, seed=4)]
    seen, _ = system.visit(tree, links)
    seen = seen[np.random.default_rng(0).permutation(len(seen))[:STATES]]
    expected = system.output.decide(tree.outputs(seen), system.valid_actions(seen))
    assert len(seen) == STATES
    assert len(np.unique(expected)) >= 4
    assert run_by_node(DRIVER, rule, tmp_path, list(players(system, seen))) == expected.tolist()

    first = next(players(system, seen))
    others = [first | {"type": "audio"}, first | {"ladder": [300, 750]}, first | {"requests": []}]
    assert run_by_node(DRIVER, rule, tmp_path, others) == [None, None, None]


QUANTITIES = """
const { BitrateTree, MADE } = require(process.argv[2]);
const tree = new BitrateTree(MADE);
const told = JSON.parse(require("fs").readFileSync(0)).map((known) => {
    const seen = tree.seen(known);
    return [tree.features(seen), tree.moves(seen)];
});
console.log(JSON.stringify(told));
"""


def test_its_quantities_and_moves_are_those_that_trees_speak_of(tmp_path):
    system = make_system("abr")
    leaf = SimpleNamespace(**{name: np.array([-1]) for name in ("feature", "threshold", "left", "right", "scores")})
    rule = tmp_path / "rule.dash.js"
    rule.write_text(dash_rule(system, leaf))
    links = [*system.workloads("outage", 3, seed=1), *system.workloads("5g", 3, seed=1)]
    seen, _ = system.visit(system.rules()["bola"], links)
    codec = system.codec
    known = [
        {
            "level": int(codec.level(row[None])[0]), "buffer": row[1], "sizes": row[codec.sizes].tolist(),
            "throughputs": row[codec.throughput][row[codec.throughput] > 0].tolist(),
            "times": row[codec.download][row[codec.throughput] > 0].tolist(), "remaining": row[codec.remaining],
        }
        for row in codec.decode(seen)
    ]  # fmt: skip
    told = run_by_node(QUANTITIES, rule, tmp_path, known)
    np.testing.assert_allclose([features for features, _ in told], system.features(seen), rtol=1e-9, atol=1e-9)
    assert [moves for _, moves in told] == system.features.actions(seen).tolist()


@pytest.mark.parametrize("remaining_row", [4, 5])
def test_a_network_decides_from_a_player_s_metrics_as_in_python(tmp_path, remaining_row):
    """Drawn weights over every cell of the picture that a player can know, and a published wiring."""
    system = make_system("abr")
    links = [*system.workloads("markov-3g", 4, seed=4), *system.workloads("outage", 4, seed=4)]
    seen, link = system.visit(system.rules()["bola"], links)
    policy = drawn(system, remaining_row, seen)
    rule = tmp_path / "rule.dash.js"
    rule.write_text(dash_network(system, plain_network(system, policy)))
    order = np.argsort(link, kind="stable")  # session by session, as a player lives through it
    known = []
    for session in seen[order].reshape(len(links), -1, *system.observation_shape):
        rows = system.codec.decode(session)
        lived = list(players(system, session))
        for place, row in enumerate(rows):
            before = rows[max(place - 7, 0) : place + 1]
            rates = row[system.codec.throughput]
            there = rates > 0
            earlier = [system.video.sizes[max(n, 0), 0] / 1e6 * (n >= 1) for n in range(place + 1 - 8, place + 1)]
            known.append({
                "levels": [int(system.codec.level(one[None])[0]) for one in before], "smallest": earlier,
                "buffers": [one[1] for one in before], "lefts": [one[system.codec.remaining] for one in before],
                "throughputs": rates[there].tolist(), "times": row[system.codec.download][there].tolist(),
                "sizes": row[system.codec.sizes].tolist(), "level": lived[place]["level"],
            })  # fmt: skip
    states = seen[order]
    told = run_by_node(PICTURES, rule, tmp_path, known)
    np.testing.assert_allclose([one for one, _ in told], states.reshape(len(states), -1), rtol=1e-5, atol=2e-6)
    wanted = policy.outputs(states)
    np.testing.assert_allclose([outputs for _, outputs in told], wanted, rtol=1e-3, atol=1e-3)
    assert len(np.unique(wanted.argmax(axis=1))) >= 3


PICTURES = """
const { BitrateNetwork, MADE } = require(process.argv[2]);
const network = new BitrateNetwork(MADE);
const told = JSON.parse(require("fs").readFileSync(0)).map((known) => {
    const seen = network.observation(known);
    return [[...seen], network.outputs(seen)];
});
console.log(JSON.stringify(told));
"""


def drawn(system, remaining_row, states):
    """The paper's network with weights drawn so that its decisions differ from state to state."""
    module = actor(system.video, 16, seed=3, remaining_row=remaining_row)
    with torch.no_grad():
        module.output.weight.mul_(60.0)
        if remaining_row == 4:
            module.hidden_1.weight.add_(0.01)  # reads every cell
        module.output.bias.sub_(module(torch.from_numpy(states)).mean(dim=0))
    return TorchPolicy(module, system, name="drawn")


def test_export_writes_a_network_whose_rule_asks_in_a_session_as_the_network_does(tmp_path):
    """Asked again and again in one session, the rule remembers levels and buffers; the shipped network does not need them."""
    rule = tmp_path / "rule.dash.js"
    assert main(["export", "abr", str(rule)]) == 0
    system = make_system("abr")
    policy = named_policy(system, "default")
    seen, _ = system.visit(policy, system.workloads("markov-3g", 1, seed=6))
    assert (
        run_by_node(DRIVER, rule, tmp_path, list(players(system, seen))) == policy.outputs(seen).argmax(axis=1).tolist()
    )


def test_wrong_exports_are_one_sentence(tmp_path, capsys):
    assert main(["export", "abr", str(tmp_path / "rule.dash.js"), "--policy", "bb"]) != 0
    assert main(["export", "abr", str(tmp_path / "rule.dash.js"), "--title", "Mine"]) != 0
    assert main(["export", "abr", str(tmp_path / "rule.exe")]) != 0
    told = capsys.readouterr().err
    assert "no torch network" in told
    assert "--title is for a page" in told
    assert ".dash.js" in told
    system = make_system("abr")
    layer = SimpleNamespace(kind="conv", name="first", weight=None, bias=None)
    with pytest.raises(DnnExplainError, match="conv"):
        dash_network(system, SimpleNamespace(layers=[layer]))
