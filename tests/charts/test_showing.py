"""Every kind of result shows itself: in a cell, as text, as a table for papers, and as a figure."""

import base64
import dataclasses
import re
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dnnexplain.charts import Kind
from dnnexplain.contract import DnnExplainError
from dnnexplain.numbers import with_minus
from dnnexplain.results import Question, Result, Shown, array_field
from dnnexplain.showing import html_of

sys.path.insert(0, str(Path(__file__).parent))
from samples import kinds, sample

KINDS = kinds()
every = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@cache
def made(kind):
    return sample(kind)


def test_the_kinds_are_found():
    assert {"Attribution", "Curves", "Adversarial", "Distillation", "WorstCase"} <= {kind.__name__ for kind in KINDS}


@every
def test_a_cell_shows_sentence_picture_and_table_and_no_raw_dataclass(kind):
    result = made(kind)
    shown = result._repr_mimebundle_()
    html, text = shown["text/html"], shown["text/plain"]
    page = ET.fromstring(html)  # well-formed, so nothing of the words became markup
    assert len(page.findall(".//{http://www.w3.org/2000/svg}svg")) == 1
    assert page.findall(".//table") or not result.table()
    assert "".join(page.itertext()).find(with_minus(result.sentence())) >= 0
    assert len(html) < 60_000
    assert text == repr(result)
    assert len(text.splitlines()) <= 8 + text.count("\nAssumed: ")
    assert text.count("\nAssumed: ") == html.count(">Assumed: ")
    assert not re.search(r"array\(|dtype=|Question\(", html + text)
    assert result.sentence() in text


@every
def test_a_table_is_written_for_papers_and_pandas(kind):
    rows = made(kind).table()
    assert len(made(kind).frame()) == len(rows)
    markdown, latex = made(kind).to_markdown(), made(kind).to_latex("A & B", "tab:a")
    assert len(markdown.splitlines()) == (len(rows) + 2 if rows else 0)
    assert latex.count(r"\\") >= len(rows)
    assert latex.count(r"\begin") == latex.count(r"\end")
    assert not rows or r"A \& B" in latex


@every
def test_a_figure_is_drawn_by_bqplot_and_for_a_paper(kind):
    import bqplot

    figure = made(kind).plot()
    assert isinstance(figure, bqplot.Figure)
    assert figure.marks
    assert len(figure.axes) >= 2
    paper = made(kind).plot(backend="matplotlib")
    assert paper.get_size_inches()[0] == 3.5
    assert paper.axes[0].has_data()


@every
def test_a_picture_names_what_its_axes_measure(kind):
    chart = made(kind).picture()
    assert (chart.value if chart.kind == Kind.HEAT else chart.y).label
    assert chart.kind in {Kind.BARS, Kind.HEAT} or chart.x.label


def test_a_paper_s_pdf_has_its_text_as_text(tmp_path):
    attribution = next(made(kind) for kind in KINDS if kind.__name__ == "Attribution")
    path = tmp_path / "figure.pdf"
    attribution.plot(backend="matplotlib").savefig(path)
    data = path.read_bytes()
    assert b"/FontFile2" in data or b"TrueType" in data or b"Type42" in data or b"CIDFontType2" in data
    assert b"/Subtype /Image" not in data


def test_a_figure_is_drawn_into_given_axes():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert next(made(kind) for kind in KINDS).plot(backend="matplotlib", ax=ax) is ax.figure
    assert ax.has_data()
    with pytest.raises(DnnExplainError, match='backend="matplotlib"'):
        made(KINDS[0]).plot(ax=ax)
    with pytest.raises(DnnExplainError, match="Did you mean 'bqplot'"):
        made(KINDS[0]).plot("bqplt")


@dataclasses.dataclass(frozen=True, eq=False)
class Own(Result):
    """A kind of a reader's own, which draws and says nothing itself."""

    question: Question
    label: str
    cost: float | None
    big: np.ndarray = array_field("n", default_factory=lambda: np.zeros(10_000))


def test_a_kind_of_one_s_own_shows_its_table_without_a_word_more():
    own = Own(Question("here", assumed=["<i> & so on"]), "a|b_c", 2.5)
    assert repr(own).splitlines()[0] == "Own"
    assert "&lt;i&gt; &amp; so on" in own._repr_mimebundle_()["text/html"]
    assert own.picture().labels == ("cost",) or own.picture().series[0].y.tolist() == [2.5]
    assert own.to_markdown() == "| label | cost |\n| --- | ---: |\n| a\\|b_c | 2.50 |\n"
    assert r"a|b\_c & 2.50 \\" in own.to_latex()


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch):
    own = Own(Question("here"), "a", 1.0)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DnnExplainError, match=r"pip install 'dnnexplain\[notebook\]'"):
        own.frame()
    monkeypatch.setitem(sys.modules, "bqplot", None)
    monkeypatch.delitem(sys.modules, "dnnexplain.charts.live", raising=False)
    with pytest.raises(DnnExplainError, match=r"pip install 'dnnexplain\[widgets\]'"):
        own.plot()


HELPERS = {"ClampedPolicy", "MapSize", "NeuronLayer", "Problem", "Visited"}
"""What public functions return that is no answer: something to go on with."""


def test_all_that_public_functions_answer_shows_itself():
    import dnnexplain.explain

    answers = set()
    for name in dnnexplain.explain.__all__:
        told = getattr(getattr(dnnexplain.explain, name), "__annotations__", {}).get("return", "")
        answers |= set(re.findall(r"\b[A-Z]\w+", str(told)))
    own = {name: getattr(dnnexplain.explain, name, None) for name in answers}
    odd = {
        name for name, kind in own.items()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and not issubclass(kind, Shown)
    }  # fmt: skip
    assert {"Attribution", "Curves"} <= own.keys()
    assert odd <= HELPERS


@every
def test_where_svg_and_styles_are_taken_out_the_picture_stays_as_an_image(kind):
    page = ET.fromstring(made(kind)._repr_mimebundle_()["text/html"])
    place = page.find(".//div[@class='dnnexplain-picture']")
    picture, image = list(place)
    assert picture.tag.endswith("svg")  # an image beside it is hidden
    assert ".dnnexplain-picture svg+img{display:none}" in page.findtext(".//style")
    alone = base64.b64decode(image.get("src").removeprefix("data:image/svg+xml;base64,")).decode()
    assert ET.fromstring(alone).tag == picture.tag
    assert "color:inherit" not in alone  # an image has no page to take a colour from
    assert image.get("alt") == picture.get("aria-label")
    assert not re.search(r"<(style|img|script)|(src|href)=", made(kind).to_html())
    assert with_minus(made(kind).sentence()) in "".join(ET.fromstring(made(kind).to_html()).itertext())


@every
def test_a_figure_has_its_picture_for_viewers_without_widgets(kind, monkeypatch):
    import IPython.display

    data = made(kind).plot()._repr_mimebundle_()
    assert VIEW in data
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")
    assert data["text/html"].startswith("<img ")
    said = []
    monkeypatch.setattr(IPython.display, "display", lambda shown, **_options: said.append(shown))
    made(kind).plot()._ipython_display_()
    still, live = said
    assert VIEW in live
    assert not live["text/html"]  # where no widget is drawn it adds nothing
    assert VIEW not in still  # or a page that knows widgets would take it, and draw none without their code
    assert len(ET.fromstring(still["text/html"]).findall(".//{http://www.w3.org/2000/svg}svg")) == 1
    assert "array(" not in still["text/plain"] + live["text/plain"]


def test_a_page_of_nbconvert_that_knows_the_widgets_state_shows_a_figure_s_picture():
    import IPython.display
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from nbconvert import HTMLExporter

    InteractiveShell.instance()
    figure = made(KINDS[0]).plot()
    with capture_output() as shown:
        IPython.display.display(figure)
    outputs = [nbformat.v4.new_output("display_data", part.data) for part in shown.outputs]
    states = {figure.model_id: {"model_name": "FigureModel", "model_module": "bqplot", "state": {}}}
    kept = {"application/vnd.jupyter.widget-state+json": {"state": states, "version_major": 2, "version_minor": 0}}
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("found.plot()", outputs=outputs)], metadata={"widgets": kept}
    )
    page, _ = HTMLExporter().from_notebook_node(book)
    assert f'"model_id": "{figure.model_id}"' in page
    assert page.count('class="dnnexplain-picture"') == 1


@pytest.mark.parametrize("box", ["VBox", "HBox", "GridBox", "Tab", "Accordion"])
def test_a_box_of_a_users_own_keeps_the_pictures_of_the_figures_in_it(box):
    import ipywidgets
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    first, second = made(KINDS[0]).plot(), made(KINDS[1]).plot()
    kind = getattr(ipywidgets, box)
    with capture_output() as shown:
        display(kind([first, ipywidgets.HBox([ipywidgets.Label("beside"), second, first])]))
        display(kind([ipywidgets.Label("no figure")]))
    still, view, plain = (part.data for part in shown.outputs)
    assert still["text/html"].count('class="dnnexplain-picture"') == 2, "each once, before the box"
    assert VIEW not in still
    assert VIEW in view
    assert not view["text/html"]
    assert VIEW in plain, "a box without such a figure is shown as ever"


def test_a_box_that_says_itself_how_it_is_displayed_does_so(capsys):
    import ipywidgets
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    class Own(ipywidgets.VBox):
        def _ipython_display_(self):
            print("my own way")  # noqa: T201

    InteractiveShell.instance()
    display(Own([made(KINDS[0]).plot()]))
    assert "my own way" in capsys.readouterr().out


VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_table_is_shown_whole_or_by_its_beginning():
    def rows(count):
        page = html_of("Kind", "A sentence.", [{"a": number} for number in range(count)], "")
        return page.count("<tr>") - 1, "more row" in page

    assert [rows(count) for count in (5, 20, 21)] == [(5, False), (20, False), (10, True)]
    assert "z" * 150 in html_of("Kind", "A sentence.", [{"a": "z" * 150}], "")  # a page wraps a long cell
