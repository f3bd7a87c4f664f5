"""A lesson in the site: its panels are drawn without a kernel, from what the notebook kept, even from disk."""

import json
from pathlib import Path

import pytest
from ipywidgets.embed import embed_data

from dnnexplain.contract import state_from_values
from dnnexplain.explain import decide
from dnnexplain_widgets import DecisionPanel, Exercise, Session, StateEditor, TransferPanel
from tests.browser.conftest import close_to, shown_probabilities
from tests.browser.harness import no_overflow

STATIC = Path(__file__).parents[2] / "docs" / "_static"
PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>lesson</title><meta name=viewport content="width=device-width">
<style>{style}</style><body data-theme="{theme}"><main>{views}</main>
<script type="application/vnd.jupyter.widget-state+json">{state}</script><script src="lesson.js" defer></script>"""


@pytest.fixture
def open_lesson(chromium, tmp_path):
    """Opens widgets as the site shows them, from disk; fails on any console error at the end."""
    opened = []

    def show(*widgets, width=1280, theme="light"):
        data = embed_data(views=widgets)
        views = "".join(
            f'<section><script type="application/vnd.jupyter.widget-view+json">{json.dumps(view)}</script></section>'
            for view in data["view_specs"]
        )
        state = json.dumps(data["manager_state"]).replace("</", "<\\/")
        style = (STATIC / "site.css").read_text()
        (tmp_path / "lesson.html").write_text(PAGE.format(views=views, state=state, theme=theme, style=style))
        (tmp_path / "lesson.js").write_text((STATIC / "lesson.js").read_text())
        context = chromium.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.errors = []
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto((tmp_path / "lesson.html").as_uri())
        opened.append((context, page))
        return page

    yield show
    for context, page in opened:
        context.close()
        assert page.errors == []


@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_a_lessons_panels_are_drawn_and_follow_a_drag_without_a_kernel(open_lesson, deeprm, drawn, start, width, theme):
    session = Session(deeprm, drawn, start)
    page = open_lesson(StateEditor(session=session), DecisionPanel(session=session), width=width, theme=theme)
    page.wait_for_selector(".dx-outputs tr")
    assert page.locator(".dx").first.get_attribute("data-theme") == theme
    shown = shown_probabilities(page)
    assert all(
        close_to(text, exact)
        for text, exact in zip(shown.values(), decide(deeprm, drawn, start).probabilities, strict=True)
    )
    outputs = page.evaluate("() => document.querySelector('.dx-outputs').innerText")
    page.locator('.dx-grip[aria-label^="job 1 length"]').first.press(
        "ArrowDown"
    )  # what is out of sight follows at rest
    longer = decide(deeprm, drawn, state_from_values(deeprm, {"job 1 length": 6}, start))
    page.wait_for_function("(old) => document.querySelector('.dx-outputs').innerText !== old", arg=outputs)
    after = shown_probabilities(page)
    assert all(close_to(text, exact) for text, exact in zip(after.values(), longer.probabilities, strict=True))
    assert page.get_by_text("try it").count() == 1
    assert no_overflow(page)


def test_what_needs_a_kernel_says_so(open_lesson, deeprm, drawn, start):
    page = open_lesson(
        TransferPanel(session=Session(deeprm, drawn, start)),
        Exercise("What is one and one?", lambda answer: answer == "2"),
    )
    page.get_by_text("What is one and one?").wait_for()
    page.get_by_text("Answers are checked where the lesson runs").wait_for()
    page.get_by_text("As it was when the lesson was run").wait_for()
    assert page.locator("button:visible:not([inert] *)", has_text="Run").count() == 0
