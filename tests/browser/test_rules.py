"""The rules panel in a page: read, changed, walked through, by mouse and keyboard, on a laptop and a phone."""

from pathlib import Path

import numpy as np
import pytest

from dnnexplain.counts import counted
from dnnexplain.explain.distillation import Rulebook, distil
from dnnexplain.explain.distillation.tree import LEAF
from dnnexplain.systems.deeprm import DeepRM
from dnnexplain_widgets import RulesPanel, Session, StateEditor
from tests.browser.axe import serious
from tests.browser.harness import finish, until

WORLD = DeepRM(slots=2)
SMALL = {"sets": 4, "unseen": 6, "rounds": 1, "seeds": 2}


@pytest.fixture(scope="module")
def learned():
    def draw(count, seed):
        return WORLD.workloads("deeprm", count, seed, rate=0.6, steps=20)

    found = distil(WORLD, WORLD.rules()["packer"], draw, leaves=8, seed=1, **SMALL)
    return Rulebook(found.question, found, found.size, found.tree)


def make_panel(session):
    panel = RulesPanel(session=session, settings=SMALL, compare_sets=6, bound_seconds=0)
    panel.set_answers(**{"leaves": 8, "knob steps": 20, "knob rate": 0.6})
    return panel


@pytest.fixture
def shown(open_panels, learned):
    """Opens a page with the editor and a rules panel that has its rules."""

    def show(width=1100, theme="light"):
        session = Session(WORLD, WORLD.rules()["packer"])
        panel = make_panel(session)
        harness = open_panels(StateEditor(session=session), panel, width=width, theme=theme)
        panel.load(learned)
        finish(harness, panel)
        return harness, panel

    return show


def lines(page):
    return page.locator(".dx-rule")


def first_leaf(panel):
    return next(line["leaf"] for line in panel.figure["rules"]["lines"] if line.get("leaf", {}).get("count"))


def test_the_path_of_the_state_is_lit_when_a_knob_is_turned(shown):
    harness, panel = shown()
    page = harness.page
    tree = panel.result.tree
    knob = [knob.name for knob in WORLD.knobs].index("job 1 length")
    begun = panel.session.state.values[knob]
    for steps in (0, 5):
        slider = page.get_by_role("slider", name="job 1 length").last
        slider.focus()
        for _ in range(steps):
            page.keyboard.press("ArrowRight")
        harness.settle()
        lit = page.locator('.dx-rule[aria-current="true"]')

        def is_lit(turned=steps, lit=lit):
            leaf = tree.path(WORLD.features(panel.session.live.observation[None])[0])[-1]
            turned_to = panel.session.state.values[knob]
            return turned_to == begun + turned and lit.count() == 1 and lit.locator(f'[data-at="l{leaf}"]').count() == 1

        until(harness, is_lit)
    assert page.locator(".dx-now-value:not(:empty)").count() >= 1


def test_an_action_is_changed_in_the_page_run_and_taken_back(shown):
    harness, panel = shown()
    page, leaf = harness.page, first_leaf(panel)
    other = next(i for i in range(len(panel.desk.finding.actions)) if i != leaf["action"])
    page.locator(f'[data-at="a{leaf["node"]}"]').select_option(str(other))
    finish(harness, panel)
    assert panel.result.tree.action[leaf["node"]] == other
    assert page.locator(".dx-choice.dx-changed").inner_text().startswith(panel.desk.finding.actions[other])
    assert "rules with your changes" in page.locator(".dx-cells").inner_text()
    page.get_by_role("button", name="Undo change").click()
    finish(harness, panel)
    assert page.locator(".dx-changed").count() == 0
    assert "rules with your changes" not in page.locator(".dx-cells").inner_text()


def test_a_threshold_is_changed_by_keyboard(shown):
    harness, panel = shown()
    page = harness.page
    field = page.locator('.dx-rule input[type="number"]').first
    node = int(field.get_attribute("data-at")[1:])
    field.fill("3.25")
    field.press("Enter")
    finish(harness, panel)
    assert panel.result.tree.threshold[node] == 3.25
    assert page.locator(f'[data-at="t{node}"]').input_value() == "3.25"
    assert page.evaluate("() => document.activeElement.dataset.at") == f"t{node}"


def test_a_rule_opens_its_states_in_the_editor(shown):
    harness, panel = shown()
    page, leaf = harness.page, first_leaf(panel)
    button = page.locator(f'[data-at="l{leaf["node"]}"]')
    assert f"{leaf['count']} states" in button.get_attribute("aria-label")
    button.focus()
    page.keyboard.press("Enter")
    finish(harness, panel)
    states = panel.desk.states(leaf["node"])
    np.testing.assert_array_equal(panel.session.state.background, panel.desk.ground.observations[states[0]])
    page.get_by_role("button", name="Next state").click()
    finish(harness, panel)
    at = states[1 % len(states)]
    np.testing.assert_array_equal(panel.session.state.background, panel.desk.ground.observations[at])
    assert page.locator('.dx-rule[aria-current="true"]').locator(f'[data-at="l{leaf["node"]}"]').count() == 1


def test_the_slider_moves_along_the_curves(shown):
    harness, panel = shown()
    page = harness.page
    slider = page.get_by_role("slider", name="Number of rules")
    slider.focus()
    page.keyboard.press("Home")
    finish(harness, panel)
    smallest = panel.desk.finding.path_trees[0]
    assert panel.result.tree is smallest
    assert page.locator(".dx-rule [data-at^=l]").count() == int(np.sum(smallest.feature == LEAF))
    assert page.locator(".dx-size-words").inner_text().startswith(f"{counted(smallest.leaves, 'rule')}:")
    dots = page.locator(".dx-size-dot")
    assert dots.count() == 2


def test_an_export_is_a_file_of_the_reader(shown):
    harness, panel = shown()
    page = harness.page
    page.locator('[data-name="format"]').select_option("c")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Export").click()
    assert caught.value.suggested_filename == "rules.c"
    assert Path(caught.value.path()).read_text(encoding="utf-8") == panel.export("c")


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_rules_fit_the_page_and_every_control_has_a_name(shown, width, theme):
    harness, panel = shown(width, theme)
    page = harness.page
    assert lines(page).count() == len(panel.figure["rules"]["lines"])
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    wide = "() => [...document.querySelectorAll('.dx-rule')].every((r) => r.scrollWidth <= r.clientWidth + 1)"
    assert page.evaluate(wide)
    nameless = """() => [...document.querySelectorAll('.dx-rules input, .dx-rules select, .dx-sizes input')]
        .filter((e) => !e.getAttribute('aria-label')).length"""
    assert page.evaluate(nameless) == 0
    assert serious(page) == []
