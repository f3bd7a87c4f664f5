"""The panels that look into a layer, in a page: mouse, keyboard, phone, light and dark."""

import re

import numpy as np
import pytest

from dnnexplain.explain import maximise
from dnnexplain_widgets import (
    AttributionPanel,
    EmbeddingPanel,
    InterventionPanel,
    KnowledgePanel,
    MaximalPanel,
    Session,
    StateEditor,
    ThresholdMapPanel,
)
from tests.browser.harness import finish, no_overflow, part, press, until


def painted(canvas):
    """How many different colours a canvas shows."""
    return canvas.evaluate(
        """(c) => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set();
        for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; }"""
    )


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_cell_of_the_threshold_map_opens_its_curve(open_panels, deeprm, drawn, start, width, theme):
    panel = ThresholdMapPanel(session=Session(deeprm, drawn, start))
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    strips = page.locator(".dx-strip-button")
    assert strips.count() == 20 * 5
    at = int(np.argmax(panel.result.shows.sum(axis=1)))
    column = int(np.flatnonzero(panel.result.shows[at])[0])
    cell = strips.nth(5 * at + column)
    assert cell.get_attribute("aria-label") == panel.result.curves.curve(at, panel.result.knobs[column]).sentence()
    cell.click()
    page.wait_for_function(
        f"() => document.querySelector('.dx-strip-button[aria-pressed=true]').dataset.at === '{at},{column}'"
    )
    assert panel.session.unit == at
    assert page.locator(".dx-plot h4").first.inner_text() == f"Neuron {at}, job {column + 1} length"
    assert page.locator(".dx-plot svg").nth(1).locator("rect title").first.inner_html()
    assert page.locator(".dx-plots .dx-step").count() == len(
        panel.result.curves.curve(at, panel.result.knobs[column]).thresholds
    )
    assert no_overflow(page)


def test_the_threshold_map_is_walked_by_keyboard(open_panels, deeprm, drawn, start):
    panel = ThresholdMapPanel(session=Session(deeprm, drawn, start))
    page = open_panels(panel).page
    strips = page.locator(".dx-strip-button")
    assert page.locator('.dx-strip-button[tabindex="0"]').count() == 1  # one stop of the tab key
    strips.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.dx-strip-button[aria-pressed=true]')?.dataset.at === '1,1'")
    assert (panel.session.unit, panel.column) == (1, 1)
    assert page.evaluate("() => document.activeElement.dataset.at") == "1,1"  # the focus stays where it was


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_the_state_that_excites_most_is_drawn_and_opened_in_the_editor(open_panels, deeprm, drawn, start, width, theme):
    session = Session(deeprm, drawn, start)
    editor, panel = StateEditor(session=session), MaximalPanel(session=session)
    harness = open_panels(editor, panel, width=width, theme=theme)
    own = part(harness.page, panel)
    press(harness, panel, "Find the state")
    canvas = own.locator("canvas")
    assert canvas.get_attribute("aria-label") == deeprm.describe(panel.result.state)
    assert painted(canvas) > 5
    assert own.locator(".dx-badge").get_attribute("data-level") == "green"
    press(harness, panel, "Open in editor")
    assert session.state == panel.result.state
    assert panel.result == maximise(deeprm, drawn, session.unit)
    neuron = own.get_by_role("spinbutton", name=re.compile("^Neuron"))
    neuron.fill("3")
    neuron.press("Tab")
    finish(harness, panel)
    assert panel.result.neuron == session.unit == 3
    assert no_overflow(harness.page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_neuron_is_silenced_here_and_over_episodes(open_panels, deeprm, drawn, start, width, theme):
    panel = InterventionPanel(session=Session(deeprm, drawn, start))
    panel.set_answers(sets=8)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    assert page.locator(".dx-changes tr").count() == 6
    press(harness, panel, "Run episodes")
    assert page.locator(".dx-changes").count() == 2
    assert np.isnan(panel.finding.low)  # without this neuron nearly all workloads cost what they did: no interval
    assert page.locator(".dx-whisker").count() == 0
    panel.session.unit = 19  # every workload's cost depends on this one
    press(harness, panel, "Run episodes")
    assert np.isfinite(panel.finding.low)
    assert page.locator(".dx-whisker").count() == 1
    press(harness, panel, "Each neuron in turn")
    page.locator(".dx-cells .dx-pick").nth(1).click()
    picked = int(page.locator(".dx-cells .dx-pick").nth(1).inner_text().split()[1])
    until(harness, lambda: panel.session.unit == picked)
    until(harness, lambda: f"neuron {picked} held at 0" in page.locator(".dx-changes-box").inner_text())
    assert no_overflow(page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_probes_are_shown_beside_their_control(open_panels, deeprm, drawn, start, width, theme):
    panel = KnowledgePanel(session=Session(deeprm, drawn, start))
    panel.set_answers(states=80, repeats=2)
    harness = open_panels(panel, width=width, theme=theme)
    press(harness, panel, "Probe")
    rows = harness.page.locator(".dx-changes tr")
    assert rows.count() == len(panel.result.facts)
    assert {row.locator("th").inner_text() for row in rows.all()} == {fact.name for fact in panel.result.facts}
    assert no_overflow(harness.page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_point_that_is_clicked_loads_its_state(open_panels, deeprm, drawn, start, width, theme):
    panel = EmbeddingPanel(session=Session(deeprm, drawn, start))
    panel.set_answers(states=60)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    press(harness, panel, "Place the states")
    canvas = page.locator(".dx-cloud")
    assert painted(canvas) > 3
    here = np.array(panel.figure["scatter"]["here"])
    points = panel.result.points.astype(np.float32)
    target = int(np.abs(points - points.mean(axis=0)).sum(axis=1).argmax())  # far out, where no other point is near
    every = np.vstack([points, here])
    low, high = every.min(axis=0), every.max(axis=0)
    box = canvas.bounding_box()
    share = (points[target] - low) / (high - low)
    place = {"x": 14 + share[0] * (box["width"] - 28), "y": 14 + (1 - share[1]) * (box["height"] - 28)}
    canvas.click(position=place)
    until(harness, lambda: panel.session.state == panel.states[target])
    slider = page.get_by_label("State by state")
    slider.focus()
    page.keyboard.press("Home")
    until(harness, lambda: panel.session.state == panel.states[0])
    assert slider.get_attribute("aria-valuetext").startswith("state 0: ")
    page.locator('select[data-name="label"]').select_option("job 1 length")
    page.wait_for_function("() => document.querySelector('.dx-scatter .dx-ramp')")
    assert panel.result.label == "job 1 length"
    assert no_overflow(page)


def test_a_saved_explanation_is_compared_in_the_page(open_panels, deeprm, drawn, start, tmp_path):
    panel = AttributionPanel(session=Session(deeprm, drawn, start), methods=["integrated-gradients"])
    harness = open_panels(panel)
    press(harness, panel, "Explain and check")
    panel.save(str(tmp_path / "then.json"))
    panel.session.move(start.values * 0 + np.where(start.values > 0, 2, 0))
    press(harness, panel, "Explain and check")
    assert harness.page.locator('input[data-name="compare"]').count() == 1
    content = (tmp_path / "then.json").read_bytes()  # the harness carries no bytes up; a browser's message does
    panel.set_state({"upload": {"name": "compare", "file": "then.json", "content": memoryview(content)}})
    harness.sync()
    harness.page.wait_for_function("() => document.querySelectorAll('.dx-changes tr').length > 0")
    assert "the state was another one" in harness.page.locator(".dx-compared-words").inner_text()
