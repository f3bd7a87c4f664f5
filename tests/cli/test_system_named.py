"""Which system a command line is about, wherever its name stands."""

import json

import pytest

from dnnexplain.cli import main
from dnnexplain.cli.system_options import named_system
from dnnexplain.systems import GymSystem


@pytest.mark.parametrize(
    ("line", "system"),
    [
        ("routing --json", "routing"),
        ("--json routing", "routing"),
        ("--json --each cran --sets 2", "cran"),
        ("--policy routing", "deeprm"),  # a file of this name
        ("--policy=routing cran", "cran"),
        ("--sets 2 abr", "abr"),
        ("--sets 2", "deeprm"),
        ("my.module:World --json", "my.module:World"),
        ("CartPole-v1 --json", "CartPole-v1"),
        ("--json ALE/Pong-v5", "ALE/Pong-v5"),
        ("--json farm.envs:Farm-v0", "farm.envs:Farm-v0"),
        ("--policy mine-v2", "deeprm"),  # a file
        ("--policy mine-v2 cran", "cran"),
        ("--policy mine-v2 Farm-v0", "Farm-v0"),
    ],
)
def test_a_word_after_an_option_without_a_value_is_the_system(line, system):
    assert named_system(line.split(), {"--json", "--each"}) == system


def test_flags_may_stand_before_the_system(capsys):
    assert main(["evaluate", "--json", "cellular", "--policy", "never", "--sets", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["system"] == "cellular"


def test_a_system_that_may_be_a_value_is_not_taken_for_another(capsys):
    assert main(["evaluate", "--no-such", "routing"]) == 2
    told = capsys.readouterr().err
    assert "--no-such" in told or "write the system first" in told


@pytest.mark.parametrize("name", ["CartPole-v1", "gymnasium:Blackjack-v1", "Pendulum-v1"])
def test_an_environment_that_gymnasium_knows_is_a_system_by_its_id(name, capsys):
    assert main(["explain", name, "--policy", "untrained", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["system"] == name.partition(":")[2] or name
    assert main(["systems", name, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["systems"][0]
    knobs = {knob["name"] for knob in listed["knobs"]}
    assert knobs == {part.name for part in GymSystem(name).knobs}


def test_what_an_environment_s_system_is_made_with_are_options(capsys):
    assert main(["systems", "CartPole-v1", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["systems"]
    assert main(["explain", "CartPole-v1", "--policy", "untrained", "--frames", "3", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["groups"]) == 3 * len(listed["knobs"])


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("CartPole", "The environment of gymnasium is called CartPole-v1."),
        ("nothing-like-it", "your own is given as module:Class, an environment of gymnasium by its id"),
        ("CartPol-v1", "Did you mean: `CartPole`?"),
        ("CartPole-v9", "It provides versioned environments"),
        ("no_such_package:Farm-v0", "No module named 'no_such_package'"),
    ],
)
def test_what_is_no_system_says_what_to_write(word, sentence, capsys):
    assert main(["explain", word, "--policy", "untrained"]) == 2
    assert sentence.lower() in capsys.readouterr().err.lower()
