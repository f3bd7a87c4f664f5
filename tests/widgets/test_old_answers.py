"""One rule for all panels: an answer about another network, state or settings than the present ones says so."""

import threading
from importlib import import_module

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, State
from dnnexplain.explain.networks.hooks import shuffled
from dnnexplain.policies import TorchPolicy, load_shipped, shipped
from dnnexplain.systems import BUILT_IN, make_system
from dnnexplain_widgets import Dashboard, Session
from dnnexplain_widgets.panels.answering import SO_FAR, STOPPED_BEFORE, STOPPED_EMPTY
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.subject import Subject
from dnnexplain_widgets.sections import SECTIONS

VIEWS = {
    "layer", "unit", "chosen", "decision", "follow", "view", "which", "format", "network", "workload", "point", "label",
    "cell", "second", "why", "on", "episode", "as", "kind", "others", "held", "size", "threshold", "action", "leaf",
    "rule", "seconds", "budget", "sets", "seed", "pro", "contra", "part", "curve", "figure",
}  # fmt: skip
"""Controls of what is looked at, of budgets, and of panels that answer them at once or clear what no longer applies."""


class Nothing:
    """A result."""


def every_kind():
    for section in SECTIONS:
        for entry in section.entries:
            module, _, name = entry.panel.rpartition(".")
            yield pytest.param(entry, getattr(import_module(f"dnnexplain_widgets.panels.{module}"), name), id=name)


KINDS = list(every_kind())


@pytest.fixture(scope="module")
def world():
    """Every system that has networks: itself, one of them, and another of the same form."""
    found = []
    for name in BUILT_IN:
        system = make_system(name)
        fitting = list(shipped(system))
        if not fitting:
            continue
        mine = load_shipped(system, fitting[0])
        mine.name = "mine"
        theirs = TorchPolicy(shuffled(mine.module, 5), system, masked=mine.masked, name="theirs")
        found.append((system, mine, theirs))
    return found


def made(world, entry, kind):
    """A panel that has a result, on the first system that it fits; ``None`` if it fits none."""
    for system, mine, theirs in world:
        if entry.fits(system) and not entry.given:
            answered = type(kind.__name__, (kind,), {"result": property(lambda _self: Nothing())})
            return answered(session=Session(system, mine)), theirs
    return None, None


def answered(panel):
    panel.start(lambda _task: None, lambda _nothing: None, "Asking")
    assert panel.jobs.wait(20)
    panel.figure = {**panel.figure, "x": 1}
    return panel


def asks(panel):
    return any(control.get("strong") for control in panel.controls)


def elsewhere(state):
    values = np.array(state.values)
    values[0] += 1
    return State(values, state.background)


@pytest.mark.parametrize(("entry", "kind"), KINDS)
def test_every_panel_says_when_its_answer_is_about_another_network_state_or_settings(world, entry, kind):
    panel, theirs = made(world, entry, kind)
    if panel is None or not asks(panel):
        return  # it follows each step by itself, or needs more than a session
    session = answered(panel).session
    panel.on_page = False  # what follows a step by itself does so on the page alone
    assert panel.outdated == {}
    mine, state = session.policy, session.state
    session.policy = theirs
    cleared = not (panel.figure or panel.sentence or panel.badge)
    assert cleared or panel.outdated["text"] == "An earlier answer, about the network mine."
    assert cleared or panel.outdated["again"] in {
        control["name"] for control in panel.controls if control.get("strong")
    }
    session.policy = mine
    assert panel.outdated == {}
    answered(panel)
    panel.jobs.start = lambda *_: None  # and no answer to what is asked from now on comes in time
    session.state = elsewhere(state)
    assert bool(panel.outdated) == ("state" in panel.about)
    session.state = state
    assert panel.outdated == {}
    settings = [name for name in panel.answers if panel._sets(name)]
    assert settings or not panel.SETTINGS
    for name in settings:
        before = panel.answers[name]
        panel.answers = {**panel.answers, name: (not before) if isinstance(before, bool) else f"{before}?"}
        refused = panel.answers[name] == before  # a fifth method
        assert refused or "other settings" in panel.outdated.get("text", ""), name
        panel.answers = {**panel.answers, name: before}
        assert panel.outdated == {}


@pytest.mark.parametrize(("entry", "kind"), KINDS)
def test_every_control_is_either_part_of_the_question_or_of_the_view(world, entry, kind):
    panel, _ = made(world, entry, kind)
    for name in () if panel is None else panel.answers:
        assert panel._sets(name) or name in VIEWS, f"{kind.__name__}: say whether an answer depends on {name!r}"


@pytest.mark.parametrize(("entry", "kind"), KINDS)
def test_work_that_began_for_another_network_says_for_which_or_is_dropped(world, entry, kind):
    panel, theirs = made(world, entry, kind)
    if panel is None or not asks(panel):
        return
    go = threading.Event()
    panel.start(lambda _task: go.wait(20), lambda _nothing: None, "Asking")
    assert panel.busy["text"] == "Asking"
    panel.session.policy = theirs
    assert panel.busy == {} or panel.busy["text"] == "Asking (for the network mine)"
    go.set()
    panel.jobs.wait(20)
    panel.figure = {**panel.figure, "x": 1}
    if panel._answer_for is not None:  # it was not dropped
        assert panel.outdated["text"] == "An earlier answer, about the network mine."


def test_a_first_cancel_keeps_what_there_is_and_a_second_one_does_not(world):
    entry, kind = next(one.values for one in KINDS if one.id == "AdversarialPanel")
    panel, _ = made(world, entry, kind)
    go, shown = threading.Event(), []

    def work(task):
        task.enough.wait(20)
        go.wait(20)
        return "what there is"

    panel.start(work, shown.append, "Searching", keeps=True)
    panel.cancel()
    assert panel.busy["text"].startswith("Stopping")
    go.set()
    assert panel.jobs.wait(20)
    assert shown == ["what there is"]
    assert panel.stopped == SO_FAR
    go.clear()
    task = panel.start(work, shown.append, "Searching", keeps=True)
    panel.cancel()
    panel.cancel()
    go.set()
    assert task.ended.wait(20)
    assert (shown, panel.busy) == (["what there is"], {})
    task = panel.start(work, shown.append, "Searching")
    panel.cancel()
    go.set()
    assert task.ended.wait(20)
    assert (len(shown), panel.busy) == (1, {})


@pytest.mark.parametrize(("entry", "kind"), KINDS)
@pytest.mark.parametrize("before", [False, True])
def test_after_a_cancel_every_panel_says_that_it_was_stopped_and_what_it_keeps(world, entry, kind, before):
    panel, _ = made(world, entry, kind)
    if panel is None or not asks(panel):
        return
    if before:
        answered(panel)
    else:
        assert panel.jobs.wait(20)  # what a panel begins by itself would answer in between
        panel.sentence, panel.figure, panel.badge = "", {}, {}
    assert panel.stopped == ""
    task = panel.start(lambda task: task.stop.wait(20), pytest.fail, "Asking")
    panel.cancel()
    assert panel.busy == {}
    assert panel.stopped == (STOPPED_BEFORE if before else STOPPED_EMPTY)
    assert task.ended.wait(20)

    def nothing(task):
        task.enough.wait(20)

    def refused(task):
        task.enough.wait(20)
        msg = "it was ended before anything was found"
        raise DnnExplainError(msg)

    answered_for = panel._answer_for
    for work in (nothing, refused):
        panel.start(work, pytest.fail, "Asking", keeps=True)
        assert panel.stopped == ""
        panel.cancel()
        assert panel.jobs.wait(20)
        assert panel.stopped == (STOPPED_BEFORE if before else STOPPED_EMPTY)
        assert (panel.error, panel.busy, panel._answer_for) == ("", {}, answered_for)


def test_what_the_optimum_says_of_the_choice_is_said_of_the_present_networks_choice(world):
    system, mine, theirs = world[0]
    panel = DecisionPanel(session=Session(system, mine))
    panel.set_state({"presses": {"judge": 1}})
    assert panel.jobs.wait(60)
    session = panel.session
    for policy in (theirs, mine):
        session.policy = policy
        chosen = session.live.decision.action
        assert ("optimal here" in panel.badge["text"]) == (chosen in panel.judgement.best)
    session.state = elsewhere(session.state)
    assert panel.badge == {}


def test_a_subject_tells_what_is_not_as_it_was():
    one, other = State(np.zeros(2)), State(np.ones(2))
    then = Subject("mine", "abc", one, {"depth": 3})
    assert then.differences(Subject("mine", "abc", one, {"depth": 3}), same_state=True) == ""
    now = Subject("theirs", "xyz", other, {"depth": 4})
    assert then.differences(now, same_state=False) == "about the network mine, another state and other settings"
    assert Subject("mine", None).differences(now, same_state=True) == ""
    rule = object()
    assert Subject("fifo", rule).differences(Subject("fifo", rule), same_state=True) == ""
    assert Subject("fifo", rule).differences(Subject("fifo", object()), same_state=True) == "about the network fifo"


def test_results_have_the_menus_name_of_a_network(world):
    system, mine, theirs = world[0]
    board = Dashboard(system, mine, policies={"The one we run": mine, "The next one": lambda: theirs})
    assert board.session.policy.name == "The one we run"
    assert mine.name == "mine"  # the caller's own object keeps its name
    board.masthead.use("The next one")
    assert board.session.policy.name == "The next one"
    assert board.session.policy.checkpoint == theirs.checkpoint
    unlisted = Dashboard(system, mine, policies={"The next one": lambda: theirs})
    assert unlisted.masthead.answers["policy"] == "mine"
    assert list(unlisted.masthead.policies) == ["mine", "The next one"]


def test_close_frees_everything_that_the_page_has_of_a_dashboard(world):
    from ipywidgets.widgets.widget import _instances

    system, mine, _ = world[0]
    before = set(_instances)
    board = Dashboard(system, mine)
    for key in board.fitting:
        board.show(key)
    made_now = set(_instances) - before
    assert len(made_now) > 30
    board.close()
    assert not made_now & set(_instances)
