"""The rule for dash.js decides, from a player's metrics, as the tree does in Python: run by node on recorded sessions."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from dnnexplain.cli import main
from dnnexplain.explain.distillation import Distillation, TreePolicy
from dnnexplain.systems import make_system
from dnnexplain.systems.abr.dash_rule import dash_rule

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
const { TreeRule } = require(process.argv[2]);
const rule = TreeRule().create();
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
    np.testing.assert_allclose([features for features, _ in told], system.features(seen), rtol=1e-12, atol=1e-12)
    assert [moves for _, moves in told] == system.features.actions(seen).tolist()
