"""The panels as a user meets them: dragging, keys, widths, themes. Real drawing code, real explainers."""

import io
import re

import numpy as np
import pytest

from dnnexplain.explain import attribute, decide
from tests.browser.conftest import LAPTOP, PHONE, close_to, make_network, shown_probabilities, value_of, wait_settled
from tests.browser.harness import part, until


def grip(page, name, pane):
    return page.locator(f'.dx-grip[aria-label="{name}, {pane}"]').first


def drag(page, at, across, down, steps=6):
    box = at.bounding_box()
    page.mouse.move(box["x"], box["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + across, box["y"] + down, steps=steps)
    page.mouse.up()


def assert_shows_what_the_explainer_says(harness, board, deeprm, drawn):
    wait_settled(harness)
    harness.page.locator(
        ".dx-bars"
    ).first.scroll_into_view_if_needed()  # out of sight it draws only once all is at rest
    harness.settle()
    decision = decide(deeprm, drawn, board.session.state)
    shown = shown_probabilities(harness.page)
    assert list(shown) == list(deeprm.output.names)
    for text, exact, valid in zip(shown.values(), decision.probabilities, decision.valid, strict=True):
        assert (text == "not possible") == (not valid)
        assert close_to(text, exact), (shown, decision.probabilities)


def test_dragging_the_lower_edge_makes_the_job_longer_and_changes_what_is_shown(open_board, board, deeprm, drawn):
    harness = open_board()
    page = harness.page
    before = shown_probabilities(page)
    drag(page, grip(page, "job 1 length", "Job 1 CPU"), 0, 4 * cell_of(page, board)[1])
    assert value_of(deeprm, board.session.state, "job 1 length") == 9
    assert value_of(deeprm, board.session.state, "job 1 cpu") == 2
    assert_shows_what_the_explainer_says(harness, board, deeprm, drawn)
    assert shown_probabilities(page) != before
    board.panel("StateEditor").set_state({"presses": {"undo": 1}})  # one step back undoes the whole drag
    assert value_of(deeprm, board.session.state, "job 1 length") == 5


def test_dragging_the_right_edge_changes_the_demand_of_that_resource_only(open_board, board, deeprm, drawn):
    harness = open_board()
    drag(harness.page, grip(harness.page, "job 2 memory", "Job 2 memory"), 3 * cell_of(harness.page, board)[0], 0)
    assert value_of(deeprm, board.session.state, "job 2 memory") == 7
    assert value_of(deeprm, board.session.state, "job 2 cpu") == 7
    assert_shows_what_the_explainer_says(harness, board, deeprm, drawn)


def test_an_empty_slot_is_filled_by_drawing_a_rectangle(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    scene = board.session.hub.scene["picture"]["panes"]
    index = next(i for i, pane in enumerate(scene) if pane["title"] == "Job 4 CPU")
    place = page.evaluate(
        f"() => {{ const box = document.querySelector('.dx-stage').getBoundingClientRect();"
        f" const l = exported.arrange({_js(scene)}, 20, document.querySelector('.dx-picture').clientWidth, 1);"
        f" return [box.x + l.places[{index}].x, box.y + l.places[{index}].y, l.cell, l.step]; }}"
    )
    left, top, cell, step = place
    page.mouse.move(left + 20, top + 60)
    page.mouse.down()
    page.mouse.move(left + 5.5 * cell - cell / 2, top + 7 * step, steps=5)
    page.mouse.up()
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 4 length") == 7
    assert value_of(deeprm, board.session.state, "job 4 cpu") == 5


def cell_of(page, board):
    """Width and height of a cell of the editor's picture, px."""
    panes = _js(board.session.hub.scene["picture"]["panes"])
    width = "document.querySelector('.dx-picture').clientWidth"
    return page.evaluate(f"() => {{ const l = exported.arrange({panes}, 20, {width}, 1); return [l.cell, l.step]; }}")


def _js(value):
    import json

    return json.dumps(value)


def test_many_moves_end_at_the_last_one(open_board, board, deeprm, drawn):
    harness = open_board()
    page = harness.page
    at = grip(page, "job 3 length", "Job 3 CPU").bounding_box()
    page.mouse.move(at["x"], at["y"])
    page.mouse.down()
    tall = cell_of(page, board)[1]
    for step in range(40):
        page.mouse.move(at["x"], at["y"] + (step % 7 - 3) * tall)
    page.mouse.move(at["x"], at["y"] - 5 * tall)
    page.mouse.up()
    assert_shows_what_the_explainer_says(harness, board, deeprm, drawn)
    assert value_of(deeprm, board.session.state, "job 3 length") == 6


def test_a_job_dragged_to_nothing_and_back_has_its_demand_again(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    at = grip(page, "job 1 length", "Job 1 CPU").bounding_box()
    page.mouse.move(at["x"], at["y"])
    page.mouse.down()
    page.mouse.move(at["x"], at["y"] - 60, steps=4)
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 1 memory") == 0
    page.mouse.move(at["x"], at["y"] - 2 * cell_of(page, board)[1], steps=4)
    page.mouse.up()
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 1 length") == 3
    assert value_of(deeprm, board.session.state, "job 1 memory") == 8


def test_arrow_keys_turn_a_handle(open_board, board, deeprm, drawn):
    harness = open_board()
    handle = grip(harness.page, "job 1 length", "Job 1 CPU")
    handle.focus()
    for key, length in (("ArrowDown", 6), ("ArrowDown", 7), ("ArrowUp", 6), ("PageUp", 9), ("End", 15), ("Home", 0)):
        harness.page.keyboard.press(key)
        wait_settled(harness)
        assert value_of(deeprm, board.session.state, "job 1 length") == length, key
    assert handle.get_attribute("aria-valuetext") == "0 steps"
    assert_shows_what_the_explainer_says(harness, board, deeprm, drawn)


def test_every_knob_has_a_native_slider_with_a_name(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    page.get_by_role("tab", name="job 2").first.click()
    slider = page.get_by_role("slider", name="job 2 cpu", exact=True)
    slider.focus()
    page.keyboard.press("ArrowRight")
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 2 cpu") == 8
    page.get_by_role("tab", name="backlog").first.click()
    page.get_by_role("slider", name="backlog").fill("7")
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "backlog") == 7


def test_many_knobs_of_one_kind_are_drawn_as_a_profile(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    group = next(knob.group for knob in deeprm.knobs if "in use at step" in knob.name)
    page.get_by_role("tab", name=group).first.click()
    column = page.locator(".dx-column").nth(3)
    column.focus()
    page.keyboard.press("End")
    wait_settled(harness)
    name = column.get_attribute("aria-label")
    assert value_of(deeprm, board.session.state, name) == 10
    box = page.locator(".dx-column").nth(5).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, page.locator(".dx-column").nth(5).get_attribute("aria-label")) == 5


def test_the_map_is_orange_where_it_is_positive_and_blue_where_it_is_negative(open_board, board, deeprm, drawn):
    from PIL import Image

    harness = open_board()
    page = harness.page
    found = attribute(deeprm, drawn, board.session.state, method=board.session.ask.method).map
    panes = board.session.hub.scene["picture"]["panes"]
    canvas = page.locator(".dx-canvas").nth(1)
    width = page.locator(".dx-picture").nth(1).evaluate("(element) => element.clientWidth")
    layout = page.evaluate(f"() => exported.arrange({_js(panes)}, 20, {width}, 1)")
    image = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
    for extreme, warmer in ((found.argmax(), True), (found.argmin(), False)):
        row, column = np.unravel_index(extreme, found.shape)
        index = next(i for i, pane in enumerate(panes) if pane["first"] <= column < pane["first"] + pane["width"])
        place = layout["places"][index]
        x = place["x"] + (column - panes[index]["first"] + 0.5) * layout["cell"]
        y = place["y"] + (row + 0.5) * layout["step"]
        red, _, blue = image.getpixel((int(x), int(y)))
        assert (red > blue) == warmer


def test_pictures_say_in_words_what_they_show(open_board, board):
    page = open_board().page
    labels = [canvas.get_attribute("aria-label") for canvas in page.locator(".dx-canvas[role=img]").all()]
    assert "Job 1 (5 steps, 2 CPU, 8 memory)" in labels[0]
    assert "for and" in labels[1]
    assert board.session.live.attribution.top(1)[0].casefold() in labels[1].casefold()


def test_a_curve_marker_is_dragged_and_moves_its_job(open_board, board, deeprm, drawn):
    harness = open_board()
    marker = harness.page.locator('.dx-marker[aria-label="job 2 length"]')
    marker.scroll_into_view_if_needed()
    chart = harness.page.locator(".dx-chart").bounding_box()
    box = marker.locator(".dx-knob-dot").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    per_step = (chart["width"] - 44 - 12) / 15
    harness.page.mouse.move(*middle)
    harness.page.mouse.down()
    harness.page.mouse.move(middle[0] + 4 * per_step, middle[1], steps=8)
    harness.page.mouse.up()
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 2 length") == 7
    assert_shows_what_the_explainer_says(harness, board, deeprm, drawn)
    marker.focus()
    harness.page.keyboard.press("ArrowLeft")
    wait_settled(harness)
    assert value_of(deeprm, board.session.state, "job 2 length") == 6


def test_neurons_are_chosen_by_click_and_by_key(open_board, board):
    harness = open_board()
    page = harness.page
    page.locator(".dx-unit-cell").nth(7).click()
    page.wait_for_selector('.dx-unit-cell[aria-selected="true"] >> text="7"')
    assert board.session.unit == 7
    page.locator(".dx-units").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('.dx-unit-cell[aria-selected="true"] >> text="8"')
    assert board.session.unit == 8
    exact = board.panel("NeuronsPanel").result.curve(8, "job 1 length").activation
    assert (
        f"{board.session.live.activations[8]:.3g}" in page.locator(".dx-unit-cell").nth(8).get_attribute("title")
        or exact.max() == 0
    )


def test_target_and_method_change_the_map(open_board, board):
    page = open_board().page
    panel = page.get_by_role("region", name="What moved this decision?")
    panel.get_by_label("Explain").select_option("logit of wait")
    panel.get_by_label("by").select_option("integrated-gradients")
    page.wait_for_function("() => document.body.innerText.includes('counted from')")
    assert board.session.live.attribution.target == "logit of wait"
    assert board.session.live.attribution.method == "integrated-gradients"


def test_copy_as_python_shows_the_code(open_board):
    page = open_board().page
    page.get_by_role("button", name="Copy this panel as Python").nth(2).click()
    page.wait_for_selector(".dx-code:visible")
    code = page.locator(".dx-code:visible").inner_text()
    compile(code, "panel.py", "exec")


@pytest.mark.parametrize("slots", [5, 10])
@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_no_page_is_wider_than_its_screen(open_board, slots, width, board):
    if slots == 10:
        from dnnexplain.systems import make_system
        from dnnexplain_widgets import Dashboard

        system = make_system("deeprm", slots=10)
        board = Dashboard(system, make_network(system))
    page = open_board(width=width, given=board).page
    wide, screen = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= screen
    for canvas in page.locator(".dx-canvas").all():
        box = canvas.bounding_box()
        assert box is None or box["x"] + box["width"] <= width


def test_on_a_phone_the_decision_follows_the_editor(open_board):
    page = open_board(width=PHONE).page
    tops = {title.inner_text(): title.bounding_box()["y"] for title in page.locator(".dx-question:visible").all()}
    assert tops["What does the network see?"] < tops["What does it do here?"] < tops["What moved this decision?"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible_in_both_themes(open_board, theme):
    page = open_board(theme=theme).page
    assert {section.get_attribute("data-theme") for section in page.locator(".dx").all()} == {theme}
    low = page.evaluate(_CONTRAST)
    assert low == []


_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > .5) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll(".dx *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.offsetParent || element.closest(":disabled") || element.closest(".dx-tip")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push([element.className, element.textContent.slice(0, 30), ratio]);
  }
  return low;
}"""


def test_everything_that_takes_the_focus_has_a_name(open_board):
    page = open_board().page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, [tabindex], [role=slider]")].filter((e) => {
          if (e.matches("[hidden]") && getComputedStyle(e).display === "none") return false;  // takes no focus, has no text yet
          const label = e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.closest("label")?.textContent;
          return !(label || (e.tagName === "BUTTON" || e.getAttribute("role") === "tab" ? e.textContent : "")).trim();
        }).map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_the_theme_can_be_chosen(open_board, board):
    page = open_board().page
    page.locator(".dx-masthead .dx-more").evaluate("more => { more.open = true; }")
    page.get_by_label("Appearance").select_option("dark")
    page.wait_for_selector('.dx[data-theme="dark"]')
    assert board.session.theme == "dark"


def test_a_failure_is_shown_where_it_happened(open_board, board):
    page = open_board().page
    panel = page.get_by_role("region", name="What moved this decision?")
    panel.get_by_label("by").select_option("grad-cam")
    page.wait_for_function("() => [...document.querySelectorAll('.dx-error')].some((e) => e.textContent)")
    shown = [text for text in page.locator(".dx-error").all_inner_texts() if text]
    assert len(shown) == 1
    assert re.search("convolution", shown[0], re.IGNORECASE)


def run_episode(harness, board):
    page = harness.page
    page.get_by_role("button", name="Run both").click()
    panel = board.panel("EpisodePanel")
    until(harness, lambda: not panel.busy and panel.pair is not None)


def test_an_episode_is_run_stepped_through_and_opened_in_the_editor(open_board, board, deeprm):
    harness = open_board()
    page = harness.page
    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill("20")
    steps.press("Tab")
    run_episode(harness, board)
    pair = board.panel("EpisodePanel").result
    page.wait_for_selector(".dx-timeline canvas")
    assert pair.rule.policy == "hold"  # the best rule on ordinary workloads
    marks = page.locator(".dx-marks span")
    assert marks.count() == len(pair.disagreements)
    slider = page.get_by_role("slider", name="Decision")
    slider.press("Home")
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_function("() => document.body.innerText.includes('Decision 4, at')")
    figure = board.panel("EpisodePanel").figure
    assert float(slider.input_value()) == figure["times"][3]  # one axis of time for picture, marks and slider
    assert [float(slider.get_attribute(end)) for end in ("min", "max")] == [figure["begin"], figure["end"]]
    page.locator('select[data-name="why"]').select_option("job 2")
    page.wait_for_function("() => document.body.innerText.includes('Why not job 2?')")
    page.get_by_role("button", name="Open in editor").click()
    until(harness, lambda: np.array_equal(board.session.state.background, pair.network.observations[3]))
    np.testing.assert_array_equal(
        deeprm.encode(board.session.state.values[None], board.session.state.background)[0], pair.network.observations[3]
    )
    assert "mean slowdown" in page.locator(".dx-timeline canvas").get_attribute("aria-label")


def test_an_impossible_episode_is_explained(open_board, board):
    harness = open_board()
    page = harness.page
    page.locator("select[data-name=work]").select_option("log file")
    page.wait_for_selector("text=Log file")
    page.get_by_role("button", name="Run both").click()
    panel = board.panel("EpisodePanel")
    until(harness, lambda: not panel.busy and panel.error)
    assert "Choose a log file first." in page.locator(".dx-error").all_inner_texts()


def test_a_number_out_of_its_range_is_refused_where_it_is_typed(open_board, board):
    harness = open_board()
    panel = board.panel("EpisodePanel")
    field = part(harness.page, panel).locator('input[data-name="seed"]')
    field.evaluate("(e) => { e.closest('.dx-more').open = true; }")
    field.fill("-3")
    field.blur()
    wait_settled(harness)
    assert panel.answers["seed"] == 1
    assert field.get_attribute("aria-invalid") == "true"
    assert field.evaluate("(e) => e.validationMessage").startswith("0 to ")
    field.fill("7")
    field.blur()
    wait_settled(harness)
    assert panel.answers["seed"] == 7
    assert field.get_attribute("aria-invalid") is None
