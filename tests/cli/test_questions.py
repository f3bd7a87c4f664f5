"""An option of another question than the one that is asked is refused before anything runs: it would not be used."""

import pytest

from dnnexplain.cli import main


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("explain abr --layer x", "--layer is of layer and neuron methods"),
        ("explain abr --neuron 3", "--neuron is of neuron methods"),
        ("explain abr --survey 0", "--survey needs at least 1 state, not 0"),
        ("explain abr --sufficient --consequences", "--sufficient and --consequences are two questions"),
        ("explain abr --consequences --badge full", "--badge is of use with the map of one state"),
        ("explain abr --survey 3 --out=map.json", "--out is of use with the map of one state, not with --survey"),
        ("explain abr --seconds 3", "--seconds is of use with --sufficient"),
        ("prove abr --within 2", "--within is of use with --property, not with a list of the properties"),
        ("prove abr --nodes -1", "--nodes is of use with --property"),
        ("attack deeprm --pairs --rule sjf", "--rule is of use with --workload, not with --pairs"),
        ("attack deeprm --state x.json --rate 0.5", "--rate is of use with --workload, not with --state"),
        ("attack deeprm --workload deeprm --knob length", "--knob is of use with --state or --compare"),
        ("attack deeprm --workload deeprm --compare", "--compare runs all methods on one state"),
        ("attack deeprm --state x.json --compare --resume y", "--resume is of use with --state or --workload"),
        ("attack deeprm --state x.json --workload deeprm", "--state and --workload are two questions"),
        ("attack deeprm --target wait", "say what to attack: --state FILE"),
        ("attack deeprm --workload=", "say what to attack: --state FILE"),
    ],
)
def test_an_option_of_another_question_is_refused(line, said, capsys):
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
