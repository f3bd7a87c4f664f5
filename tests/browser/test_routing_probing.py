"""Looking into a router in a page: what excites a neuron, what holding it does, facts, points that load their traffic."""

import pytest

from dnnexplain_widgets import (
    EmbeddingPanel,
    InterventionPanel,
    KnowledgePanel,
    MaximalPanel,
    PartRulesPanel,
    TopologyPanel,
)
from tests.browser.harness import finish, no_overflow, part, press, until
from tests.widgets.rings import CASES, deep_session


@pytest.fixture
def session():
    return deep_session()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_traffic_that_excites_most_is_listed_and_opens_in_the_map(open_panels, session, width, theme):
    topology, panel = TopologyPanel(session=session), MaximalPanel(session=session)
    harness = open_panels(topology, panel, width=width, theme=theme)
    own = part(harness.page, panel)
    press(harness, panel, "Find the state")
    assert own.locator(".dx-badge").get_attribute("data-level") == "green"
    rows = own.locator(".dx-cells tbody tr")
    assert rows.count() == len(panel.figure["cells"]["rows"]) > 0
    assert rows.first.locator("th").inner_text() == panel.figure["cells"]["rows"][0]["label"].replace("->", "→")
    press(harness, panel, "Open in editor")
    assert session.state == panel.result.state
    assert topology.finding.demand.tolist() == session.state.values[CASES.graph.knobs].tolist()
    assert no_overflow(harness.page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_a_neuron_is_held_here_and_over_traffic(open_panels, session, width, theme):
    panel = InterventionPanel(session=session)
    panel.set_answers(sets=6, held=3.0)
    harness = open_panels(panel, width=width, theme=theme)
    page = harness.page
    assert page.locator(".dx-changes").count() == 2  # what is measured, and the outputs that move most
    assert "busiest link over optimum" in page.locator(".dx-changes").first.inner_text()
    press(harness, panel, "Run workloads")
    assert page.locator(".dx-changes").count() == 3
    assert page.locator(".dx-whisker").count() == 1
    press(harness, panel, "Each neuron in turn")
    page.locator(".dx-cells .dx-pick").first.click()
    until(harness, lambda: session.unit == panel._ordered()[0].neuron)
    assert no_overflow(page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_facts_of_the_traffic_are_shown_beside_their_control(open_panels, session, width, theme):
    panel = KnowledgePanel(session=session)
    panel.set_answers(about="", states=80, repeats=2)
    harness = open_panels(panel, width=width, theme=theme)
    press(harness, panel, "Probe")
    rows = harness.page.locator(".dx-changes tr")
    shown = {row.locator("th").inner_text() for row in rows.all()}
    assert shown == {fact.name.replace("->", "→") for fact in panel.result.facts}
    assert any(fact.name.startswith("the busiest link would be") for fact in panel.result.facts)
    assert no_overflow(harness.page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_point_of_traffic_is_recoloured_and_loaded(open_panels, session, width, theme):
    topology, panel = TopologyPanel(session=session), EmbeddingPanel(session=session)
    panel.set_answers(states=40)
    harness = open_panels(topology, panel, width=width, theme=theme)
    own = part(harness.page, panel)
    press(harness, panel, "Place the states")
    own.get_by_role("combobox", name="Coloured by").select_option(CASES.features.names[0])
    finish(harness, panel)
    assert panel.result.label == CASES.features.names[0]
    own.get_by_label("State by state").focus()
    harness.page.keyboard.press("ArrowRight")
    finish(harness, panel)
    chosen = int(panel.answers["point"])
    assert chosen >= 0
    assert session.state == panel.states[int(panel.result.index[chosen])]
    assert topology.finding.demand.tolist() == session.state.values[CASES.graph.knobs].tolist()
    assert no_overflow(harness.page)


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_a_router_is_read_as_rules_and_the_path_of_a_pair_is_lit(open_panels, session, width, theme):
    settings = {"sets": 6, "unseen": 4, "seeds": 1}
    panel = PartRulesPanel(session=session, settings=settings, compare_sets=3, bound_seconds=1)
    panel.set_answers(leaves=6)
    harness = open_panels(panel, width=width, theme=theme)
    own = part(harness.page, panel)
    press(harness, panel, "Distil")
    finish(harness, panel)
    assert own.locator(".dx-rule").count() == len(panel.figure["rules"]["lines"])
    own.get_by_role("combobox", name="Path lit for").select_option(CASES.part_names[5])
    finish(harness, panel)
    assert own.locator('.dx-rule[aria-current="true"]').count() == 1
    lit = next(line["leaf"] for line in panel.figure["rules"]["lines"] if line["first"] == panel.lit["path"][-1])
    assert lit["text"] in own.locator('.dx-rule[aria-current="true"]').inner_text()
    assert no_overflow(harness.page)
