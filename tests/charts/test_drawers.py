"""The drawers draw the chart's own numbers, each in its place, and the same ones."""

import colorsys
import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from dnnexplain.charts import Axis, bars, from_table, heat, lines, paper, scatter
from dnnexplain.charts import live as bqplot_drawer
from dnnexplain.charts.look import HUES, RAMP, SIGNED, ramp, span, ticks
from dnnexplain.charts.svg import draw
from dnnexplain.contract import DnnExplainError

SVG = "{http://www.w3.org/2000/svg}"


def parts(chart, tag):
    return ET.fromstring(draw(chart)).findall(f".//{SVG}{tag}")


def test_the_lengths_of_bars_are_as_their_values():
    chart = bars(["a", "b"], {"cost": [2.0, -4.0]}, Axis("cost", "s"))
    one, two = (float(part.get("width")) for part in parts(chart, "rect"))
    assert two == pytest.approx(2 * one, rel=0.01)
    assert [bar.get_width() for bar in paper.draw(chart).axes[0].patches] == [2.0, -4.0]
    assert bqplot_drawer.draw(chart).marks[0].y.tolist() == [2.0, -4.0]
    assert paper.draw(chart).axes[0].get_xlabel() == "cost (s)"


@pytest.mark.parametrize("value", [0.5, 19.5])
def test_the_name_of_a_level_lies_within_the_picture_and_above_the_bars(value):
    chart = bars(["a", "b"], {"cost": [20.0, 18.0]}, Axis("cost"), levels=[("no plan can cost less", value)])
    name = next(part for part in parts(chart, "text") if part.text == "no plan can cost less")
    x, wide = float(name.get("x")), 6.0 * len(name.text)
    left = x - wide if name.get("text-anchor") == "end" else x
    assert left >= 0
    assert left + wide <= float(ET.fromstring(draw(chart)).get("viewBox").split()[2])
    assert float(name.get("y")) < min(float(bar.get("y")) for bar in parts(chart, "rect"))


def test_a_curve_passes_through_its_points_and_breaks_where_there_is_none():
    chart = lines({"n": ([0, 1, 2, 3], [0.0, 1.0, np.nan, 1.0])}, Axis("x"), Axis("y"))
    path = parts(chart, "path")[0].get("d")
    assert path.count("M") == 2
    assert path.count("L") == 1
    assert np.array_equal(paper.draw(chart).axes[0].lines[0].get_ydata(), [0.0, 1.0, np.nan, 1.0], equal_nan=True)


def test_a_heat_map_leaves_what_is_not_known_blank_and_is_lightest_where_most():
    chart = heat([[1.0, np.nan], [2.0, 3.0]], ["r", "s"], ["c", "d"], Axis("value"))
    colours = [part.get("fill") for part in parts(chart, "rect")]
    assert colours == [RAMP[0], ramp(0.5), RAMP[-1]]
    assert np.isnan(bqplot_drawer.draw(chart).marks[0].color[0, 1])


def test_points_that_are_no_numbers_are_left_out():
    chart = scatter({"a": ([0.0, 1.0, np.nan], [1.0, 2.0, 3.0])}, Axis("x"), Axis("y"))
    assert len(parts(chart, "circle")) == 2


def lightness(colour):
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


def test_colours_hold_in_grey():
    steps = [lightness(ramp(share)) for share in np.linspace(0, 1, 40)]
    assert (np.diff(steps) > 0).all()
    assert len(set(HUES)) == len(HUES)
    first, second = lightness(HUES[0]), lightness(HUES[1])
    assert (max(first, second) + 0.05) / (min(first, second) + 0.05) > 2


def test_words_of_people_stay_words():
    chart = bars(['<script>"&'], {"a": [1.0]}, Axis("y"), title="<b>")
    assert "<script" not in draw(chart)
    assert any(part.text == '<script>"&' for part in parts(chart, "text"))


def test_colours_of_text_and_axes_are_the_page_s():
    assert "currentColor" in draw(bars(["a"], {"a": [1.0]}, Axis("y")))
    assert "#000" not in draw(bars(["a"], {"a": [1.0]}, Axis("y")))


def test_many_bars_are_cut_to_the_longest_and_that_is_said():
    chart = bars(range(50), {"a": np.arange(50.0)}, Axis("y"))
    told = [part.text for part in parts(chart, "text")]
    assert "30 shorter bars are left out" in told
    assert "49" in told
    assert "5" not in told[:20]


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf, 1.0], [0.0, 0.0], [1e-300, 2e-300], [1e12, 1e12]])
def test_odd_numbers_are_drawn_without_a_fault(values):
    for chart in (
        bars(range(len(values)), {"a": values}, Axis("y")),
        lines({"a": (range(len(values)), values)}, Axis("x"), Axis("y")),
        heat([values], ["r"], range(len(values)), Axis("v")),
    ):
        assert "nan" not in draw(chart)
        bqplot_drawer.draw(chart)
        paper.draw(chart)


def test_series_that_do_not_fit_are_refused():
    with pytest.raises(DnnExplainError, match="'a' has 1 value for 2 places"):
        bars(["x", "y"], {"a": [1.0]}, Axis("y"))
    with pytest.raises(DnnExplainError, match="2 rows and 1 column needs"):
        heat([[1.0]], ["a", "b"], ["c"], Axis("v"))


def test_ticks_are_round_and_within():
    assert ticks(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert span(np.array([5.0]), zero=True) == (0.0, 5.0)
    low, high = span(np.array([5.0, 5.0]))
    assert low < 5 < high


def test_rows_become_bars_at_their_first_words():
    chart = from_table([{"who": "a", "cost": 1.0, "ok": True}, {"who": "b", "cost": None, "ok": False}])
    assert chart.labels == ("a", "b")
    assert [one.name for one in chart.series] == ["cost"]
    assert np.isnan(chart.series[0].y[1])


def test_of_many_measured_columns_one_is_drawn_with_its_interval_and_counts_only_where_nothing_is_measured():
    rows = [
        {"who": who, "sets": 200, "cost": 5.0 + at, "low": 4.0, "high": 7.0, "time": 9.0} for at, who in enumerate("ab")
    ]
    only = from_table(rows).series
    assert [one.name for one in only] == ["cost"]
    assert (list(only[0].low), list(only[0].high)) == ([4.0, 4.0], [7.0, 7.0])
    assert from_table(rows).y.label == "cost"
    assert from_table([{"who": row["who"], "sets": row["sets"]} for row in rows]).series[0].name == "sets"


def test_on_paper_the_legend_of_bars_lies_above_them_and_a_heat_map_says_in_its_title_what_it_measures():
    chart = bars(
        ["a", "b"], {"before": [1.0, 1.0], "after": [1.0, 1.0]}, Axis("cost"), title="t", levels=[("best", 0.5)]
    )
    ax = paper.draw(chart).axes[0]
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["best", "before", "after"]
    shown = heat(np.eye(2), ["a", "b"], ["c", "d"], Axis("a long name of what is measured here, in steps"))
    assert "what is measured here" in paper.draw(shown).axes[0].get_title(loc="left").replace("\n", " ")


@pytest.mark.parametrize("sides", [("for", "against"), ("for",), ("against",)])
def test_what_is_for_and_against_has_its_own_colours_in_every_drawer(sides):
    chart = bars(["a", "b"], {side: [1.0, 2.0] for side in sides}, Axis("y"))
    wanted = [SIGNED["light"][side] for side in sides]
    assert list(dict.fromkeys(part.get("fill") for part in parts(chart, "rect"))) == wanted
    assert bqplot_drawer.draw(chart).marks[0].colors == wanted
    drawn = [to_hex(shapes[0].get_facecolor()) for shapes in paper.draw(chart).axes[0].containers]
    assert drawn == wanted


def test_what_is_for_and_against_is_never_the_red_of_what_is_wrong():
    for sides in SIGNED.values():
        shades = [colorsys.rgb_to_hsv(*(int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0] for hue in sides.values()]
        assert all(20 / 360 < shade < 340 / 360 for shade in shades)


@pytest.mark.parametrize("values", [[1.0, 2.0], [-3.0, -1.0], [-2.0, 5.0], [0.0, 0.0], [np.nan, 1.0]])
def test_bars_of_a_live_figure_lie_between_the_ends_of_its_scale_and_reach_zero(values):
    # bqplot finds no ends of its own for bars side by side: it then draws an axis with 0 alone, and no bar
    scale = bqplot_drawer.draw(bars(["a", "b"], {"n": values}, Axis("y"))).marks[0].scales["y"]
    assert scale.min <= min(0.0, np.nanmin(values))
    assert scale.max >= max(0.0, np.nanmax(values))
    assert scale.min < scale.max


def test_a_heat_map_too_large_to_see_is_put_together_and_loses_no_peak():
    grid = np.zeros((768, 25))
    grid[701, 7], grid[3, 20] = 9.0, np.nan
    chart = heat(grid, range(768), range(25), Axis("range"))
    cells = parts(chart, "rect")
    assert len(cells) == 96 * 25
    fills = [cell.get("fill") for cell in cells]
    assert fills[(701 // 8) * 25 + 7] == ramp(1.0)
    assert fills.count(ramp(1.0)) == 1
    assert "each cell is the largest of 8 x 1" in draw(chart)
    grid[9, 2], grid[10, 2] = -7.0, 4.0
    signed = heat(grid, range(768), range(25), Axis("change"))
    fills = [cell.get("fill") for cell in parts(signed, "rect")]
    assert fills[25 + 2] == ramp(0.0)
    assert "each cell is the one furthest from 0 of 8 x 1" in draw(signed)
    assert "each cell" not in draw(heat(grid[:9], range(9), range(25), Axis("range")))


def test_long_names_of_bars_lie_within_the_figure():
    long = [f"with the last bitrate and the buffer changed, {rate} kbps instead of 4,300 kbps" for rate in range(9)]
    figure = paper.draw(bars(long, {"bound": range(9)}, Axis("bound")))
    figure.savefig(io.BytesIO(), format="png")  # which lays it out
    for label in figure.axes[0].get_yticklabels():
        assert label.get_window_extent().x0 >= 0
        assert label.get_text().endswith("4,300 kbps")


def test_a_chart_without_a_value_says_so():
    axes = paper.draw(lines({}, Axis("x"), Axis("y"))).axes[0]
    assert [text.get_text() for text in axes.texts] == ["no values"]
    assert not len(axes.get_xticks())


def test_names_of_references_that_lie_together_are_not_written_over_one_another():
    curve = lines({"a": (np.array([0.0, 1.0]), np.array([0.0, 1.0]))}, Axis("x"), Axis("y"))
    levels, places = (("best", 0.5), ("worst", 0.501)), (("turns off", 0.9), ("now", 0.9))
    named = {part.text: part for part in parts(replace(curve, levels=levels, places=places), "text")}
    for one, other in (("best", "worst"), ("turns off", "now")):
        assert abs(float(named[one].get("y")) - float(named[other].get("y"))) >= 10
    assert named["now"].get("text-anchor") == "end"  # far to the right: its name stands to the left of it


@pytest.mark.parametrize("count", [1, 3, 20])
def test_the_legend_of_bars_has_rows_of_its_own_in_a_live_figure(count):
    names = [f"bar {place}" for place in range(count)]
    single = bqplot_drawer.draw(bars(names, {"a": range(count)}, Axis("y")))
    several = bqplot_drawer.draw(bars(names, {"a": range(count), "b": range(count)}, Axis("y")))
    assert single.marks[0].scales["x"].domain == names
    rows = several.marks[0].scales["x"].domain
    assert rows[:count] == names
    assert {row.strip("\u200b") for row in rows[count:]} == {""}
    assert len(set(rows)) == len(rows) > count
    assert (int(several.layout.height[:-2]) - 96) / len(rows) * (len(rows) - count) >= 40


def test_what_a_live_heat_map_s_colours_measure_stands_in_its_title():
    figure = bqplot_drawer.draw(heat(np.eye(2), "ab", "cd", Axis("gap", "%"), title="all"))
    assert figure.title == "all: gap (%)"
    assert not any(axis.label == "gap (%)" for axis in figure.axes)  # where bqplot cuts it off, in orange


def test_a_curve_of_a_single_point_is_seen():
    chart = lines({"a": ([1.0], [2.0])}, Axis("x"), Axis("y"))
    assert len(parts(chart, "circle")) == 1
    assert bqplot_drawer.draw(chart).marks[0].marker
    assert paper.draw(chart).axes[0].lines[0].get_marker() != "None"
