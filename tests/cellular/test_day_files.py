"""Logs of cells, clean and dirty: what is read, what is left out, and that the sentence says so."""

import datetime as dt

import numpy as np
import pytest

from dnnexplain.contract import DnnExplainError
from dnnexplain.systems.cellular.day_files import read_days
from dnnexplain.systems.cellular.days import AHEAD

FRAME = {"history": 2, "start": 8.0, "minutes": 60, "error": 0.0}


def rows(minutes=24 * 60 * 2, period=1.0, start="2018-03-05 00:00:00"):
    """(time, congestion, sessions, efficiency), two days by default; congestion is the hour over 24."""
    first = dt.datetime.fromisoformat(start)
    times = [first + dt.timedelta(minutes=period * k) for k in range(int(minutes / period))]
    return [(t.isoformat(sep=" "), (t.hour + t.minute / 60) / 24, 10 + t.hour, 15) for t in times]


def write(path, table, header="time,rb_down,rnti_count,mcs_down"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in table)]) + "\n")
    return path


def test_whole_days_are_read_in_order_with_the_hours_of_the_log(tmp_path):
    days, told = read_days(write(tmp_path / "cell.csv", rows()), **FRAME, busy=0)
    assert [day.name for day in days] == ["cell 2018-03-05", "cell 2018-03-06"]
    assert days[0].own[2] == pytest.approx(8 / 24)
    assert days[0].own[0] == pytest.approx((7 + 58 / 60) / 24)
    assert days[0].forecast[0, 0] == pytest.approx(8 / 24)
    assert "2 days" in told


def test_another_period_is_brought_to_minutes_and_told(tmp_path):
    plain, _ = read_days(write(tmp_path / "a.csv", rows()), **FRAME, busy=0)
    coarse, told = read_days(write(tmp_path / "b.csv", rows(period=2.0)), **FRAME, busy=0)
    fine, also = read_days(write(tmp_path / "c.csv", rows(period=0.25)), **FRAME, busy=0)
    assert "ows every 2 minutes interpolated" in told
    assert "ows every 15 seconds averaged" in also
    assert coarse[0].own == pytest.approx(plain[0].own, abs=1e-6)
    assert fine[0].own == pytest.approx(plain[0].own, abs=1e-3)


def test_duplicates_disorder_and_bad_rows_are_mended_and_told(tmp_path):
    table = rows()
    plain, _ = read_days(write(tmp_path / "a.csv", table), **FRAME, busy=0)
    at = 8 * 60 + 5
    dirty = [*table[at + 1 :], *table[: at + 1], (table[at][0], table[at][1] + 0.2, 18, 15)]
    dirty += [("yesterday", 0.1, 1, 1), (table[3][0], "nan", 1, 1), (table[4][0], -1, 1, 1), (table[5][0], 0.1)]
    days, told = read_days(write(tmp_path / "b.csv", dirty), **FRAME, busy=0)
    assert "4 rows without a time or a number left out" in told
    assert "rows put in order of time" in told
    assert "1 row of a time that was there already averaged" in told
    changed = np.flatnonzero(np.abs(days[0].own - plain[0].own) > 1e-6)
    assert changed.tolist() == [7]
    assert days[0].own[7] == pytest.approx(plain[0].own[7] + 0.1)


def test_short_holes_are_bridged_and_days_with_long_ones_left_out(tmp_path):
    table, at = rows(), 8 * 60 + 20
    days, told = read_days(write(tmp_path / "a.csv", table[:at] + table[at + 10 :]), **FRAME, busy=0)
    assert len(days) == 2
    assert "1 hole of up to 15 minutes bridged" in told
    days, told = read_days(write(tmp_path / "b.csv", table[:at] + table[at + 30 :]), **FRAME, busy=0)
    assert [day.name for day in days] == ["b 2018-03-06"]
    assert "1 day with a hole of more than 15 minutes left out" in told


def test_missing_columns_are_typical_or_asked_for(tmp_path):
    table = [row[:2] for row in rows()]
    days, told = read_days(write(tmp_path / "a.csv", table, "time,rb_down"), **FRAME)
    assert "o column of sessions or efficiency: taken as typical" in told
    assert (days[0].efficiency == 1).all()
    with pytest.raises(
        DnnExplainError, match=r"no column of congestion .*it has: time, prb.* congestion_column=NAME .--"
    ):
        read_days(write(tmp_path / "b.csv", table, "time,prb"), **FRAME)
    named, _ = read_days(tmp_path / "b.csv", **FRAME, congestion_column="prb")
    assert np.array_equal(named[0].own, days[0].own)
    with pytest.raises(DnnExplainError, match=r"column in b.csv 'prd'.*Did you mean 'prb'"):
        read_days(tmp_path / "b.csv", **FRAME, congestion_column="prd")


def test_congestion_is_scaled_to_the_busiest_percent_and_told(tmp_path):
    quiet = [(time, load / 100, n, e) for time, load, n, e in rows()]
    days, told = read_days(write(tmp_path / "a.csv", quiet), **FRAME, busy=0.8)
    top = np.percentile([row[1] for row in quiet], 99)
    assert days[0].own[2] == pytest.approx(8 / 2400 * 0.8 / top, rel=1e-5)
    assert "99th percentile" in told
    loud = [(time, 100 * load, n, e) for time, load, n, e in rows()]
    with pytest.raises(DnnExplainError, match="must be a share of capacity"):
        read_days(write(tmp_path / "b.csv", loud), **FRAME, busy=0)


def test_a_file_without_a_whole_day_or_of_another_kind_is_refused_in_words(tmp_path):
    with pytest.raises(DnnExplainError, match="holds no whole day of 60 minutes from 8 h"):
        read_days(write(tmp_path / "a.csv", rows(minutes=8 * 60 + 60)), **FRAME)
    with pytest.raises(DnnExplainError, match="has no column of time"):
        read_days(write(tmp_path / "b.csv", [], "job,length"), **FRAME)
    with pytest.raises(DnnExplainError, match="0 rows"):
        read_days(write(tmp_path / "c.csv", []), **FRAME)
    with pytest.raises(DnnExplainError, match="every 60 minutes"):
        read_days(write(tmp_path / "d.csv", rows(period=60.0)), **FRAME)


def test_a_day_needs_what_its_forecasts_speak_of(tmp_path):
    enough = 9 * 60 + AHEAD
    assert len(read_days(write(tmp_path / "a.csv", rows(minutes=enough)), **FRAME)[0]) == 1
    with pytest.raises(DnnExplainError, match="no whole day"):
        read_days(write(tmp_path / "b.csv", rows(minutes=enough - 1)), **FRAME)


def test_limit_takes_the_first_days(tmp_path):
    days, _ = read_days(write(tmp_path / "a.csv", rows()), **FRAME, limit=1)
    assert [day.name for day in days] == ["a 2018-03-05"]


def test_semicolons_tabs_and_dates_with_slashes_are_read(tmp_path):
    plain, _ = read_days(write(tmp_path / "a.csv", rows()), **FRAME, busy=0)
    text = (tmp_path / "a.csv").read_text()
    for name, other in (
        ("b.csv", text.replace(",", ";")), ("c.csv", text.replace(",", "\t")), ("d.csv", text.replace("2018-03-0", "2018/03/0"))
    ):  # fmt: skip
        (tmp_path / name).write_text(other)
        days, _ = read_days(tmp_path / name, **FRAME, busy=0)
        assert [len(days), *days[0].own[:5]] == [len(plain), *plain[0].own[:5]]


def test_a_day_with_many_short_holes_is_left_out_and_the_filled_minutes_are_counted(tmp_path):
    table = rows()
    spare = set(range(8 * 60 + 3, 9 * 60, 3))  # of the first day's hour: one minute in three
    days, told = read_days(write(tmp_path / "a.csv", [r for at, r in enumerate(table) if at not in spare]), **FRAME)
    assert [day.name for day in days] == ["a 2018-03-06"]
    assert "1 day with more than 20% of the minutes in holes left out" in told
    few = set(sorted(spare)[:3])
    days, told = read_days(write(tmp_path / "b.csv", [r for at, r in enumerate(table) if at not in few]), **FRAME)
    assert len(days) == 2
    assert "3 minutes of the days that are read filled by straight lines" in told


def test_a_log_with_holes_everywhere_is_refused_with_the_share(tmp_path):
    table = [row for at, row in enumerate(rows()) if at % 3]
    with pytest.raises(DnnExplainError, match="2 days with more than 20% of the minutes in holes left out"):
        read_days(write(tmp_path / "a.csv", table), **FRAME)
