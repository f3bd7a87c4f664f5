"""Periods in which a switch is on, against a walk through each column."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dnnexplain.contract import periods_on


def slowly(on):
    found = []
    for column in range(on.shape[1]):
        begun = None
        for row in range(len(on) + 1):
            now = row < len(on) and on[row, column]
            if now and begun is None:
                begun = row
            elif not now and begun is not None:
                found.append((begun, column, row - 1))
                begun = None
    return [(column, first, last) for first, column, last in sorted(found)]


@settings(max_examples=60)
@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.booleans()))
def test_they_are_those_that_a_walk_finds(on):
    assert list(zip(*(part.tolist() for part in periods_on(on)), strict=True)) == slowly(on)
