"""Which system a command line is about, wherever its name stands."""

import json

import pytest

from dnnexplain.cli import main
from dnnexplain.cli.system_options import named_system


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
