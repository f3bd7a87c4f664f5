"""Every figure as PNG, SVG and CSV, the result as JSON: what is saved is what is shown and what was computed."""

import csv
import io
import json
import struct
import zlib
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from dnnexplain.explain.attribution.one_state import Attribution
from tests.browser.conftest import wait_settled

SVG = "{http://www.w3.org/2000/svg}"
QUESTIONS = {
    "StateEditor": "What does the network see?",
    "SaliencyPanel": "What moved this decision?",
    "DecisionPanel": "What does it do here?",
    "NeuronsPanel": "What switches its neurons?",
    "AttributionPanel": "How far can this explanation be trusted?",
    "WhiteBoxPanel": "Which neurons made the choice, and what feeds them?",
}


def save(page, question, kind):
    """The bytes of a panel's file."""
    box = page.locator(".dx", has=page.get_by_role("heading", name=question, exact=True))
    box.locator(".dx-menu summary").click()
    with page.expect_download() as download:
        box.locator(".dx-menu-item", has_text=kind).click()
    assert download.value.suggested_filename.startswith("dnnexplain-")
    return download.value.path().read_bytes()


def tables(content):
    """The tables of a CSV file by name; one that stands alone has none."""
    found, name = {}, ""
    for row in csv.reader(io.StringIO(content.decode())):
        if len(row) == 1 and row[0].startswith("# "):
            name = row[0][2:]
        elif row:
            found.setdefault(name, []).append(row)
    return found


def png_size(content):
    """Width and height, after a look at the whole file's check sums."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    at, names = 8, []
    while at < len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        body = content[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0]
        names.append(body[:4])
        at += 12 + length
    assert names[0] == b"IHDR"
    assert names[-1] == b"IEND"
    return struct.unpack(">II", content[16:24])


@pytest.fixture
def shown(open_board, board):
    board.show("decision")
    harness = open_board(given=board)
    wait_settled(harness)
    return harness.page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_a_picture_in_the_pages_colours(open_board, board, theme):
    board.show("decision")
    page = open_board(theme=theme, given=board).page
    card = {"light": "#fff", "dark": "#1b1f26"}[theme]
    for question in QUESTIONS.values():
        svg = ET.fromstring(save(page, question, "SVG"))
        assert svg.tag == f"{SVG}svg"
        width, height = float(svg.get("width")), float(svg.get("height"))
        assert width >= 240
        assert height >= 60
        assert svg.find(f"{SVG}rect").get("fill") == card
        texts = [text.text or "" for text in svg.iter(f"{SVG}text")]
        assert question.startswith(texts[0])
        for image in svg.iter(f"{SVG}image"):
            assert image.get("href").startswith("data:image/png")
        assert png_size(save(page, question, "PNG")) == (round(width * 2), round(height * 2))


def test_the_picture_holds_what_the_panel_says(shown, board):
    live = board.session.live
    svg = ET.fromstring(save(shown, QUESTIONS["DecisionPanel"], "SVG"))
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    for name in board.session.system.output.names:
        assert name in texts
    possible = [
        f"{value:.3f}" for value, valid in zip(live.decision.probabilities, live.decision.valid, strict=True) if valid
    ]
    assert set(possible) <= set(texts)
    bars = [
        float(rect.get("width"))
        for rect in svg.iter(f"{SVG}rect")
        if rect.get("fill", "").startswith("rgb(42, 157, 143")
    ]
    assert len(bars) == 1  # job 1's bar in job 1's colour


def test_the_data_are_the_results_numbers(shown, board):
    session, system = board.session, board.session.system
    live = session.live
    decision = tables(save(shown, QUESTIONS["DecisionPanel"], "CSV"))[""]
    assert decision[0] == ["output", "value", "unit", "possible", "chosen", "rules"]
    assert [row[0] for row in decision[1:]] == list(system.output.names)
    assert np.allclose([float(row[1]) for row in decision[1:]], live.decision.probabilities, atol=1e-7)
    assert [row[4] for row in decision[1:]].index("true") == live.decision.action

    maps = tables(save(shown, QUESTIONS["SaliencyPanel"], "CSV"))
    groups = maps["groups"][1:]
    assert [row[0] for row in groups] == list(system.groups)
    assert np.allclose(
        [[float(x) for x in row[1:3]] for row in groups],
        np.stack([live.attribution.positive, live.attribution.negative], 1),
        rtol=1e-5,
    )
    cells = maps["picture"][1:]
    assert len(cells) == live.observation.size
    assert np.isclose(sum(float(row[3]) for row in cells), live.observation.sum())
    step = np.abs(live.attribution.map).max() / 127  # the page has the map in 127 steps
    assert abs(sum(float(row[4]) for row in cells) - live.attribution.map.sum()) <= step * len(cells) / 2

    neurons = tables(save(shown, QUESTIONS["NeuronsPanel"], "CSV"))
    assert np.allclose([float(row[1]) for row in neurons["units"][1:]], live.activations, rtol=1e-5, atol=1e-6)
    drawn = [float(row[4]) for row in neurons["curves"][1:]]
    assert np.allclose(
        drawn, np.concatenate([curve[session.unit] for curve in live.curves.activation]), rtol=1e-5, atol=1e-6
    )
    assert [float(row[2]) for row in neurons["curves"][1:]] == pytest.approx(list(np.concatenate(live.curves.values)))

    editor = tables(save(shown, QUESTIONS["StateEditor"], "CSV"))
    assert [float(row[1]) for row in editor["knobs"][1:]] == session.state.values.tolist()

    found = board.panel("WhiteBoxPanel").result
    *neurons, others, bias, total = tables(save(shown, QUESTIONS["WhiteBoxPanel"], "CSV"))[""][1:]
    for row in neurons:
        assert float(row[3]) == pytest.approx(found.effects[int(row[0].split()[1])])
    assert float(bias[3]) == pytest.approx(found.offset)
    assert float(total[3]) == pytest.approx(found.contrast)
    assert sum(float(row[3]) for row in (*neurons, others, bias)) == pytest.approx(found.contrast)


def test_the_result_is_the_explainers_own(shown, board):
    saved = Attribution.from_json(save(shown, QUESTIONS["SaliencyPanel"], "JSON").decode())
    assert saved == board.session.live.attribution
    state = json.loads(save(shown, QUESTIONS["StateEditor"], "JSON"))
    assert state == board.session.system.state_to_json(board.session.state)


def test_a_spreadsheet_runs_nothing_that_stands_in_a_field(shown):
    assert shown.evaluate("() => window.exported.csvOf([{ name: 'a', rows: [['=1+1', 'x,y', 'q\"r', -2.5]] }])") == (
        '\'=1+1,"x,y","q""r",-2.5\r\n'
    )


def test_the_menu_is_reached_and_left_by_keyboard(shown):
    summary = shown.locator(".dx-menu:not([hidden]) summary").first  # masthead and guide save nothing
    summary.focus()
    shown.keyboard.press("Enter")
    shown.keyboard.press("Tab")
    assert shown.evaluate("() => document.activeElement.textContent") == "Picture, PNG"
    shown.keyboard.press("Escape")
    assert shown.locator(".dx-menu[open]").count() == 0
    assert summary.evaluate("(one) => one === document.activeElement")


def test_a_saved_picture_ends_where_what_is_drawn_ends_and_tells_the_state_once(shown):
    """Sliders and tabs stand below the editor's picture, and are no part of what is saved."""
    root = ET.fromstring(save(shown, QUESTIONS["StateEditor"], "SVG"))
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert sum(" wait" in line and "Job 1 (" in line for line in words) <= 1
    below = [float(text.get("y")) for text in root if text.tag == f"{SVG}text" and text.get("font-size") == "14"]
    picture = shown.locator(".dx[data-kind=StateEditor] .dx-board, .dx[data-kind=StateEditor] canvas").first
    assert min(below) < picture.bounding_box()["height"] + 140


def test_a_panel_on_the_full_screen_has_its_margins(shown):
    box = shown.locator(".dx", has=shown.get_by_role("heading", name=QUESTIONS["DecisionPanel"], exact=True))
    box.locator(".dx-full-button").click()
    shown.wait_for_function("() => document.fullscreenElement")
    assert box.evaluate("(one) => getComputedStyle(one).padding") == "24px 64px"
    head, save_menu = box.locator(".dx-full-button").bounding_box(), box.locator(".dx-menu summary").bounding_box()
    assert abs(head["y"] + head["height"] / 2 - save_menu["y"] - save_menu["height"] / 2) < 3
