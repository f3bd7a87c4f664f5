"""The projection onto rules against its closed form and against what it is said to minimise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnexplain.contract import DnnExplainError
from dnnexplain.policies.training.teacher import Schedule, agreement_truth, never_hold_truth, project, utilisation_truth


def drawn(seed, actions=4):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(actions), 1), [rng.random((1, actions)) for _ in range(2)], list(rng.random(2) * 3)


def test_two_actions_and_one_rule_have_a_closed_form():
    student = np.array([[0.7, 0.3]])
    teacher = project(student, [agreement_truth(np.array([1]), 2)], [2.0], regularisation=1.5)
    odds = 0.3 / 0.7 * np.exp(3.0)
    assert teacher[0, 1] == pytest.approx(odds / (1 + odds))


@given(st.integers(0, 10_000))
def test_teacher_minimises_divergence_plus_penalty(seed):
    student, truths, strengths = drawn(seed)

    def objective(q):
        broken = sum(s * (1 - np.sum(q * t)) for s, t in zip(strengths, truths, strict=True))
        return np.sum(q * np.log(q / student)) + 1.3 * broken

    teacher = project(student, truths, strengths, regularisation=1.3)
    assert teacher.sum() == pytest.approx(1)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        other = 0.9 * teacher + 0.1 * rng.dirichlet(np.ones(4), 1)
        assert objective(teacher) <= objective(other) + 1e-12


@given(st.integers(0, 10_000))
def test_rules_only_get_truer_and_no_strength_changes_nothing(seed):
    student, truths, strengths = drawn(seed)
    np.testing.assert_allclose(project(student, truths, [0.0, 0.0]), student)
    teacher = project(student, truths[:1], strengths[:1])
    assert np.sum(teacher * truths[0]) >= np.sum(student * truths[0]) - 1e-12


def test_strong_rule_decides_and_invalid_actions_get_nothing():
    student = np.array([[0.5, 0.3, 0.2]])
    teacher = project(student, [agreement_truth(np.array([2]), 3)], [1000.0])
    np.testing.assert_allclose(teacher, [[0, 0, 1]], atol=1e-12)
    valid = np.array([[True, True, False]])
    np.testing.assert_allclose(project(student, [], [], valid=valid), [[0.625, 0.375, 0]])


def test_rules_of_schedulers_say_what_their_names_say():
    fits = np.array([[True, False], [False, False]])
    np.testing.assert_array_equal(never_hold_truth(fits, wait=2), [[1, 1, 0], [1, 1, 1]])
    np.testing.assert_allclose(utilisation_truth(np.array([[0.5, 0.8, 0.9, 1.0]])), [[1, 1, 0.5, 0]])


def test_schedule_falls_to_its_least():
    schedule = Schedule(first=0.8, decay=0.5, least=0.1)
    assert [schedule.weight(i) for i in range(5)] == pytest.approx([0.8, 0.4, 0.2, 0.1, 0.1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: project(np.ones((1, 2)) / 2, [np.ones((1, 2))], []), "as many strengths"),
        (lambda: project(np.ones((1, 2)) / 2, [np.ones((1, 2))], [-1.0]), "negative"),
        (lambda: project(np.ones((1, 2)) / 2, [2 * np.ones((1, 2))], [1.0]), "from 0 to 1"),
        (lambda: project(np.array([[1.0, 0.0]]), [], [], valid=np.array([[False, True]])), "no valid action a chance"),
        (lambda: utilisation_truth(np.zeros((1, 1)), 1.0), "threshold"),
        (lambda: Schedule(first=2.0), "schedule needs"),
    ],
)
def test_mistakes_are_said_in_words(call, message):
    with pytest.raises(DnnExplainError, match=message):
        call()
