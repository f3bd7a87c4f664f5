"""Panels alone and together, without a browser."""

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError, Judgement, State
from dnnexplain_widgets import Dashboard, DecisionPanel, EpisodePanel, NeuronsPanel, SaliencyPanel, StateEditor
from dnnexplain_widgets.panels import Panel


def press(panel, name):
    panel.set_state({"presses": {**panel.presses, name: panel.presses.get(name, 0) + 1}})


def answer(panel, **answers):
    panel.set_state({"answers": {**panel.answers, **answers}})


@pytest.mark.parametrize("kind", [StateEditor, DecisionPanel, SaliencyPanel, NeuronsPanel])
def test_every_panel_works_alone_in_one_line(kind, gate, network):
    panel = kind(gate, network)
    assert panel.question.endswith("?")
    assert panel.error == ""
    assert panel.result is not None


def test_panels_of_one_session_share_its_state(session):
    one, two = DecisionPanel(session=session), StateEditor(session=session)
    two.session.move(np.array([0.0, 3.0]))
    assert one.result.state == two.result


def test_what_is_missing_or_unknown_is_said(gate, network, session):
    with pytest.raises(DnnExplainError, match=r"no option of SaliencyPanel 'metods'.*methods"):
        SaliencyPanel(gate, network, metods=["saliency"])
    with pytest.raises(DnnExplainError, match="needs what to explain"):
        DecisionPanel(gate)
    with pytest.raises(DnnExplainError, match="either system and policy, or session="):
        DecisionPanel(gate, network, session=session)
    with pytest.raises(DnnExplainError, match="cannot replay"):
        EpisodePanel(session=session)


def test_a_button_that_fails_says_so_in_the_error_area(session):
    class Broken(Panel):
        def on_press(self, name):
            msg = f"there is no {name}; try another"
            raise DnnExplainError(msg)

    panel = Broken(session=session)
    press(panel, "lever")
    assert panel.error == "There is no lever; try another."
    press(panel, "copy")
    assert panel.error == ""


def test_an_unexpected_failure_is_shown_too(session):
    class Broken(Panel):
        def on_answer(self, name, value):
            return 1 / 0

    panel = Broken(session=session)
    answer(panel, depth=3)
    assert panel.error == "Something went wrong inside (ZeroDivisionError): division by zero."


def test_editor_undo_redo_and_presets(gate, network):
    far = State(np.array([5.0, 3.0]))
    editor = StateEditor(gate, network, presets={"far": far, "drawn": lambda: State(np.array([0.0, 3.0]))})
    start = editor.result
    undo = lambda: next(control for control in editor.controls if control["name"] == "undo")  # noqa: E731
    assert undo()["disabled"]
    answer(editor, preset="far")
    assert editor.result == far
    assert not undo()["disabled"]
    press(editor, "undo")
    assert editor.result == start
    press(editor, "redo")
    assert editor.result == far
    answer(editor, preset="drawn")
    assert editor.result.values.tolist() == [0.0, 3.0]
    press(editor, "empty")
    assert editor.result.values.tolist() == [0.0, 0.0]
    with pytest.raises(DnnExplainError, match=r"no preset 'fra'.*far"):
        editor.load("fra")


def test_the_oracle_judges_the_choice_and_forgets_it_when_the_state_moves(gate, network):
    panel = DecisionPanel(gate, network)
    press(panel, "judge")
    assert panel.jobs.wait(10)
    judgement = gate.judge(panel.session.state)
    best = gate.output.names[judgement.best[0]]
    assert f"best is {best}" in panel.badge["text"].casefold() or f"Best is {best}" in panel.badge["text"]
    right = panel.result.action in judgement.best
    assert panel.badge["level"] == ("green" if right else "red")
    panel.session.move(np.array([4.0, 3.0]))
    assert panel.badge == {}


def test_an_unproved_judgement_is_amber(gate, network, monkeypatch):
    monkeypatch.setattr(
        gate, "judge", lambda state, seconds: Judgement((0,), np.array([0.0, 1.0, 2.0]), exact=False), raising=False
    )
    panel = DecisionPanel(gate, network)
    press(panel, "judge")
    assert panel.jobs.wait(10)
    assert panel.badge["level"] == "amber"
    assert "not proved" in panel.badge["text"]


def test_target_and_method_are_chosen_in_words(gate, network):
    panel = SaliencyPanel(gate, network)
    answer(panel, target="logit of right", method="integrated-gradients")
    assert panel.result.target == "logit of right"
    assert panel.result.method == "integrated-gradients"
    assert any(control["name"] == "baseline" for control in panel.controls)
    answer(panel, baseline="every state")
    assert panel.result.baseline == "every state"


def test_a_method_that_does_not_fit_says_why_and_the_rest_goes_on(gate, network):
    panel = SaliencyPanel(gate, network)
    answer(panel, method="grad-cam")
    assert "convolution" in panel.session.live.failures["saliency"].casefold()
    answer(panel, method="saliency")
    assert panel.session.live.failures == {}


def test_a_neuron_is_chosen_and_its_curve_sent(gate, network):
    panel = NeuronsPanel(gate, network)
    answer(panel, unit=2)
    assert panel.session.unit == 2
    curve = panel.result.curve(2, panel.result.knobs[0])
    sent = np.frombuffer(panel.session.hub.live["curves"], np.float32)
    np.testing.assert_allclose(sent[: len(curve.activation)], curve.activation, rtol=1e-6)


@pytest.mark.parametrize("kind", [StateEditor, DecisionPanel, SaliencyPanel, NeuronsPanel])
def test_every_panel_copies_itself_as_python_that_compiles(kind, gate, network):
    text = kind(gate, network).copy_as_python()
    compile(text, "panel.py", "exec")
    assert f"{kind.__name__}(system, policy, state)" in text
    assert "left queue" in text


def test_the_dashboard_holds_all_panels_and_only_those_that_fit(gate, network):
    board = Dashboard(gate, network)
    assert [type(panel).__name__ for panel in board.panels] == [
        "Masthead",
        "StripPanel",
        "GuidePanel",
        "VerdictPanel",
        "StateEditor",
        "DecisionPanel",
        "SaliencyPanel",
        "NeuronsPanel",
        "AttributionPanel",
        "WhiteBoxPanel",
        "ReasonPanel",
        "SweepMapPanel",
    ]
    assert all(panel.hub == board.session.hub.model_id for panel in board.panels)


def test_a_section_is_made_when_it_is_opened_and_only_then(gate, network, monkeypatch):
    from dnnexplain_widgets import sections

    made = []

    class Counted(Panel):
        QUESTION = "How often was it made?"

        def setup(self):
            made.append(self)

    class Refusing(Panel):
        QUESTION = "What is refused?"

        def setup(self):
            msg = "this system has no such thing"
            raise DnnExplainError(msg)

    monkeypatch.setattr(sections.import_module("dnnexplain_widgets.panels.white_box"), "WhiteBoxPanel", Counted)
    monkeypatch.setattr(sections.import_module("dnnexplain_widgets.panels.neurons"), "NeuronsPanel", Refusing)
    parts = [
        sections.Section("one", "One", (sections.Entry("attribution.AttributionPanel"),)),
        sections.Section("two", "Two", (sections.Entry("white_box.WhiteBoxPanel"),)),
        sections.Section("three", "Three", (sections.Entry("episode.EpisodePanel", lambda _system: False),)),
        sections.Section("four", "Four", (sections.Entry("neurons.NeuronsPanel"),)),
    ]
    monkeypatch.setattr("dnnexplain_widgets.dashboard.SECTIONS", tuple(parts))
    board = Dashboard(gate, network)
    assert board.contents.figure["tabs"] == [["one", "One"], ["two", "Two"], ["four", "Four"]]
    assert made == []
    answer(board.contents, section="two")
    assert board.contents.error == ""
    assert made == [board.children[-1].children[0]]
    assert made[0].on_page
    answer(board.contents, section="one")
    answer(board.contents, section="two")
    assert len(made) == 1
    answer(board.contents, section="four")
    assert not made[0].on_page
    refused = board.children[-1].children[0]
    assert (refused.question, refused.error) == ("What is refused?", "This system has no such thing.")
    answer(board.contents, section="nowhere")
    assert "nowhere" in board.contents.error
    assert board.children[-1] is board.opened["four"]


def test_a_dashboard_of_a_bare_module_says_what_to_write(gate):
    from tests.fakes import linear_network

    with pytest.raises(DnnExplainError, match=r"TorchPolicy\(module, system\)"):
        Dashboard(gate, linear_network(gate))


def test_bring_your_own_network_by_file(gate, network, tmp_path):
    def load(path):
        if path.read_bytes() != b"weights":
            msg = "these are no weights"
            raise DnnExplainError(msg)
        return gate.rules()["longest"]

    board = Dashboard(gate, network, loader=load)
    board.masthead.set_state({"upload": {"name": "weights", "file": "mine.pt", "content": b"nonsense"}})
    assert board.masthead.error == "These are no weights."
    assert board.session.policy is network
    board.masthead.set_state({"upload": {"name": "weights", "file": "mine.pt", "content": b"weights"}})
    assert board.masthead.error == ""
    assert board.session.policy.name == "longest"
    answer(board.masthead, policy="linear")
    assert board.session.policy is network
