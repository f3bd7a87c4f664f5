"""Modules by their old names: each still imports, says its new name, and is the same module."""

import sys
from importlib import import_module

import pytest

import dnnexplain.explain
import dnnexplain.systems.deeprm
from dnnexplain.moved import MOVED


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
