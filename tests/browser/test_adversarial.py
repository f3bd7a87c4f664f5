"""The adversarial and transfer panels in a page: tables that can be clicked, with mouse and keyboard."""

import numpy as np
import pytest

from dnnexplain.contract import Shift
from dnnexplain_widgets import AdversarialPanel, Session, StressPanel, TransferPanel, WorstSequencePanel
from dnnexplain_widgets.panels.never import NeverPanel
from tests.browser.harness import finish, part


def test_a_row_that_is_clicked_loads_its_state(open_panels, deeprm, drawn, start):
    panel = AdversarialPanel(deeprm, drawn, start)
    panel.set_answers(objects="1")
    harness = open_panels(panel)
    page = harness.page
    page.get_by_role("button", name="Search", exact=True).click()
    finish(harness, panel)
    rows = page.locator(".dx-cells tbody tr")
    assert rows.count() == 1 + len(panel.flips)
    assert page.locator(".dx > .dx-sentence").inner_text() == panel.result.words
    last = page.locator(".dx-cells .dx-pick").last
    last.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.dx-pick[aria-pressed=true]').length === 1")
    assert panel.session.state == panel._states()[-1][1]


@pytest.mark.parametrize(("width", "theme"), [(1100, "light"), (390, "dark")])
def test_a_cell_of_the_heat_map_shows_its_episodes(open_panels, deeprm, drawn, start, width, theme):
    columns = [Shift(f"rate {rate}", "", {"rate": rate, "steps": 10}, rate) for rate in (0.3, 0.8)]
    session = Session(deeprm, drawn, start)
    panel = TransferPanel(session=session, rows=[Shift("deeprm", "deeprm")], columns=columns, rules=["sjf"])
    panel.set_answers(sets=2)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    page.get_by_role("button", name="Run", exact=True).click()
    finish(harness, panel)
    assert not page.locator(".dx-timeline").is_visible()
    cells = page.locator(".dx-heat td")
    assert cells.count() == 2
    shares = panel.result.relative[0, :, 0]
    texts = [cell.locator("button").inner_text().split("%")[0].replace("−", "-") for cell in cells.all()]
    assert [float(text) for text in texts] == pytest.approx(np.round(100 * shares, 1), abs=0.06)
    cells.nth(1).locator("button").click()
    finish(harness, panel)
    assert page.locator(".dx-timeline canvas").is_visible()
    assert "rate 0.8" in page.locator(".dx > .dx-sentence").inner_text()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_decision_where_they_part_is_opened_in_the_editor(open_panels, deeprm, drawn, start):
    panel = WorstSequencePanel(session=Session(deeprm, drawn, start))
    panel.set_answers(seconds=1, limits="length=1:3")
    harness = open_panels(panel, width=390, theme="dark")
    page = harness.page
    page.get_by_role("button", name="Search", exact=True).click()
    finish(harness, panel)
    words = page.locator(".dx-timeline canvas").get_attribute("aria-label")
    assert [one.split(":")[0] for one in words.split("; ")][:2] == ["drawn", "Hold"]
    assert len(panel.figure["runs"]) == 3
    page.get_by_role("button", name="Open in editor").click()
    harness.sync()
    assert panel.session.state == panel.state_at(panel.figure["marks"][0])
    page.get_by_role("button", name="Next disagreement").click()
    harness.sync()
    assert panel.answers["decision"] == panel.figure["marks"][1]
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "theme"), [(1100, "light"), (390, "dark")])
def test_a_tile_of_the_stress_board_shows_its_worst_case(open_panels, deeprm, drawn, start, width, theme):
    panel = StressPanel(session=Session(deeprm, drawn, start), workers=1, budget=80)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    page.get_by_role("button", name="Run", exact=True).click()
    finish(harness, panel)
    tiles = page.locator(".dx-tile")
    assert tiles.count() == len(panel.result.scenarios)
    assert page.locator(".dx-board-counts li").count() == 4
    tiles.nth(1).focus()
    page.keyboard.press("Enter")
    finish(harness, panel)
    assert tiles.nth(1).get_attribute("aria-pressed") == "true"
    assert page.locator(".dx-timeline canvas").is_visible()
    assert panel.result.scenarios[1].sentence in page.locator(".dx > .dx-sentence").inner_text()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_row_is_chosen_wherever_one_points_at_it(open_panels, deeprm, drawn, start):
    panel = NeverPanel(deeprm, drawn, start)
    harness = open_panels(panel)
    rows = [{"label": name, "cells": [{"text": "refuted", "shade": 0.5}, {"text": "1"}]} for name in ("one", "two")]
    panel.figure = {"cells": {"corner": "Property", "columns": ["verdict", "a bound that is long"], "rows": rows, "pick": "row"}}  # fmt: skip
    harness.sync()
    place = part(harness.page, panel)
    place.locator("tbody tr").nth(1).locator("td").last.click()
    harness.settle()
    assert list(panel.answers["chosen"]) == [1, 0]
    place.get_by_role("button", name="one", exact=True).click()
    harness.settle()
    assert list(panel.answers["chosen"]) == [0, 0]
