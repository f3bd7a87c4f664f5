"""Options whose value may be left out."""

import pytest

from dnnexplain.cli import main
from dnnexplain.cli.optional_values import SURVEYED, with_values


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("explain abr --survey --json", f"explain abr --survey {SURVEYED} --json"),
        ("explain abr --json --survey", f"explain abr --json --survey {SURVEYED}"),
        ("explain --survey abr", f"explain --survey {SURVEYED} abr"),
        ("explain abr --survey 20", "explain abr --survey 20"),
        ("explain abr --survey=20", "explain abr --survey=20"),
        ("explain abr --survey -4", "explain abr --survey -4"),
        ("probe abr --survey", "probe abr --survey"),
        ("", ""),
    ],
)
def test_a_survey_that_names_no_number_has_the_default_one(given, meant):
    assert with_values(given.split()) == meant.split()


def test_the_command_takes_it_so(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "dnnexplain.cli.explain.show_survey", lambda *_world, **options: asked.append(options["states"])
    )
    assert main(["explain", "deeprm", "--slots", "2", "--policy", "untrained", "--survey", "--json"]) == 0
    assert asked == [SURVEYED]
