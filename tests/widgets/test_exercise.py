"""Exercises of lessons: right, wrong, hinted, and whatever a class types."""

import numpy as np
import pytest

from dnnexplain_widgets import Exercise


def near_five(answer):
    if float(answer) > 100:
        return "That is far too much."
    return np.abs(np.float64(answer) - 5) < 0.5  # numpy's own kind of truth


@pytest.mark.parametrize(
    ("given", "right", "said"),
    [
        (" 5.2 ", True, "Right."),
        ("7", False, "Count again."),
        ("1e9", False, "far too much"),
        ("<b>", False, "“&lt;b&gt;” is no number; write one"),
        ("", False, "first"),
    ],
)
def test_an_answer_gets_its_verdict(given, right, said):
    exercise = Exercise("What is <5>?", near_five, hint="Count again.")
    assert "&lt;5&gt;" in exercise.children[0].value
    exercise.text.value = given
    exercise.button.click()
    assert exercise.right is right
    assert exercise.before.answer == (given.strip() if right else "")  # what the browser remembers
    assert said in exercise.verdict.value
    assert "<b>" not in exercise.verdict.value


def test_what_there_is_not_is_no_fault_of_the_program():
    exercise = Exercise("Which leaf?", lambda answer: {"2": True}[answer])
    assert not exercise.answer("8")
    assert "no “8”" in exercise.verdict.value


def test_the_return_key_checks_too():
    exercise = Exercise("What is 5?", near_five)
    exercise.text.value = "5"
    exercise.text._handle_custom_msg({"event": "submit"}, [])
    assert exercise.right


def test_the_return_key_counts_what_was_typed_also_where_the_key_arrives_first():
    exercise = Exercise("What is 5?", near_five)
    exercise.text._handle_custom_msg({"event": "submit"}, [])
    exercise.text.value = "5"
    assert exercise.right
    assert "Right." in exercise.verdict.value


def test_while_a_long_check_runs_the_page_says_so():
    said = []
    exercise = Exercise("What is 5?", lambda answer: said.append(exercise.verdict.value) or int(answer) == 5)
    assert exercise.answer("5")
    assert not exercise.answer("five")
    assert all("Checking" in text for text in said)
    assert len(said) >= 2
    assert "no whole number" in exercise.verdict.value
