"""Files that a visitor brings: one that is too large is refused before it is sent."""

from dnnexplain_widgets import AttributionPanel, Session


def test_a_file_that_is_too_large_is_refused_in_words_and_the_page_goes_on(open_panels, deeprm, drawn, start, tmp_path):
    panel = AttributionPanel(session=Session(deeprm, drawn, start))
    harness = open_panels(panel)
    large, small = tmp_path / "large.json", tmp_path / "small.json"
    with large.open("wb") as file:
        file.truncate(60_000_001)
    small.write_text("nothing")
    field = harness.page.locator("input[type=file]").first
    field.set_input_files(large)
    harness.page.get_by_text("large.json has 61 MB; a page takes files of up to 60 MB").wait_for()
    assert panel.upload == {}
    field.set_input_files(small)
    harness.page.get_by_text("large.json has 61 MB").wait_for(state="hidden")
    harness.page.wait_for_function("window.sent.some(([, changes]) => changes.upload)")
    harness.settle()
    assert panel.upload["file"] == "small.json"
