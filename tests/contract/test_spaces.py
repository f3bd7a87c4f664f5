"""Spaces: decisions, sameness, probabilities, words, and gymnasium's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnnexplain.contract import Box, Discrete, DnnExplainError, MultiBinary, stack_actions

CHOICE = Discrete(("left", "right", "wait"))
RATE = Box(("rate",), low=0.0, high=1.0)
HEADS = MultiBinary(("head 1", "head 2", "head 3"))
SPACES = (CHOICE, Box(("a", "b", "c"), "Gb/s", low=(-1.0, 0.0, 0.0), high=(1.0, 2.0, 4.0), tolerance=0.1), HEADS)

logits = arrays(np.float64, (4, 3), elements=st.floats(-50, 50, allow_subnormal=False))
masks = arrays(np.bool_, (4, 3)).map(lambda mask: mask | np.eye(3, dtype=bool)[[0, 1, 2, 0]])


@given(logits, masks)
def test_choice_is_the_highest_valid_score_and_its_probabilities_are_a_softmax(outputs, valid):
    taken = CHOICE.decide(outputs, valid)
    assert valid[np.arange(4), taken].all()
    likely = CHOICE.probabilities(outputs, valid)
    for row in range(4):
        weights = [np.exp(outputs[row, j] - outputs[row].max()) if valid[row, j] else 0.0 for j in range(3)]
        if sum(weights) > 0:
            assert np.allclose(likely[row], np.array(weights) / sum(weights), atol=1e-12)
    logs = CHOICE.log_probability(outputs, taken, valid)
    assert np.allclose(np.exp(logs), likely[np.arange(4), taken], atol=1e-12)


@given(logits)
def test_log_probability_of_a_set_is_the_sum_over_its_switches(outputs):
    sets = np.array([[False, True, True], [True, True, True], [False, False, False], [True, False, True]])
    each = 1 / (1 + np.exp(np.where(sets, -outputs, outputs)))
    assert np.allclose(HEADS.log_probability(outputs, sets), np.log(each).sum(axis=1), atol=1e-6, rtol=1e-9)


def test_probabilities_of_all_sets_sum_to_one():
    every = np.array([[bool(n >> bit & 1) for bit in range(3)] for n in range(8)])
    outputs = np.tile([[0.3, -1.0, 2.0]], (8, 1))
    assert np.exp(HEADS.log_probability(outputs, every)).sum() == pytest.approx(1.0)


def test_a_switch_that_is_not_valid_stays_off():
    valid = np.array([[True, False, True]])
    assert HEADS.decide(np.ones((1, 3)), valid).tolist() == [[True, False, True]]
    assert HEADS.log_probability(np.ones((1, 3)), [[True, True, True]], valid)[0] == -np.inf


def test_numbers_are_cut_off_at_the_bounds_and_are_another_decision_beyond_the_tolerance():
    assert RATE.decide(np.array([[1.7], [-2.0], [0.4]])).tolist() == [[1.0], [0.0], [0.4]]
    assert RATE.another == 0.05
    assert RATE.same([[0.40], [0.40]], [[0.45], [0.46]]).tolist() == [True, False]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_a_rule_s_outputs_give_its_actions_back(space):
    action = space.decide(np.array([[0.3, -0.2, 0.9]]))[0]
    others = space.alternatives(action)
    assert len(others) >= 2
    for other in (action, *others):
        again = space.decide(space.as_outputs(stack_actions([other])))[0]
        assert space.same(again, other)
    assert not any(space.same(action, other) for other in others)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_drawn_actions_follow_the_probabilities(space):
    outputs = np.tile([[0.5, -0.5, 0.0]], (4000, 1))
    drawn = space.draw(outputs, None, np.random.default_rng(3))
    likely = space.probabilities(outputs)
    if likely is None:
        assert np.array_equal(drawn, space.decide(outputs))
        return
    seen = np.eye(3)[drawn] if space is CHOICE else drawn
    assert np.abs(seen.mean(axis=0) - likely[0]).max() < 4 * np.sqrt(0.25 / 4000)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_what_is_decided_lies_in_gymnasium_s_space(space):
    pytest.importorskip("gymnasium")
    theirs = space.to_gymnasium()
    action = space.decide(np.array([[0.3, -0.2, 0.9]]))[0]
    assert theirs.contains(np.asarray(action, dtype=theirs.dtype))


def test_actions_are_told_and_read_in_words():
    assert CHOICE.tell(CHOICE.parse("right")) == "right" == CHOICE.tell(CHOICE.parse("1"))
    assert HEADS.tell(HEADS.parse("head 1, head 3")) == "head 1 and head 3"
    assert HEADS.tell(HEADS.parse("none")) == "none"
    assert HEADS.tell(HEADS.parse("all")) == "all"
    assert RATE.tell(RATE.parse("0.42")) == "rate 0.42"
    for space, wrong in ((CHOICE, "up"), (HEADS, "head 9"), (RATE, "much")):
        with pytest.raises(DnnExplainError, match=r"there are|numbers separated"):
            space.parse(wrong)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.kind)
def test_outputs_that_do_not_fit_are_refused_in_words(space):
    with pytest.raises(DnnExplainError, match=r"must be \[B, 3\]"):
        space.decide(np.zeros(3))
    with pytest.raises(DnnExplainError, match="not finite"):
        space.decide(np.array([[0.0, np.nan, 0.0]]))


def test_bounds_that_are_no_bounds_are_refused():
    with pytest.raises(DnnExplainError, match="low <= high"):
        Box(("rate",), low=1.0, high=0.0)
    with pytest.raises(DnnExplainError, match="no action at all"):
        CHOICE.decide(np.zeros((1, 3)), np.zeros((1, 3), dtype=bool))
    with pytest.raises(DnnExplainError, match="at least one name"):
        Discrete(())


def test_the_old_name_still_makes_a_space_and_says_what_to_write():
    from dnnexplain.contract import Output, OutputKind

    with pytest.warns(DeprecationWarning, match="write Discrete"):
        assert Output(OutputKind.CHOICE, ("left", "right")) == Discrete(("left", "right"))
    with pytest.warns(DeprecationWarning, match="write Box"):
        assert Output("values", ("steer",), "rad").decide(np.array([[7.0]]))[0] == 7.0


def test_commas_that_separate_thousands_in_a_name_may_be_left_out():
    space = Discrete(("300 kbps", "1,850 kbps"))
    assert [space.index(text) for text in ("300 kbps", "1,850 kbps", "1850 kbps")] == [0, 1, 1]
    assert space.parse("1850 kbps") == 1
    with pytest.raises(DnnExplainError, match="no output is called '850 kbps'"):
        space.index("850 kbps")
