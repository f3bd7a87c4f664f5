"""Properties in a line of Python: they mean what Python would say of the same words, and are parsed, never run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnexplain.contract import Box, DnnExplainError, Knob
from dnnexplain.explain.proofs.expressions import is_expression, property_of
from dnnexplain.systems import SmallSystem


class Two(SmallSystem):
    """Two whole knobs, one that takes any number, two outputs."""

    name = "two"
    knobs = (
        Knob("job 1 length", "steps", 0, 6, 1),
        Knob("job 2 length", "steps", 0, 6, 1),
        Knob("load", "", 0, 1, None),
    )
    actions = Box(("job 1", "job 2"), low=-9.0, high=9.0)


SYSTEM = Two()
ATOMS = (
    "job_1_length < job_2_length",
    "job_1_length <= 3",
    "2 * job_1_length - job_2_length > 1",
    "job_1_length == job_2_length",
    "job_2_length != 4",
    "0 < job_1_length < 5",
    "load > 0.5",
    "out.job_1 > out.job_2",
    "out['job 1'] <= 0.5 * out.job_2 + 1",
    "-out.job_2 >= 2",
)
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(
            lambda three: f"({three[0]}) {three[1]} ({three[2]})"
        ),
    ),
    max_leaves=4,
)


class Out(dict):
    __getattr__ = dict.__getitem__


def python_says(text, values, outputs):
    names = {"job_1_length": values[0], "job_2_length": values[1], "load": values[2]}
    out = Out({"job_1": outputs[0], "job_2": outputs[1], "job 1": outputs[0], "job 2": outputs[1]})
    return eval(text, {"__builtins__": {}}, {**names, "out": out})


@settings(max_examples=120, deadline=None)
@given(EXPRESSIONS, st.integers(0, 2**31))
def test_a_case_is_violated_where_python_says_that_the_words_are_false(text, seed):
    random = np.random.default_rng(seed)
    values = np.column_stack([random.integers(0, 7, 40), random.integers(0, 7, 40), random.uniform(0, 1, 40)]).astype(
        float
    )
    outputs = random.normal(0, 3, (40, 2))
    false = np.array([not python_says(text, *row) for row in zip(values, outputs, strict=True)])
    try:
        cases = property_of(SYSTEM, text).cases
    except DnnExplainError as error:
        refused = str(error)
    else:
        violated = np.zeros(40, dtype=bool)
        for case in cases:
            inside = case.states.holds(SYSTEM, values)
            violated |= inside & (outputs @ case.rows.T + case.offset > 0).all(axis=1)
        np.testing.assert_array_equal(violated, false)
        return
    assert "without a word on the outputs" in refused or ("whatever the network does" in refused and not false.any())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("out.job_1 >", "is not a Python expression"),
        ("out.job_3 > 0", "job_1"),
        ("job_3_length > 0 or out.job_1 > 0", "job_1_length"),
        ("out.job_1 > job_1_length", "across knobs and outputs"),
        ("out.job_1 * out.job_2 > 0", "no sum of knobs"),
        ("__import__('os').system('true') > 0", "no sum of knobs"),
        ("job_1_length > 3", "without a word on the outputs"),
        ("out.job_1 > 0 if load > 0.5 else True", "neither a comparison"),
        ("job_1_length < 9 or out.job_1 > 0", "whatever the network does"),
        ("not (" + " and ".join(f"(out.job_1 > {n} or out.job_2 > {n})" for n in range(7)) + ")", "more than 64"),
        ("out.job_1 in (1, 2) > 0", "compared by In"),
    ],
)  # fmt: skip
def test_what_is_no_property_is_refused_in_words(text, told):
    with pytest.raises(DnnExplainError, match=told):
        property_of(SYSTEM, text)


def test_names_and_files_are_no_expressions():
    assert not is_expression("never-empty-slot")
    assert not is_expression("mine.json")
    assert is_expression("out.a > 0")


def test_a_strict_comparison_off_the_grid_says_what_was_taken():
    assert any("with equality" in one for one in property_of(SYSTEM, "not (load < 0.5 and out.job_1 > 0)").assumed)
    assert not any("equality" in one for one in property_of(SYSTEM, "not (job_1_length < 2 and out.job_1 > 0)").assumed)


def test_what_is_nested_too_deeply_is_refused():
    with pytest.raises(DnnExplainError, match=r"nested|expression"):
        property_of(SYSTEM, "not " * 5000 + "out.job_1 > 0")
