"""Traffic in a page: demands are dragged, links are read by mouse and keyboard, a worst case opens in the editor."""

import numpy as np
import pytest

from dnnexplain.explain.decisions.flows import compare_flows
from dnnexplain.policies import TorchPolicy
from dnnexplain.systems.routing import RoutingSystem
from dnnexplain.systems.routing.networks import dote
from dnnexplain_widgets import Session, TopologyPanel, WorstCasePanel
from dnnexplain_widgets.panels.topology import times
from dnnexplain_widgets.words import number
from tests.browser.harness import finish, until

CASES = RoutingSystem("ring-4", 2, 2, routed=True)


@pytest.fixture
def session():
    small = RoutingSystem("ring-4", 2, 2)
    return Session(CASES, CASES.seen_by(TorchPolicy(dote(small, hidden=(16,), seed=3), small, name="drawn")))


@pytest.fixture
def shown(open_panels):
    """As ``open_panels``, and the map is there."""

    def show(*panels, **options):
        harness = open_panels(*panels, **options)
        harness.page.wait_for_selector(".dx-map-link")
        return harness

    return show


def verdict(page, at=0):
    return page.locator(".dx-verdict-line").nth(at).inner_text()


def drag(page, slider, part):
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 9, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * part / 2, y, steps=4)
    page.mouse.move(box["x"] + box["width"] * part, y, steps=4)
    page.mouse.up()


def test_a_dragged_demand_changes_the_ratio_to_what_the_explainer_returns(shown, session):
    panel = TopologyPanel(session=session)
    harness = shown(panel)
    page = harness.page
    before = verdict(page)
    slider = page.get_by_label("Demand", exact=True)
    page.get_by_label("Traffic from").select_option(label="node 1")
    page.get_by_label("Traffic to").select_option(label="node 3")
    page.get_by_label("Which matrices change").select_option(label="only the one to route")
    drag(page, slider, 0.9)
    pair = CASES.graph.pairs.index((0, 2))
    until(
        harness,
        lambda: session.state.values[CASES.graph.knobs[pair]] > 0.8 * CASES.cap and not session.history._dragging,
    )
    found = compare_flows(CASES, session.policy, session.state)
    assert panel.result == found
    page.wait_for_function(
        "(words) => document.querySelector('.dx-verdict-line').textContent === words",
        arg=f"{times(found.ratio)} times the optimum",
    )
    assert verdict(page) != before
    assert session.state.values[CASES.graph.earlier[:, pair]].max() < 0.5 * CASES.cap
    costs = page.locator(".dx-map-cost").all_inner_texts()
    assert costs == [f"busiest link {number(100 * cost)}% full" for cost in (found.cost, found.optimum)]
    shares = page.locator(".dx-paths tbody tr td:nth-child(2) .dx-share").all_inner_texts()
    exact = found.shares[CASES.graph.path_pair == pair]
    assert shares == [f"{number(100 * share)}%" for share in exact.astype(np.float32)]


def test_all_demands_are_scaled_there_and_back_without_loss(shown, session):
    panel = TopologyPanel(session=session)
    harness = shown(panel)
    page = harness.page
    start = session.state.values.copy()
    slider = page.get_by_role("slider", name="All demands")
    slider.focus()
    page.keyboard.press("End")
    until(harness, lambda: not np.array_equal(session.state.values, start))
    np.testing.assert_allclose(session.state.values, np.minimum(10 * start, CASES.cap), rtol=1e-6)
    slider.evaluate(
        "(input) => { input.value = '0'; input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change')); }"
    )
    until(harness, lambda: np.allclose(session.state.values, start, rtol=1e-6))
    assert "×1:" in page.locator(".dx-range .dx-value").nth(1).inner_text()
    until(harness, lambda: panel.result.ratio == compare_flows(CASES, session.policy, session.state).ratio)


def test_links_are_read_with_the_pointer_and_with_keys(shown, session):
    panel = TopologyPanel(session=session)
    page = shown(panel).page
    page.locator(".dx-map").first.focus()
    page.keyboard.press("ArrowRight")
    words = page.locator(".dx-readout").inner_text()
    found = panel.result
    assert words.startswith("node 1 to node 2, capacity 1 Gb/s")
    assert f"network {number(found.loads[0])} Gb/s ({number(100 * found.used[0])}%)" in words
    assert f"optimum {number(found.best_loads[0])} Gb/s" in words
    option = page.locator(".dx-map").first.get_attribute("aria-activedescendant")
    assert page.locator(f"#{option}").get_attribute("aria-label") == words
    page.keyboard.press("End")
    assert page.locator(".dx-readout").inner_text().startswith("node 4 to node 3")
    page.get_by_label("Links show").select_option("marks")
    assert "used by" in page.locator(".dx-map-link").first.get_attribute("aria-label")
    assert page.locator(".dx-mark-sample").all_inner_texts() == ["network only", "both", "optimum only", "nobody"]


def test_two_clicks_on_nodes_choose_the_traffic_between_them(shown, session):
    page = shown(TopologyPanel(session=session)).page
    nodes = page.locator(".dx-map").first.locator(".dx-node-dot")
    nodes.nth(1).click()
    assert "From node 2" in page.locator(".dx-readout").inner_text()
    nodes.nth(3).click()
    assert page.locator(".dx-paths caption").inner_text() == "How the traffic from node 2 to node 4 is split"
    assert page.get_by_label("Traffic from").input_value() == "1"


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_a_worst_case_is_searched_and_opened(shown, session, width, theme):
    editor, panel = TopologyPanel(session=session), WorstCasePanel(session=session, methods=["gray-box", "random"])
    panel.set_answers(budget=0.5)
    harness = shown(editor, panel, width=width, theme=theme)
    page = harness.page
    page.get_by_role("button", name="Search", exact=True).click()
    finish(harness, panel)
    assert panel.error == ""
    assert page.locator(".dx-race-line").count() == 2
    rows = page.locator(".dx-cells .dx-pick")
    assert rows.all_inner_texts() == ["Gray-box gradients", "Uniform random"]
    rows.first.focus()
    page.keyboard.press("Enter")
    best = panel.result.case("gray-box")
    words = f"{times(best.ratio)} times the optimum"
    page.wait_for_function("(words) => document.querySelector('.dx-verdict-line').textContent === words", arg=words)
    assert editor.result.ratio == pytest.approx(best.ratio, rel=1e-6)
    assert verdict(page, 1) == words
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
