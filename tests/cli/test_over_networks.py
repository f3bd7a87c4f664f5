"""``probe --census`` and ``explain --survey``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from dnnexplain.cli import main
from dnnexplain.explain import survey, visited
from dnnexplain.explain.probing.threshold_maps import census
from dnnexplain.policies import TorchPolicy, load, mlp, save
from dnnexplain.systems import make_system


@pytest.fixture(scope="module")
def system():
    return make_system("deeprm", slots=2)


@pytest.fixture(scope="module")
def weights(system, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save(path, TorchPolicy(mlp(system), system))
    return str(path)


def printed(capsys, *arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_census_is_the_explainers(capsys, system, weights):
    found = printed(capsys, "probe", "deeprm", "--slots", "2", "--policy", weights, "--census", "--by", "cpu")
    exact = census(system, [load(weights, system)], "cpu", reference=system.reachable)
    (row,) = found["networks"]
    assert row["neurons"] == 20
    for name in ("threshold", "off_below", "settles_above", "both", "dead", "flat"):
        assert row[name] == getattr(exact.networks[0], name)
    assert (found["kind"], found["others"]) == ("cpu", "empty")
    assert found["sentence"] == exact.sentence()


def test_longer_jobs_than_in_training_can_be_swept(capsys, weights):
    arguments = ("probe", "deeprm", "--slots", "2", "--policy", weights, "--neuron", "3")
    assert printed(capsys, *arguments)["slots"][0]["curve"]["values"][-1] == 15
    assert printed(capsys, *arguments, "--longest", "19")["slots"][0]["curve"]["values"][-1] == 19


def test_the_survey_is_the_explainers(capsys, system, weights):
    arguments = ("explain", "deeprm", "--slots", "2", "--policy", weights, "--survey", "60", "--seed", "3")
    (found,) = printed(capsys, *arguments)["networks"]
    policy = load(weights, system)
    exact = survey(system, policy, visited(system, policy, 60, seed=3).observations, seed=3)
    assert found["states"] == exact.states == 60
    assert [row["group"] for row in found["groups"]] == list(system.groups)
    np.testing.assert_allclose([row["positive"] for row in found["groups"]], exact.positive)
    np.testing.assert_allclose([row["net"] for row in found["groups"]], exact.net)
    assert sum(found["actions"]) == 60
    assert found["checkpoint"] == policy.checkpoint
    assert printed(capsys, *arguments)["networks"] == [found]  # the same seed, the same answer


def test_a_census_is_over_all_networks_that_ship(capsys):
    found = printed(capsys, "probe", "deeprm", "--slots", "5", "--census")
    assert {row["policy"] for row in found["networks"]} >= {"deeprm-mlp-5", "deeprm-as-published-5", "deeprm-conv-5"}


def test_people_read_tables(capsys, weights):
    assert main(["explain", "deeprm", "--slots", "2", "--policy", weights, "--survey", "20"]) == 0
    text = capsys.readouterr().out
    assert "running cpu" in text
    assert "leads most often" in text
    assert main(["probe", "deeprm", "--slots", "2", "--policy", weights, "--census"]) == 0
    assert "below length 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "deeprm", "--survey", "-4"], "at least 1 state, not -4"),
        (["explain", "deeprm", "--survey", "5", "--state", "x.json"], "--state is of use with the map of one state"),
        (["explain", "deeprm", "--survey", "5", "--policy", "sjf"], "rule without a network"),
        (["explain", "deeprm", "--survey", "5", "--workload", "calm"], "no workload 'calm'"),
        (["explain", "deeprm", "--slots", "3", "--survey", "5", "--policy", "all"], "no network ships"),
        (["probe", "deeprm", "--longest", "20"], "must be below the horizon 20"),
        (["probe", "routing", "--longest", "3"], "--longest belongs to deeprm"),
        (["probe", "deeprm", "--census", "--neuron", "3"], "leave --neuron out"),
        (["probe", "deeprm", "--census", "--by", "lenght"], "Did you mean 'length'"),
        (["probe", "deeprm", "--census", "--others", "gone"], "setting of others 'gone'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, arguments, message):
    assert main(arguments) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert message in out.err
    assert out.err.count("\n") == 1
