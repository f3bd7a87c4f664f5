"""Modules by their old names: each still imports, says its new name, and is the same module."""

import sys
from importlib import import_module

import numpy as np
import pytest

import dnnexplain.explain
import dnnexplain.systems.deeprm
from dnnexplain.gone import without
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


def test_the_step_limit_of_a_run_changes_no_figure():
    world = make_system("deeprm", slots=5)
    sets, rule = world.workloads("deeprm", 2, 1), world.rules()["tetris"]
    with pytest.warns(DeprecationWarning, match="run_policy: time_limit does nothing: no clock ends an episode"):
        cut = run_policy(world.params, sets, rule, time_limit=3)
    np.testing.assert_array_equal(cut.finish, run_policy(world.params, sets, rule).finish)
