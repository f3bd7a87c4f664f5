"""No panel takes a name that ipywidgets uses for itself: it would be called in our place, with other arguments."""

import inspect
from pathlib import Path

import anywidget
import ipywidgets
import pytest

import dnnexplain_widgets

OURS = [
    kind
    for name in dir(dnnexplain_widgets)
    if inspect.isclass(kind := getattr(dnnexplain_widgets, name)) and issubclass(kind, ipywidgets.Widget)
]
THEIRS = {
    name
    for kind in anywidget.AnyWidget.__mro__
    for name, value in vars(kind).items()
    if name.startswith("_") and not name.startswith("__") and callable(value)
}
MEANT = {"_should_send_property": "panels/sparing.py"}
"""Method that is taken on purpose, where it is widened and calls theirs: file. It only ever gets shorter."""


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_no_private_method_of_ipywidgets_is_hidden(kind):
    assert len(OURS) > 15
    own = {name for one in kind.__mro__ if one.__module__.startswith("dnnexplain") for name in vars(one)}
    assert own & THEIRS <= set(MEANT)


@pytest.mark.parametrize("name", MEANT)
def test_what_is_taken_on_purpose_is_theirs_still_and_calls_it(name):
    source = (Path(dnnexplain_widgets.__file__).parent / MEANT[name]).read_text("utf-8")
    assert source.count(f"def {name}(") == 1
    assert f"super().{name}(" in source
    assert f"self.{name}(" in inspect.getsource(ipywidgets.Widget.notify_change)
