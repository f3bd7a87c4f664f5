"""An explorable: panels, network and drawing code in one HTML file that needs no kernel and no network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dnnexplain.contract import Discrete, Flowing, Number, Pictured, Policy, Run, State, System
from dnnexplain.explain.decisions.sweeps import kinds
from dnnexplain.explain.networks.painted import painting_of
from dnnexplain_widgets.inpage import in_page
from dnnexplain_widgets.panels.base import Panel
from dnnexplain_widgets.panels.decision import DecisionPanel
from dnnexplain_widgets.panels.editor import StateEditor
from dnnexplain_widgets.panels.neurons import NeuronsPanel
from dnnexplain_widgets.panels.saliency import SaliencyPanel
from dnnexplain_widgets.panels.topology import TopologyPanel
from dnnexplain_widgets.session import Session, telling_unit
from dnnexplain_widgets.web import explorable_source, explorable_style, style_source

__all__ = ["Fact", "export_page", "reading_of"]

Fact = tuple[str, str]
"""A name and what is said about it."""

_SHOWN = (
    "question", "parts", "says", "controls", "answers", "presses", "upload", "sentence", "badge", "error", "busy", "outdated",
    "code", "copyable", "figure", "child",
)  # fmt: skip

_SHARES = "integrated-gradients"
_FEW = 64  # neurons
_MANY = 16  # curves

READING: dict[str, str] = {
    "What it sees": "The picture is the network's whole input. Drag an edge of a rectangle or use the sliders; every "
    "change is a valid one, and all else follows at once.",
    "What it does": "The probability of each action in this state, by the network's own last step, a softmax. An action "
    "marked as not possible was left out before it.",
    "What moved it": "The gradient of one number of the output, by default the chosen action's logit minus the next "
    "best one's: orange cells speak for it, blue ones against. Below, the cells are summed by quantity, orange and blue apart.",
    "Its neurons": "How strongly each hidden neuron answers now, and how the chosen one would answer if one quantity "
    "took every value while all else stays.",
}
"""What the reader sees, panel by panel, where the input is a picture and the output a choice."""

_NUMBERS: dict[str, str] = {
    "What it sees": "Numbers, all of which are here: drag a slider, or a point of a line where there are lines; every change "
    "is a valid one, and all else follows at once.",
    "What moved it": "The gradient of one number of the output, summed by quantity: what speaks for it and what against "
    "it, apart, for a change by one unit of each.",
}
_TRAFFIC: dict[str, str] = {
    "What it sees": "The topology with the demands that the network sees: choose a pair of nodes and drag its demand, or scale "
    "all. Links are coloured by how full they are, as the network splits the traffic and with even shares; below, the chosen "
    "pair's paths. The optimum takes a solver, which the page has not: it is in the dashboard.",
    "What moved it": "The gradient of one number, summed by quantity: orange for what raises it, blue for what lowers it. The "
    "number is how full the busiest link is, through the shares and through the demand itself.",
}
_DONE: dict[str, str] = {
    "values": "The numbers that the network gives in this state; what lies beyond a bound is cut off there.",
    "switches": "The chance of each switch to be on, by the logistic function of its output; above one half it is on.",
}


_SHARED = (
    "Shares of one number of the output, {what}: by how much each quantity made it more or less than in the state counted from "
    "(integrated gradients). They add up to the whole difference; orange speaks for it, blue against. Slopes, which "
    "say what a small change would do and add up to nothing, can be chosen instead."
)
"""The third text where the page has something to count from."""

_COUNTED = (
    " They are counted from “{first}”: the dashboard's “{default}” is a mean over {count} states that change with this one, "
    "and would take a page seconds at each step."
)


def reading_of(state: State, system: System, counted: str) -> dict[str, str]:
    """The same for any system; ``counted``: what the shares are counted from that the page opens on, if it does."""
    reads = _slopes_read(system)
    what = "by default the chosen action's logit minus the next best one's"
    if isinstance(system, Flowing):
        what = "how full the busiest link is"
    elif not isinstance(system.output, Discrete):
        what = "which the choice above names"
    if not counted:
        return reads
    default, cells = next(iter(system.baselines(state).items()))
    other = "" if counted == default else _COUNTED.format(first=counted, default=default, count=len(cells))
    return {**reads, "What moved it": _SHARED.format(what=what) + other}


def _slopes_read(system: System) -> dict[str, str]:
    numbers = {} if isinstance(system, Pictured) else _NUMBERS
    done = {"What it does": _DONE[system.output.kind]} if system.output.kind in _DONE else {}
    if isinstance(system, Flowing):
        return {name: text for name, text in {**READING, **_TRAFFIC}.items() if name != "What it does"}
    return {**READING, **numbers, **done}


def export_page(
    system: System,
    policy: Policy,
    state: State | None = None,
    *,
    title: str,
    lead: str = "",
    presets: Mapping[str, State | Sequence[State]] | None = None,
    facts: Sequence[Fact] = (),
    made: str = "",
) -> str:
    """One self-contained HTML page in which a network can be explored without a kernel.

    State editor, probabilities, what moved the decision, neurons and threshold curves work, because the page itself
    evaluates the network and its gradient; it asks nothing of any server.

    Args:
        system: one that says how it paints its knobs (``contract.Painted``), or whose inputs are its knobs, scaled.
        policy: a network of supported layers; see :mod:`dnnexplain.explain.networks.plain`.
        state: where the page starts; the knobs' defaults if not given.
        title: the page's heading.
        lead: a sentence or two below it.
        presets: further states to start from, by name; of several states one is drawn each time.
        facts: about the network, from its card.
        made: how the page was made, as a command.

    Returns:
        HTML, UTF-8.

    Raises:
        DnnExplainError: the network or the system cannot run in a page; the message says what is supported.
    """
    network = in_page(system, policy)
    session = Session(system, policy, state, rules=())
    counted = next((item["name"] for item in network["baselines"]), "")
    methods = (_SHARES, "saliency") if counted else ("saliency",)
    session.question(method=methods[0])
    _sweep_one(session)
    _look_at_few(session, network["readable"])
    known = {"Where it started": session.state, **(presets or {})}
    panels = _panels(session, known, methods)
    states, places = _states(system, known)
    question = session.ask
    data = {
        "hub": {
            "scene": session.hub.scene, "theme": "auto", "style": "", "travel": {},
            "live": {"stamp": 0, "values": session.state.values.tobytes()},
            "network": network, "ground": {},
        },
        "panels": panels,
        "states": states,
        "presets": [{"places": at} for at in places],
        "ask": {
            "parts": sorted(question.parts), "target": question.target, "method": methods[0], "baseline": "default", "layer": question.layer or "",
            "sweep": question.sweep, "unit": session.unit,
        },
    }  # fmt: skip
    return _html(
        title,
        lead,
        _columns(tuple(panels), _reading(reading_of(session.state, system, counted), made)),
        _about(facts),
        json.dumps(_tagged(data), separators=(",", ":")),
    )


def _look_at_few(session: Session, readable: Sequence[Mapping[str, Any]]) -> None:
    """Begin with a layer whose neurons all fit side by side, if there is one: not with a convolution's cells."""
    session.want("decision", "saliency", "neurons")
    few = next((layer["name"] for layer in readable if layer["units"] <= _FEW), None)
    if few is not None and few != readable[0]["name"]:
        session.question(layer=few)
        if session.live.curves is not None:
            session.unit = telling_unit(session.live.curves)


def _sweep_one(session: Session) -> None:
    """Begin with one quantity's curve where a family of them would be too many to draw at each step of a drag."""
    families = kinds(session.system)
    if len(families.get(session.ask.sweep, ())) > _MANY:
        session.question(sweep=session.system.knobs[families[session.ask.sweep][0]].name)


def _panels(session: Session, known: Mapping[str, Any], methods: tuple[str, ...]) -> dict[str, Any]:
    """The four live panels as the page needs them, by the id of their element."""
    flowing = isinstance(session.system, Flowing)
    made: dict[str, Panel] = {
        "editor": TopologyPanel(session=session) if flowing else StateEditor(session=session),
        **({} if flowing else {"decision": DecisionPanel(session=session)}),
        "saliency": SaliencyPanel(session=session, methods=methods),
        "neurons": NeuronsPanel(session=session),
    }
    panels = {name: {key: getattr(panel, key) for key in _SHOWN} | {"copyable": False} for name, panel in made.items()}
    options = [["", "Choose…"], *([str(at), name] for at, name in enumerate(known))]
    select, *buttons = panels["editor"]["controls"]
    panels["editor"]["controls"] = [{**select, "options": options}, *buttons]
    if flowing:  # the page draws it itself, beside even shares: it has no optimum
        panels["editor"]["figure"] = {}
        panels["editor"]["parts"][0]["graph"] |= {"marked": False}
    else:
        panels["decision"]["controls"] = []
    shown = ("target", "method") if len(methods) > 1 else ("target",)
    panels["saliency"]["controls"] = [item for item in panels["saliency"]["controls"] if item["name"] in shown]
    return panels


def _states(system: System, known: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """All states of the presets, and for each preset the places of its own."""
    states: list[dict[str, Any]] = []
    places = []
    for given in known.values():
        several = [given] if isinstance(given, State) else list(given)
        places.append(list(range(len(states), len(states) + len(several))))
        states += [{"values": item.values.tolist(), "ground": _ground(system, item)} for item in several]
    return states, places


def _ground(system: System, state: State) -> list[list[float]] | None:
    """The cells of a background that painting may keep, with their levels; ``None`` without a background."""
    if state.background is None or len(system.observation_shape) == 1:
        return None
    columns = system.observation_shape[1]
    kept = [stroke.cells for stroke in painting_of(system).strokes if isinstance(stroke, Run | Number) and stroke.keeps]
    ground: list[list[float]] = []
    for block in kept:
        rows, across = np.indices((block.rows, block.columns)).reshape(2, -1)
        for row, column in zip(rows + block.row, across + block.column, strict=True):
            level = float(np.float32(state.background[row, column]))
            if level != 0:
                ground.append([int(row * columns + column), int(level) if level == int(level) else level])
    return ground


def _tagged(value: Any) -> Any:
    """Bytes as base64 for JSON."""
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    return [_tagged(item) for item in value] if isinstance(value, list | tuple) else value


def _about(facts: Sequence[Fact]) -> str:
    return f'<section class="dx-alone-note"><h2>The network</h2><dl>{_rows(facts)}</dl></section>' if facts else ""


def _columns(panels: Sequence[str], reading: str) -> str:
    """The panels' places: what is changed on the left, what comes of it on the right."""
    left = ("editor", "saliency") if "decision" in panels else ("editor",)
    places = {"decision": "dx-second", "saliency": "dx-third", "neurons": "dx-fourth"}

    def div(name: str) -> str:
        return f'<div id="{name}" class="{places.get(name, "dx-first")}"></div>'

    right = "".join(div(name) for name in ("decision", "saliency", "neurons") if name in panels and name not in left)
    return (
        f'<div class="dx-column-box widget-box">{"".join(div(name) for name in left)}</div>\n'
        f'<div class="dx-column-box widget-box">{right}\n{reading}</div>'
    )


def _reading(words: Mapping[str, str], made: str) -> str:
    how = f"<p>Made with dnnexplain: <code>{html.escape(made)}</code></p>" if made else ""
    return (
        f'<section class="dx-alone-note dx-fifth"><h2>How to read this page</h2><dl>{_rows(words.items())}</dl>'
        "<p class=dx-alone-last>The network runs in this page: nothing is sent anywhere, and no server is asked. The "
        f"page's address holds the state, so a bookmark opens it again.</p>{how}</section>"
    )


def _rows(facts: Iterable[Fact]) -> str:
    return "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts)


def _html(title: str, lead: str, columns: str, about: str, data: str) -> str:
    safe = data.replace("<", "\\u003c")  # only strings hold one; none may end the script
    style = style_source() + explorable_style()
    heading = html.escape(title)
    return f"""<!doctype html>
<html lang="en" data-dnnexplain-app>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="description" content="{html.escape(lead)}">
<link rel="icon" href="data:,">
<title>{heading}</title>
<style data-dnnexplain>{style}</style>
<body>
<main class="dx-page widget-box dx-alone">
<header class="dx-alone-head"><div><h1>{heading}</h1><p class="dx-alone-lead">{html.escape(lead)}</p></div>
<label class="dx-alone-theme">Appearance <select id="theme">{_THEMES}</select></label></header>
<noscript><p class="dx-alone-note">This page computes everything itself and needs JavaScript for it.</p></noscript>
<div class="dx-columns widget-box">
{columns}
</div>
{about}
</main>
<script type="application/json" id="explorable-data">{safe}</script>
<script type="module">{explorable_source()}</script>
"""


_THEMES = "".join(
    f'<option value="{value}">{text}</option>'
    for value, text in (("auto", "As the system"), ("light", "Light"), ("dark", "Dark"))
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
"""The browser itself sees to it that the page asks nothing of any server."""
