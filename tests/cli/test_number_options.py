"""Numbers that mean nothing are refused by the option's name before anything runs."""

import pytest

from dnnexplain.cli import main
from dnnexplain.cli.number_options import LARGEST_SEED
from dnnexplain.contract import DnnExplainError, Parameter
from dnnexplain.registry import spec_of
from dnnexplain.systems import BUILT_IN

SYSTEM = next(iter(BUILT_IN))
SEEDED = ("evaluate", "explain", "probe", "attack", "regions", "guard", "hypotheses", "transfer", "room", "worst-case")


@pytest.mark.parametrize("command", [*SEEDED, "prove", "distill"])
@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1])
def test_no_command_takes_a_seed_that_a_generator_refuses(command, seed, capsys):
    assert main([command, SYSTEM, "--seed", str(seed)]) == 2
    assert (
        f"--seed must be a whole number of at least 0 and at most 4,294,967,295, not {seed}" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("regions --floor nan", "--floor"),
        ("guard --allowed inf", "--allowed must be a finite number, not inf"),
        ("prove --within nan", "--within must be a finite number, not nan"),
        ("explain --seconds nan", "--seconds"),
        ("transfer --rate 0.5 --rate nan", "--rate must be a finite number, not nan"),
        ("regions --sets -3", "--sets"),
        ("regions --states 0", "--states"),
        ("hypotheses --states 0", "--states"),
        ("hypotheses --pairs -1", "--pairs"),
        ("guard --tries -1", "--tries"),
        ("probe --neuron 0 --restarts 0", "--restarts"),
        ("probe --neuron 0 --restarts 999999999999", "--restarts is at most 1,000,000"),
        ("room --futures 999999999999", "--futures is at most 1,000,000"),
        ("train --threads -4 --out net.safetensors", "--threads"),
        ("app --kernel-memory -5", "--kernel-memory"),
        ("stress --jobs -1 --out report", "--jobs"),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_its_name(line, said, capsys):
    command, *rest = line.split()
    assert main([command, SYSTEM, *rest]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("system", BUILT_IN)
@pytest.mark.parametrize("value", [1e-320, -5e-324, 3e-101])
def test_a_number_that_is_zero_for_all_purposes_is_refused_by_every_parameter(system, value):
    """With 1e-320 for a rate, the sums of cellular's days took twice as long, and rules are tuned on them for 5 s."""
    spec = spec_of(system)
    every = [*spec.parameters, *(parameter for family in spec.families for parameter in family.parameters)]
    asked = [parameter for parameter in every if parameter.type is float]
    assert asked
    for parameter in asked:
        with pytest.raises(
            DnnExplainError, match=rf"{parameter.name} is .* nearer to 0 than anything that is measured"
        ):
            parameter.check(value)


def test_the_command_line_says_what_to_write_for_a_number_that_small(capsys):
    assert main(["prove", SYSTEM, "--within", "1e-320"]) == 2
    said = capsys.readouterr().err
    assert "--within is 1e-320, which is nearer to 0 than anything that is measured; write 0 if you mean 0" in said


def test_what_training_writes_could_be_read_again(capsys, tmp_path):
    assert main(["train", SYSTEM, "--out", str(tmp_path / "mine.txt")]) == 2
    assert "must end in .safetensors" in capsys.readouterr().err


def test_a_file_that_is_no_saved_result_is_named(capsys, tmp_path):
    (tmp_path / "before.json").write_text("[1, 2]")
    assert main(["regions", SYSTEM, "--before", str(tmp_path / "before.json")]) == 2
    said = capsys.readouterr().err
    assert "before.json is no saved FailureProfile but other JSON; take a file that --out" in said
    assert "tuple" not in said


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_parameter_without_bounds_is_a_finite_number_all_the_same(number):
    for one in (Parameter("rate", 0.7), Parameter("sets", 3)):
        with pytest.raises(DnnExplainError, match=f"{one.name} must be a .*number, not {number}"):
            one.check(number)
