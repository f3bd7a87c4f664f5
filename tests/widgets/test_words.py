"""Numbers and names for people."""

import pytest

from dnnexplain.contract import Discrete, DnnExplainError
from dnnexplain_widgets.words import error_sentence, joined, label, number, probability, share_of_rules, with_unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.0, "3"),
        (0.38249, "0.382"),
        (12.649, "12.6"),
        (-0.5, "−0.5"),
        (1234.5, "1,230"),
        (2e-5, "2e−05"),
        (float("nan"), "none"),
    ],
)
def test_three_significant_digits(value, text):
    assert number(value) == text


def test_units_follow_the_number():
    assert with_unit(3, "steps") == "3 steps"
    assert with_unit(0.25, "") == "0.25"


def test_a_probability_never_claims_to_be_zero_or_one():
    assert [probability(p) for p in (0.0, 0.0001, 0.5, 0.99999, 1.0)] == [
        "0.000",
        "under 0.001",
        "0.500",
        "over 0.999",
        "1.000",
    ]


def test_rules_have_names_for_people():
    assert [label(name) for name in ("sjf", "packer", "SJF", "easy", "mlp-5", "robust-mpc-reset", "all-on")] == [
        "SJF",
        "Packer",
        "SJF",
        "EASY",
        "mlp-5",
        "Robust MPC reset",
        "All on",
    ]


def test_lists_are_read_aloud():
    assert [joined(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_rules_are_told_apart_by_what_they_would_do():
    names = Discrete(("job 1", "job 2", "wait"), verbs={"wait": "wait"})
    assert (
        share_of_rules({"sjf": 0, "packer": 1, "tetris": 0}, names, 0)
        == "SJF and Tetris agree; Packer would pick job 2."
    )
    assert share_of_rules({"sjf": 0, "hold": 2}, names, 0) == "SJF agrees; Hold would wait."
    assert names.acts(2) == "waits"
    assert names.acts(0) == "picks job 1"
    assert share_of_rules({"sjf": 0}, names, 0) == "SJF agrees."
    assert share_of_rules({}, names, 0) == ""


def test_failures_are_one_sentence():
    assert error_sentence(DnnExplainError("no such\n  rule")) == "No such rule."
    assert error_sentence(KeyError()) == "Something went wrong inside (KeyError): no message."
