"""Tables of a system's knobs: right, made once, and never those of another system."""

import gc

import numpy as np
import pytest

from dnnexplain.contract import Knob
from dnnexplain.explain.decisions import knob_tables
from dnnexplain.explain.decisions.knob_tables import kept, knob_groups, knob_places, knob_spans


def knobs(count):
    return tuple(Knob(f"queue {i}", "jobs", 0, i + 1, group=f"side {i % 2}" if i else "") for i in range(count))


def test_they_say_what_the_knobs_say():
    four = knobs(4)
    assert dict(knob_places(four)) == {"queue 0": 0, "queue 1": 1, "queue 2": 2, "queue 3": 3}
    assert dict(knob_groups(four)) == {"side 1": [1, 3], "side 0": [2]}
    np.testing.assert_array_equal(knob_spans(four), [1, 2, 3, 4])
    with pytest.raises(ValueError, match="read-only"):
        knob_spans(four)[0] = 9


def test_a_tuple_is_looked_through_once_and_a_list_each_time():
    made = []
    table = kept(lambda given: made.append(len(given)) or len(given))
    three = knobs(3)
    assert [table(three), table(three), made] == [3, 3, [3]]
    assert [table(list(three)), table(list(three)), made] == [3, 3, [3, 3, 3]]


def test_only_the_newest_are_kept_and_none_is_taken_for_another():
    made = []
    table = kept(lambda given: made.append(len(given)) or len(given))
    first = knobs(1)
    table(first)
    for count in range(2, 2 + knob_tables.KEPT):
        assert table(knobs(count)) == count
        gc.collect()  # another tuple may now lie where this one lay
    assert table(first) == 1
    assert made.count(1) == 2
