"""The table of a property's cases: the telling ones first, and no longer than one reads."""

from dnnexplain.cli import main
from dnnexplain.cli.prove import _show_cases


def test_a_property_of_many_cases_shows_the_refuted_and_counts_the_rest(capsys):
    """880 rows took half a second to print."""
    cases = [
        {"verdict": "holds" if place % 2 else "open", "how": "", "bound": -1.0, "case": f"case {place}"}
        for place in range(60)
    ]
    cases[41] = {"verdict": "fails", "how": "found", "bound": 2.5, "case": "the refuted one"}
    _show_cases(cases)
    lines = capsys.readouterr().out.splitlines()
    assert "the refuted one" in lines[1]
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "... and 40 more cases (11 open, 29 proved); --json lists all."


def test_a_property_of_few_cases_shows_them_all(capsys):
    _show_cases([{"verdict": "holds", "how": "", "bound": -1.0, "case": "the only one"}])
    assert "more case" not in capsys.readouterr().out


def test_a_list_of_properties_refuses_a_file_that_a_proof_would_refuse(capsys, tmp_path):
    (tmp_path / "video.json").write_text("[[]]")
    assert main(["prove", "abr", "--video", str(tmp_path / "video.json")]) == 2
    assert "video.json" in capsys.readouterr().err
