"""Specs: parameters are checked, every system has one, and other packages' are found."""

import pytest

from dnnexplain import registry
from dnnexplain.contract import Choice, DnnExplainError, Metric, Parameter, Spec, load_reference
from dnnexplain.contract.specs import Family
from dnnexplain.registry import BUILT_IN, make_system, spec_of, specs

SIZE = Parameter("slots", 5, "Waiting jobs.", low=1, high=40, unit="jobs")


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "at least 1"), (41, "at most 40"), (2.5, "whole number"), (True, "whole number"), ("5", "number")],
)
def test_a_value_outside_is_refused_not_moved(value, words):
    with pytest.raises(DnnExplainError, match=words):
        SIZE.check(value)


def test_values_inside_keep_their_type():
    assert SIZE.check(7) == 7
    assert isinstance(Parameter("rate", 0.7).check(1), float)
    assert Parameter("capacity", None, kind=float).check(None) is None
    with pytest.raises(DnnExplainError, match="yes or no"):
        Parameter("original", default=False).check("maybe")
    with pytest.raises(DnnExplainError, match="Did you mean 'linear'"):
        Parameter("qoe", "linear", choices=("linear", "log", "hd")).check("liner")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_spec_names_what_can_be_imported_and_is_called_as_its_folder(name):
    spec = spec_of(name)
    assert spec.name == name
    assert spec.cost.name == "cost"
    assert spec.cost.better == "lower"
    assert callable(load_reference(spec.make))
    for recipe in spec.recipes:
        assert callable(load_reference(recipe.run))
    for reference in (spec.presets, spec.likelihood, *(example.picture for example in spec.examples)):
        assert not reference or callable(load_reference(reference))
    names = [parameter.name for parameter in spec.parameters]
    assert len(names) == len(set(names))
    assert spec.question.endswith("?")


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_families_of_a_spec_are_those_of_the_system(name):
    system, spec = make_system(name), spec_of(name)
    for family in spec.families:
        defaults = {one.name: one.default for one in family.parameters if one.default is not None}
        assert len(system.workloads(family.name, 2, 0, **defaults)) == 2
    with pytest.raises(DnnExplainError, match="there are"):
        spec.family("no such family")


def test_a_spec_s_own_words_are_found_by_name():
    spec = Spec("x", "X", "X.", "math:pi", Metric("cost", "cost"), parameters=(SIZE,), families=(Family("f", "F."),))
    assert spec.parameter("slots") is SIZE
    assert spec.family().name == "f"
    for ask in (spec.parameter, spec.role, spec.recipe):
        with pytest.raises(DnnExplainError):
            ask("nothing")


def test_a_system_that_is_unknown_or_broken_is_said_in_a_sentence(monkeypatch):
    with pytest.raises(DnnExplainError, match="there is no system 'deepmr'"):
        spec_of("deepmr")
    known = {**registry.known_systems(), "gone": "no_such_package.spec:SPEC", "odd": "math:pi"}
    monkeypatch.setattr(registry, "known_systems", lambda: known)
    with pytest.raises(DnnExplainError, match="cannot be imported"):
        spec_of("gone")
    with pytest.raises(DnnExplainError, match=r"must be a dnnexplain\.contract\.Spec"):
        spec_of("odd")
    assert set(specs()) == set(BUILT_IN)
    registry._spec.cache_clear()


def test_a_choice_error_lists_what_there_is():
    assert "there are: a, b" in str(Choice("thing", "c", ("a", "b")).error())
