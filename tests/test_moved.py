"""Modules by their old names: each still imports, says its new name, and is the same module."""

import sys
from importlib import import_module

import numpy as np
import pytest

import dnnexplain.explain
import dnnexplain.systems.deeprm
from dnnexplain.gone import without
from dnnexplain.intervals import compared_interval, mean_interval, ratio_interval
from dnnexplain.moved import MOVED
from dnnexplain.systems import make_system
from dnnexplain.systems.deeprm.simulator.runner import run_policy


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_is_the_new_module(old):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=MOVED[old].replace(".", r"\.")):
        module = import_module(old)
    assert module is import_module(MOVED[old])
    assert module.__spec__.name == MOVED[old]


def test_an_old_module_does_not_hide_the_function_of_its_name():
    sys.modules.pop("dnnexplain.explain.reliance", None)
    with pytest.warns(DeprecationWarning, match="attribution"):
        import_module("dnnexplain.explain.reliance")
    assert callable(dnnexplain.explain.reliance)
    assert not hasattr(dnnexplain.explain.reliance, "__path__")


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("dnnexplain.explain.attribution", ["attribute", "attribute_units"]),
        ("dnnexplain.explain.transfer", ["transfer"]),
        ("dnnexplain.systems.deeprm.simulator", ["Simulator"]),
        ("dnnexplain.systems.deeprm.oracle", ["optimum"]),
        ("dnnexplain.systems.deeprm.workloads", ["job_sets"]),
        ("dnnexplain_widgets.panels.rules", ["RulesPanel"]),
    ],
)
def test_a_package_offers_what_the_module_of_its_name_did(package, names):
    offered = import_module(package)
    for name in names:
        assert callable(getattr(offered, name))


def test_an_argument_that_is_no_more_is_taken_and_told():
    @without(clock="nothing is cut")
    def twice(value, *, plus=0):
        """Twice a value."""
        return 2 * value + plus

    with pytest.warns(
        DeprecationWarning, match=r"twice: clock does nothing: nothing is cut; it goes in the next release"
    ):
        assert twice(2, clock=7, plus=1) == 5
    assert twice.__doc__ == "Twice a value."
    with pytest.raises(TypeError, match="other"):
        twice(2, other=1)


OLD = {
    "dnnexplain.explain.distillation.figures": {"mean_interval": ([1.0, 2, 3, 4, 5, 7],), "ratio_interval": ([1.0, 2, 4], [1, 1, 2])},
    "dnnexplain.explain.transfer.paired": {"paired_interval": ([1.0, 2, 3, 4, 5, 7],)},
    "dnnexplain.systems.deeprm.intervals": {
        "interval": ([1.0, 2, 3, 4, 5, 7], 3),
        "paired_interval": ([1.0, 2, 3, 4, 5, 7], [2.0, 2, 2, 3, 4, 6], 3),
    },
}  # fmt: skip
"""Functions of intervals by old names, with arguments."""

NEW = {
    "figures.mean_interval": lambda values: mean_interval(values).three,
    "figures.ratio_interval": lambda top, bottom: ratio_interval(top, bottom).three,
    "paired.paired_interval": lambda values: mean_interval(values).three[1:],
    "intervals.interval": lambda values, _seed: mean_interval(values),
    "intervals.paired_interval": lambda a, b, _seed: compared_interval(a, b, ratio=True),
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in OLD.items() for name in names])
@pytest.mark.filterwarnings("ignore:dnnexplain.*is now")
def test_intervals_by_their_old_names_are_todays(module, name):
    function, given = getattr(import_module(module), name), OLD[module][name]
    with pytest.warns(DeprecationWarning, match="goes in the next release; write dnnexplain.intervals"):
        found = function(*given)
    assert found == NEW[f"{module.rpartition('.')[2]}.{name}"](*given)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("dnnexplain.explain.generate", "Found", "TriedWorkloads"),
        ("dnnexplain.explain.generate.adversary", "Found", "TriedWorkloads"),
        ("dnnexplain.explain.distillation.text", "told", "tree_text"),
        ("dnnexplain.explain.distillation.export", "told", "tree_text"),
        ("dnnexplain_widgets.words", "told", "error_sentence"),
    ],
)
def test_a_name_that_was_a_riddle_is_the_new_one(module, old, new):
    place = import_module(module)
    with pytest.warns(DeprecationWarning, match=rf"{old} is now .*\.{new}; the old name goes in the next release"):
        assert getattr(place, old) is getattr(place, new)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        place.nonsense  # noqa: B018 - asked for


def test_the_step_limit_of_a_run_changes_no_figure():
    world = make_system("deeprm", slots=5)
    sets, rule = world.workloads("deeprm", 2, 1), world.rules()["tetris"]
    with pytest.warns(DeprecationWarning, match="run_policy: time_limit does nothing: no clock ends an episode"):
        cut = run_policy(world.params, sets, rule, time_limit=3)
    np.testing.assert_array_equal(cut.finish, run_policy(world.params, sets, rule).finish)
