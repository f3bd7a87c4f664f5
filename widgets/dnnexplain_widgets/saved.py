"""A session as data: what a file or a link must say so that a page opens as it was left."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.explain.attribution.methods import METHODS
from dnnexplain.reading import parse_json
from dnnexplain.results import Question
from dnnexplain_widgets.session import Session

__all__ = [
    "FORMAT",
    "VERSION",
    "check_system",
    "link_of",
    "moved",
    "pack",
    "read_session",
    "restore",
    "session_to_json",
    "unpack",
]

FORMAT = "dnnexplain session"
VERSION = 1
MOST = 4_000_000
"""Characters of a session; more than any system needs, and little enough to unpack a hostile link."""
_ASKED = ("target", "method", "baseline", "layer", "sweep")


def session_to_json(session: Session, *, choice: str = "") -> dict[str, Any]:
    """What a session shows, as JSON data.

    Args:
        session: what is saved.
        choice: the name under which the page offers the policy.
    """
    about = Question.about(session.system, session.policy, session.state)
    return {
        "format": FORMAT,
        "version": VERSION,
        "system": about.system,
        "parameters": about.parameters,
        "policy": {"name": about.policy, "choice": choice, "checkpoint": about.checkpoint},
        "state": about.state,
        "question": {**{name: getattr(session.ask, name) for name in _ASKED}, "neuron": session.unit},
        "section": session.section,
        "theme": session.theme,
    }


def read_session(text: str | bytes) -> dict[str, Any]:
    """The data of a saved session.

    Raises:
        DnnExplainError: it is no session, or one of a later version.
    """
    try:
        data = parse_json(text if isinstance(text, str) else text.decode("utf-8-sig"), "the session")
    except ValueError:  # no text, no JSON, or one that nests too deeply
        data = None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        reason = f"its format says {data['format']!r}" if isinstance(data, dict) and "format" in data else "it is not"
        msg = f"a session is a JSON file with \"format\": {FORMAT!r}, as 'Save session' writes it; {reason}"
        raise DnnExplainError(msg)
    if data.get("version") != VERSION:
        msg = f"the session has version {data.get('version')!r}; this dnnexplain reads version {VERSION}: open it with the release that wrote it"
        raise DnnExplainError(msg)
    return data


def check_system(session: Session, data: Mapping[str, Any]) -> None:
    """Raise unless the data speaks of the session's system, with its parameters."""
    own = Question.about(session.system)
    if data.get("system") != own.system:
        msg = f"the session is about {data.get('system')!r}, this page shows {own.system!r}; open the page of that system and load it there"
        raise DnnExplainError(msg)
    given = data.get("parameters")
    given = given if isinstance(given, dict) else {}
    other = [
        f"{name} {given.get(name)!r}, here {own.parameters.get(name)!r}"
        for name in sorted({*given, *own.parameters})
        if given.get(name) != own.parameters.get(name)
    ]
    if other:
        msg = f"the session's {own.system} has other parameters ({'; '.join(other)}); open a page with them and load it there"
        raise DnnExplainError(msg)


def restore(session: Session, data: Mapping[str, Any]) -> None:
    """Bring a session to what the data says, but for its policy, which whoever calls knows how to find.

    Nothing changes if something in the data is wrong.

    Raises:
        DnnExplainError: another system, a damaged state, a question that this network does not have.
    """
    check_system(session, data)
    state = data.get("state")
    if not isinstance(state, dict) or not state:
        msg = f'the session has no "state" (an object with the state in the words of {session.system.name})'
        raise DnnExplainError(msg)
    wanted = session.system.state_from_json(state)
    question = data.get("question")
    question = question if isinstance(question, dict) else {}
    known = {name: question[name] for name in _ASKED if isinstance(question.get(name), str)}
    layer = known.pop("layer", None)
    if known.get("method", session.ask.method) not in METHODS:
        raise Choice("attribution method", known["method"], tuple(METHODS)).error()
    session.question(**known, layer=layer if layer in session.layers else None)
    session.state = wanted
    unit = question.get("neuron", 0)
    if isinstance(unit, int) and 0 <= unit < max(1, session.live.activations.size):
        session.unit = unit
    if data.get("theme") in {"auto", "light", "dark"}:
        session.theme = data["theme"]
    if isinstance(data.get("section"), str):
        session.section = data["section"]


def moved(session: Session, changes: str) -> None:
    """Turn knobs as a link says that was kept by a page whose kernel had gone: ``"3:5,7:2.5"``.

    Raises:
        DnnExplainError: it names no knob of the system, or no number.
    """
    values = np.array(session.state.values)
    try:
        for pair in filter(None, changes.split(",")):
            index, _, value = pair.partition(":")
            values[range(len(values))[int(index)]] = float(value)
    except (ValueError, IndexError):
        msg = f"the link's knobs must be written as number:value, not {changes[:60]!r}; copy the link once more"
        raise DnnExplainError(msg) from None
    session.move(values)


def pack(data: Mapping[str, Any]) -> str:
    """JSON data as text for a link: compressed, without characters that a link would escape."""
    text = json.dumps(data, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")


def unpack(text: str) -> str:
    """The inverse of :func:`pack`, up to reading the JSON.

    Raises:
        DnnExplainError: the text was cut or changed on its way.
    """
    inflate = zlib.decompressobj()
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        decode = inflate.decompress(packed, MOST).decode()
    except (ValueError, zlib.error):
        decode = ""
    if not decode or not inflate.eof:
        msg = "the link is damaged: part of it was cut off or changed on its way; copy it once more, whole"
        raise DnnExplainError(msg)
    return decode


def link_of(session: Session) -> str:
    """The state's part of a link; section and appearance stand beside it, in the clear."""
    data = session_to_json(session)
    for name in ("section", "theme"):
        del data[name]
    return pack(data)
