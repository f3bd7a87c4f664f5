"""What a network's file leaves open: told by an option, or said in text and in JSON."""

import json
import re

import pytest
import torch
from torch import nn

from dnnexplain.cli import main
from dnnexplain.cli.network_options import printed_json
from dnnexplain.registry import BUILT_IN, make_system, spec_of

SYSTEM = next(iter(BUILT_IN))
COMMANDS = ("explain", "evaluate", "probe", "attack", "distill", "transfer", "worst-case", "app", "export")


@pytest.fixture
def bare(tmp_path):
    """Weights of a tanh network, whose file says nothing of it."""
    made = make_system(SYSTEM)
    inputs = int(torch.tensor(made.observation_shape).prod())
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 4), nn.Tanh(), nn.Linear(4, len(made.output.names)))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_with_a_network_takes_the_options(command, capsys):
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"--{name}" in said for name in ("activation", "architecture", "scale", "key"))


def test_what_is_assumed_is_said_in_text_and_json(bare, capsys):
    given = ["evaluate", SYSTEM, "--policy", str(bare), "--sets", "1"]
    assert main(given) == 0
    assert "Assumed: net.pt: the file names no architecture: dense layers with ReLU" in capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["assumed"]
    assert any("ReLU" in sentence for sentence in said)
    assert any("numbers from 0 to 1 were assumed" in sentence for sentence in said)


def test_options_of_networks_beside_a_rule_are_said_to_be_of_no_use(bare, capsys):
    rule = spec_of(SYSTEM).baselines[0]
    assert (
        main(["evaluate", SYSTEM, "--policy", rule, "--sets", "1", "--key", "actor", "--scale", "unit", "--json"]) == 0
    )
    told = capsys.readouterr()
    assert "assumed" not in json.loads(told.out)
    assert "--key and --scale say how a network is read, and none was read: not used." in told.err
    assert main(["evaluate", SYSTEM, "--policy", rule, "--policy", str(bare), "--sets", "1", "--scale", "unit"]) == 0
    assert "not used" not in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in BUILT_IN if spec_of(name).compared])
def test_help_says_the_defaults_that_the_command_has(name, capsys):
    assert main(["evaluate", name, "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for key, value in spec_of(name).compared.items():
        pattern = rf"--{key} / --no-{key} " if isinstance(value, bool) else rf"--{key} [^-]*\[default: {value}\]"
        assert re.search(pattern, told)


def test_it_is_said_after_a_command_that_printed_json_and_was_stopped(bare, capsys):
    printed_json()  # as a command does that then leaves with a code of its own
    assert main(["evaluate", SYSTEM, "--policy", str(bare), "--sets", "1"]) == 0
    assert "Assumed: net.pt" in capsys.readouterr().out


def test_what_is_told_is_not_assumed(bare, capsys):
    given = ["evaluate", SYSTEM, "--policy", str(bare), "--sets", "1", "--activation", "tanh", "--scale", "unit"]
    assert main(given) == 0
    assert "ssumed" not in capsys.readouterr().out
    assert main([*given, "--json"]) == 0
    assert "assumed" not in json.loads(capsys.readouterr().out)
    assert main([*given[:-3], "tan"]) == 2
    assert "no activation 'tan'" in capsys.readouterr().err
    assert main(["evaluate", SYSTEM, "--policy", "default", "--sets", "1"]) == 0
    assert "ssumed" not in capsys.readouterr().out


@pytest.mark.parametrize(("option", "value"), [("activation", "softmux"), ("scale", "metres")])
def test_a_name_that_there_is_not_is_refused_for_a_shipped_network_too(option, value, capsys):
    assert main(["evaluate", SYSTEM, "--policy", "default", f"--{option}", value]) == 2
    assert f"{value!r}" in capsys.readouterr().err
