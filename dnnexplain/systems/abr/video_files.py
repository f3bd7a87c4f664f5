"""Read a video from a file: a CSV of chunk sizes, or a DASH manifest (ISO/IEC 23009-1)."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.reading import check_count, parse_xml, read_bytes, read_text
from dnnexplain.systems.abr.video import MOST_BITRATES, Video, default_video, parse_csv

__all__ = ["load_video", "read_manifest"]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")
_MOST_CHUNKS = 20_000


def load_video(source: str | Path | Video) -> tuple[Video, str]:
    """A video by name (``"pensieve"``) or from a ``.csv`` or ``.mpd`` file, and what was assumed, in sentences.

    Raises:
        DnnExplainError: no such file, or it is no ladder of chunk sizes.
    """
    if isinstance(source, Video):
        return source, ""
    if str(source) == "pensieve":
        return default_video(), ""
    path = Path(source)
    if not path.exists() and not path.suffix:
        msg = f"no video is called {str(source)!r}; there is pensieve, or give a .csv of chunk sizes or a DASH manifest (.mpd)"
        raise DnnExplainError(msg)
    head = read_bytes(path, "the video").lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return (
        read_manifest(path)
        if head == b"<" or path.suffix == ".mpd"
        else (parse_csv(read_text(path, "the video"), path.name), "")
    )


def read_manifest(path: str | Path) -> tuple[Video, str]:
    """The first video adaptation set of a static DASH manifest.

    A chunk's size is that of its byte range, where a segment list gives one; else bandwidth times duration.

    Raises:
        DnnExplainError: no video with two bitrates or more in it, no segment duration, or a live stream.
    """
    name = Path(path).name
    root = parse_xml(read_bytes(path, "the manifest"), path)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "MPD":
        msg = f"{name} is XML, but no DASH manifest: its root is <{root.tag}>, not <MPD>"
        raise DnnExplainError(msg)
    if root.get("type") == "dynamic":
        msg = f"{name} is the manifest of a live stream, whose chunks are not known yet; give one of a recording"
        raise DnnExplainError(msg)
    period = root.find("Period")
    sets = [] if period is None else [item for item in period.findall("AdaptationSet") if _is_video(item)]
    if period is None or not sets:
        msg = f"{name} has no adaptation set with video in its first period"
        raise DnnExplainError(msg)
    length = _seconds(period.get("duration") or root.get("mediaPresentationDuration") or "")
    return _video(name, sets[0], length)


def _is_video(adaptation: ET.Element) -> bool:
    kinds = [adaptation, *adaptation.findall("Representation")]
    words = " ".join(f"{condition.get('mimeType', '')} {condition.get('contentType', '')}" for condition in kinds)
    return "video" in words or (
        "audio" not in words and "text" not in words and any(condition.get("height") for condition in kinds)
    )


def _seconds(text: str) -> float:
    """An ISO 8601 duration such as ``PT3M12.5S``; NaN if it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return math.nan
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _video(name: str, adaptation: ET.Element, length: float) -> tuple[Video, str]:
    ladder: dict[float, ET.Element] = {}
    for item in adaptation.findall("Representation"):
        ladder.setdefault(_positive(name, item, "bandwidth") / 1000.0, item)
    rates = sorted(ladder)
    if not 2 <= len(rates) <= MOST_BITRATES:
        msg = f"{name} has {counted(len(rates), 'different bandwidth')} of video; a ladder has 2 to {MOST_BITRATES}"
        raise DnnExplainError(msg)
    spans = _spans(name, adaptation, ladder[rates[0]], length)
    seconds = float(np.median(spans))
    ranges = [_ranges(adaptation, ladder[rate]) for rate in rates]
    notes = []
    if all(len(entry) == len(spans) for entry in ranges):
        sizes = np.array(ranges, dtype=np.float64).T
    else:
        sizes = spans[:, None] * np.array(rates) * 1000.0 / 8.0
        notes.append(f"{name} gives no sizes, so that each chunk was taken to be as large as its bandwidth says.")
    if np.ptp(spans[:-1]) > 0.01 * seconds:
        notes.append(
            f"Its chunks last {spans.min():g} to {spans.max():g} s; all were taken to play for {seconds:g} s, the median."
        )
    return Video(name, np.array(rates), sizes, seconds, source=f"DASH manifest {name}"), " ".join(notes)


def _positive(name: str, element: ET.Element, key: str, default: str = "") -> float:
    try:
        value = float(element.get(key, default))
    except ValueError:
        value = math.nan
    if not value > 0:
        msg = f"{name}: <{element.tag}> needs {key}, a number above 0, not {element.get(key)!r}"
        raise DnnExplainError(msg)
    return value


def _described(adaptation: ET.Element, representation: ET.Element) -> ET.Element | None:
    """What says how segments are made: the representation's own word before its set's."""
    for holder in (representation, adaptation):
        for tag in ("SegmentTemplate", "SegmentList"):
            if (element := holder.find(tag)) is not None:
                return element
    return None


def _spans(name: str, adaptation: ET.Element, representation: ET.Element, length: float) -> np.ndarray:
    """How long each chunk plays, s ``[n]``."""
    described = _described(adaptation, representation)
    if described is None:
        msg = f"{name} names no SegmentTemplate or SegmentList, so that its chunks are not known; give a .csv of chunk sizes"
        raise DnnExplainError(msg)
    scale = _positive(name, described, "timescale", "1")
    timeline = described.find("SegmentTimeline")
    if timeline is not None:
        spans: list[float] = []
        for part in timeline.findall("S"):
            spans += [_positive(name, part, "d") / scale] * (1 + _repeats(name, part, sum(spans), length, scale))
            check_count(len(spans), name, "chunks")
    else:
        span = _positive(name, described, "duration") / scale
        listed = len(described.findall("SegmentURL"))
        count = listed or (math.ceil(length / span - 1e-6) if math.isfinite(length) else 0)
        if count > _MOST_CHUNKS:
            msg = f"{name} has {counted(count, 'chunk')}; at most {_MOST_CHUNKS} are read"
            raise DnnExplainError(msg)
        spans = [span] * count
        if count and not listed:
            spans[-1] = length - span * (count - 1)
    if len(spans) < 2:
        msg = f"{name} must say how long it lasts (mediaPresentationDuration) or list its chunks; found {len(spans)}"
        raise DnnExplainError(msg)
    return np.array(spans)


def _repeats(name: str, part: ET.Element, before: float, length: float, scale: float) -> int:
    repeats = int(float(part.get("r", "0")))
    if repeats < 0:  # until the end of the period
        span = _positive(name, part, "d") / scale
        repeats = math.ceil((length - before) / span - 1e-6) - 1 if math.isfinite(length) else 0
    if repeats > _MOST_CHUNKS:
        msg = f"{name} repeats a chunk {repeats} times; at most {_MOST_CHUNKS} chunks are read"
        raise DnnExplainError(msg)
    return max(repeats, 0)


def _ranges(adaptation: ET.Element, representation: ET.Element) -> list[float]:
    """Bytes of each chunk from the byte ranges of a segment list; empty if there are none."""
    described = _described(adaptation, representation)
    if described is None or described.tag != "SegmentList":
        return []
    sizes = []
    for item in described.findall("SegmentURL"):
        first, _, last = (item.get("mediaRange") or "").partition("-")
        if not (first.isdecimal() and last.isdecimal()) or int(last) < int(first):
            return []
        sizes.append(float(int(last) - int(first) + 1))
    return sizes
