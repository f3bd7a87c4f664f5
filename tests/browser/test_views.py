"""A system's views in a page: drawn from data, and dragged."""

import numpy as np
import pytest

from dnnexplain.contract import State
from dnnexplain.policies import TorchPolicy, load_shipped, mlp
from dnnexplain.systems import make_system
from dnnexplain_widgets import DecisionPanel, EpisodePanel, GraphPanel, SaliencyPanel, Session, StateEditor
from dnnexplain_widgets.panels.sweep_map import SweepMapPanel
from tests.browser.conftest import shown_probabilities
from tests.browser.harness import finish
from tests.browser.test_files import save, tables
from tests.systems.fakes import Lamps


@pytest.fixture
def lamps():
    system = Lamps()
    session = Session(system, TorchPolicy(mlp(system, (8,)), system), State(np.array([2.0, 5.0, 9.0])))
    yield session
    session.close()


@pytest.fixture
def radio():
    system = make_system("cran", heads=3, users=2)
    session = Session(system, system.rules()["greedy"])
    yield session
    session.close()


def drag(page, handle, by):
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for part in (0.3, 0.6, 1.0):
        page.mouse.move(x + part * by[0], y + part * by[1])
    page.mouse.up()


def test_bars_are_dragged_and_turned_by_keys(open_panels, lamps):
    harness = open_panels(StateEditor(session=lamps), GraphPanel(session=lamps))
    page = harness.page
    bar = page.get_by_role("slider", name="need 1").first
    assert bar.get_attribute("aria-valuenow") == "2"
    rect = page.locator(".dx-strip-bar").first
    before = float(rect.get_attribute("height"))
    page.mouse.move(
        *[rect.bounding_box()[a] + rect.bounding_box()[b] / 2 for a, b in (("x", "width"), ("y", "height"))]
    )
    page.mouse.down()
    page.mouse.move(rect.bounding_box()["x"] + 10, rect.bounding_box()["y"] - 20)
    page.mouse.up()
    harness.settle()
    assert lamps.state.values[0] > 2
    assert float(rect.get_attribute("height")) > before
    bar.focus()
    now = lamps.state.values[0]
    page.keyboard.press("ArrowDown")
    harness.settle()
    assert lamps.state.values[0] == now - 1
    assert harness.errors == []


def test_a_graph_shows_each_side_and_who_is_on(open_panels, lamps):
    panel = GraphPanel(session=lamps)
    harness = open_panels(panel)
    page = harness.page
    page.wait_for_selector(".dx-map-link")
    assert page.locator(".dx-map-title").all_inner_texts() == ["Network", "Optimum"]
    assert page.locator(".dx-map").count() == 2
    assert page.locator(".dx-map").nth(1).locator(".dx-map-link").count() == 3
    page.get_by_role("slider", name="need 1").first.focus()
    page.keyboard.press("End")
    harness.settle()
    assert lamps.state.values[0] == 9
    assert page.locator(".dx-map-cost").all_inner_texts() == panel.figure["graph"]["headlines"]
    assert harness.errors == []


def test_a_user_is_dragged_and_a_head_is_switched_on_the_map(open_panels, radio):
    panel = GraphPanel(session=radio)
    harness = open_panels(panel)
    page = harness.page
    page.wait_for_selector(".dx-moves")
    where = [radio.state.values[radio.system.codec.place][:2].copy()]
    drag(page, page.locator(".dx-moves .dx-node-dot").first, (40, -30))
    harness.settle()
    where.append(radio.state.values[radio.system.codec.place][:2].copy())
    assert where[1][0] > where[0][0]
    assert where[1][1] > where[0][1]  # up on the screen is up in the square
    awake = radio.state.values[radio.system.codec.awake].copy()
    page.locator(".dx-node", has_text="head 2").first.click()
    harness.settle()
    assert radio.state.values[radio.system.codec.awake].tolist() == [awake[0], 1 - awake[1], awake[2]]
    assert page.locator(".dx-verdict-line").inner_text() == panel.figure["graph"]["verdict"]
    assert harness.errors == []


def test_a_timeline_goes_to_where_it_is_pressed(open_panels):
    system = make_system("cellular", minutes=30)
    panel = EpisodePanel(system, TorchPolicy(mlp(system, (4,)), system))
    harness = open_panels(panel)
    page = harness.page
    panel.run()
    finish(harness, panel)
    canvas = page.locator(".dx-timeline canvas")
    assert "Optimum: reward" in canvas.get_attribute("aria-label")
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + 60)
    harness.settle()
    assert panel.answers["decision"] == 29
    assert "Decision 30," in panel.sentence
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    assert "rate" in page.locator(".dx-tip").inner_text()
    assert harness.errors == []


def test_a_mark_in_a_session_is_dragged_and_the_decision_follows(open_panels):
    system = make_system("abr")
    policy = load_shipped(system, "default")
    panel = EpisodePanel(system, policy)
    panel.set_answers(optimum=False, work="stable")
    harness = open_panels(panel)
    page = harness.page
    panel.run()
    finish(harness, panel)
    panel.set_answers(decision=11)
    harness.sync()
    session, seen = panel.session, panel.state_at(11)
    took = system.output.tell(panel.pair.network.actions[11])
    assert page.get_by_role("slider", name="throughput 8").bounding_box()["x"] > 0
    assert session.state.values.tolist() != seen.values.tolist()
    mark = page.get_by_role("slider", name="buffer").bounding_box()
    page.mouse.click(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2 + 6)
    harness.settle()
    assert panel.answers["opened"] == 11
    np.testing.assert_allclose(session.state.values, seen.values, atol=1e-4)  # a click beside its middle moves nothing
    drag(page, page.get_by_role("slider", name="buffer"), (0, 60))  # to the floor: nothing is left
    harness.settle()
    assert panel.answers["opened"] == 11
    others = np.delete(np.abs(session.state.values - seen.values), 1)
    assert others.max() < 1e-4  # but for rounding
    assert session.state.values[1] == 0
    np.testing.assert_array_equal(session.state.background, seen.background)
    now = system.output.tell(
        int(policy.outputs(system.encode(session.state.values[None], session.state.background)).argmax())
    )
    said = page.locator(".dx-track-says").inner_text()
    assert said.startswith("Decision 12 with buffer 0 s instead of")
    assert f": {now}, probability" in said
    assert said.endswith(f"In the run: {took}.")
    assert page.locator(".dx-track-chip").inner_text().startswith(f"{now}, ")
    drag(page, page.get_by_role("slider", name="throughput 1"), (0, 60))  # its neighbours overlap it
    harness.settle()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "throughput 1"
    seen_rate = seen.values[system.codec.throughput][-2]
    page.get_by_role("slider", name="throughput 2").focus()
    page.keyboard.press("ArrowDown")
    harness.settle()
    assert session.state.values[system.codec.throughput][-2] == pytest.approx(seen_rate - 0.3, abs=1e-3)
    panel.set_answers(decision=2)
    harness.sync()
    assert page.locator(".dx-track-grip:visible").count() == 4  # the buffer, and three chunks that have come
    assert "Drag a round mark (buffer, throughput)" in page.locator(".dx-track-says").inner_text()
    panel.figure = {}
    harness.sync()
    assert not page.locator(".dx-track-says").is_visible()  # it goes with the picture


def test_a_map_of_actions_is_saved_as_the_actions_that_were_found(open_panels, deeprm, drawn, start):
    panel = SweepMapPanel(session=Session(deeprm, drawn, start))
    harness = open_panels(panel)
    finish(harness, panel)
    (rows,) = tables(save(harness.page, panel.question, "CSV")).values()
    size = panel.result.action.size
    assert [row[3] for row in rows[1 : 1 + size]] == [
        deeprm.output.names[int(one)] for one in panel.result.action.ravel()
    ]
    assert len({row[3] for row in rows[1:]}) > 1


@pytest.mark.parametrize("name", ["cellular", "cran"])
def test_a_row_of_numbers_is_answered_in_the_page_and_the_kernel_agrees(open_panels, name):
    system = make_system(name)
    session = Session(system, load_shipped(system, "default"))
    harness = open_panels(
        StateEditor(session=session), DecisionPanel(session=session), SaliencyPanel(session=session, methods=("saliency",))
    )  # fmt: skip
    page = harness.page
    assert session.hub.network["layers"]
    unknown = "reward of the next minute" if name == "cellular" else "head 3 on against off"
    for target in ("default", unknown):  # the page does not know the other one, and leaves it to the kernel
        session.question(target=target)
        harness.settle()
        slider = page.locator("input[type=range]").first
        before = session.state.values.copy()
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        harness.settle()
        assert (session.state.values != before).any()
        assert [text for text in page.locator(".dx-error").all_inner_texts() if text] == []
        said = session.live.decision
        numbers = list(shown_probabilities(page).values())
        assert len(numbers) == len(system.output.names)
        if name == "cellular":
            assert float(numbers[0]) == pytest.approx(float(said.outputs[0]), abs=2e-3)
        else:
            assert list(numbers).index(max(numbers, key=chance_of)) == said.action
    assert harness.errors == []
    session.close()


def chance_of(text):
    """A probability as it is shown: 0.42, over 0.999, under 0.001."""
    return {"over": 1.0, "under": 0.0}.get(text.split()[0]) if " " in text else float(text)
