"""Spans as they are typed: two numbers, the lower one first."""

import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.explain.decisions.limits import spans_of


def test_spans_are_read_and_what_says_the_opposite_is_refused():
    assert spans_of(["length=1:5", "job 1 cpu=2:2"], "--bound") == {"length": (1.0, 5.0), "job 1 cpu": (2.0, 2.0)}
    with pytest.raises(DnnExplainError, match="length=9:2: the lower bound is above the upper one; write length=2:9"):
        spans_of(["length=9:2"], "--bound")
    for text in ("length=nan:2", "length=1:nan", "length=inf:2", "length=1:1e999"):
        with pytest.raises(DnnExplainError, match=f"{text}: both bounds must be finite numbers"):
            spans_of([text], "--bound")
    for text in ("length", "length=1", "=1:2", "length=a:b"):
        with pytest.raises(DnnExplainError):
            spans_of([text], "--bound")
