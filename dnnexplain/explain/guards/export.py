"""A guard in another language: which of its sources decides, in plain conditions; the network stays where it is."""

from __future__ import annotations

import json

from dnnexplain.contract import Choice, System
from dnnexplain.explain.distillation.export import listing
from dnnexplain.explain.guards.guard import Guard
from dnnexplain.explain.regions.where import Quantities, Where, quantities_of

__all__ = ["EXPORTS", "export_guard"]

EXPORTS = ("json", "python", "c", "javascript", "text")
"""Languages by name."""


def export_guard(guard: Guard, kind: str, system: System) -> str:
    """A guard as a program without libraries, or as text.

    Python, C and JavaScript define ``decides(features)``: the features in the order listed there; the answer is an
    index into ``SOURCES``: 0 is the network, others are what is to be done instead. A guard with a memory has
    ``decides(features, memory)``, with ``MEMORY`` whole numbers for each episode, all 0 when it begins.

    Args:
        guard: the rules.
        kind: one of :data:`EXPORTS`.
        system: whose quantities they speak of.
    """
    if kind not in EXPORTS:
        raise Choice("export", kind, EXPORTS).error()
    if kind == "json":
        return guard.to_json()
    quantities = quantities_of(system)
    sources = ("the network", *dict.fromkeys(rule.do for rule in guard.rules))
    if kind == "text":
        return "".join(f"{rule.words(quantities)}\n" for rule in guard.rules) + "elsewhere: do as the network\n"
    return {"python": _python, "c": _c, "javascript": _javascript}[kind](guard, quantities, sources)


_ABOUT = "A guard: decides(features) says what decides, an index into SOURCES."
_REMEMBERS = (
    "A guard with a memory: decides(features, memory) says what decides, an index into SOURCES. It is asked once for each "
    "decision, in order; memory holds MEMORY whole numbers, all 0 when an episode begins, and is brought up to date."
)


def _about(guard: Guard) -> str:
    return _REMEMBERS if guard.remembers else _ABOUT


def _condition(where: Where, quantities: Quantities, both: str, always: str) -> str:
    parts = []
    for column, span in zip(where.columns(quantities.names), where.spans, strict=True):
        parts += [f"features[{column}] > {float(span.above)!r}"] if span.above is not None else []
        parts += [f"features[{column}] <= {float(span.at_most)!r}"] if span.at_most is not None else []
    return f" {both} ".join(parts) or always


def _python(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    def holds(where: Where) -> str:
        return _condition(where, quantities, "and", "True")

    head = (
        f'"""{_about(guard)}"""\n\n{listing(quantities.names, quantities.units, "#")}\n\n'
        f"FEATURES = {quantities.names!r}\nSOURCES = {sources!r}\n"
    )
    if not guard.remembers:
        lines = [f"    if {holds(rule.when)}:\n        return {sources.index(rule.do)}\n" for rule in guard.rules]
        return f"{head}\n\ndef decides(features):\n{''.join(lines)}    return 0\n"
    lines = []
    for place, rule in enumerate(guard.rules):
        met, left = f"memory[{2 * place}]", f"memory[{2 * place + 1}]"
        lines.append(f"    {met} = min({met} + 1, {rule.after}) if {holds(rule.when)} else 0\n")
        acts = f"{met} >= {rule.after}"
        if rule.stay is not None:
            lines.append(f"    if {acts}:\n        {left} = {rule.stay.decisions or -1}\n")
            if rule.stay.until is not None:
                lines.append(f"    if {holds(rule.stay.until)}:\n        {left} = 0\n")
            acts = f"{left} != 0"
        lines.append(f"    if {acts} and not source:\n        source = {sources.index(rule.do)}\n")
        if rule.stay is not None:
            lines.append(f"    {left} -= {left} > 0\n")
    size = 2 * len(guard.rules)
    return f"{head}MEMORY = {size}\n\n\ndef decides(features, memory):\n    source = 0\n{''.join(lines)}    return source\n"


def _javascript(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    head = (
        f"// {_about(guard)}\n{listing(quantities.names, quantities.units, '//')}\n"
        f"const SOURCES = {json.dumps(sources)};\n"
    )
    if not guard.remembers:
        lines = [
            f"    if ({_condition(rule.when, quantities, '&&', 'true')}) return {sources.index(rule.do)};\n"
            for rule in guard.rules
        ]
        body = f"\nfunction decides(features) {{\n{''.join(lines)}    return 0;\n}}\n\n"
        names = "decides, SOURCES"
    else:
        lines = _remembering(guard, quantities, sources, "true")
        body = (
            f"const MEMORY = {2 * len(guard.rules)};\n\nfunction decides(features, memory) {{\n    let source = 0;\n"
            f"{''.join(lines)}    return source;\n}}\n\n"
        )
        names = "decides, SOURCES, MEMORY"
    return f'{head}{body}if (typeof module !== "undefined") module.exports = {{ {names} }};\n'


def _remembering(guard: Guard, quantities: Quantities, sources: tuple[str, ...], always: str) -> list[str]:
    """The body of a guard with a memory, in what C and JavaScript have in common."""
    lines = []
    for place, rule in enumerate(guard.rules):
        met, left = f"memory[{2 * place}]", f"memory[{2 * place + 1}]"
        more = f"({met} < {rule.after} ? {met} + 1 : {rule.after})"
        lines.append(f"    {met} = ({_condition(rule.when, quantities, '&&', always)}) ? {more} : 0;\n")
        acts = f"{met} >= {rule.after}"
        if rule.stay is not None:
            lines.append(f"    if ({acts}) {left} = {rule.stay.decisions or -1};\n")
            if rule.stay.until is not None:
                lines.append(f"    if ({_condition(rule.stay.until, quantities, '&&', always)}) {left} = 0;\n")
            acts = f"{left} != 0"
        lines.append(f"    if ({acts} && source == 0) source = {sources.index(rule.do)};\n")
        if rule.stay is not None:
            lines.append(f"    if ({left} > 0) {left} -= 1;\n")
    return lines


def _c(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    listed = listing(quantities.names, quantities.units, " *").replace("*/", "* /")
    names = ", ".join(json.dumps(name) for name in sources)
    head = f"/* {_about(guard)}\n{listed}\n */\n\n#define FEATURES {len(quantities.names)}\n"
    table = f"\nconst char *const SOURCES[{len(sources)}] = {{{names}}};\n\n"
    if not guard.remembers:
        lines = [
            f"    if ({_condition(rule.when, quantities, '&&', '1')})\n        return {sources.index(rule.do)};\n"
            for rule in guard.rules
        ]
        return f"{head}{table}int decides(const double *features)\n{{\n    (void)features;\n{''.join(lines)}    return 0;\n}}\n"
    body = "".join(_remembering(guard, quantities, sources, "1"))
    return (
        f"{head}#define MEMORY {2 * len(guard.rules)}\n{table}"
        f"int decides(const double *features, long *memory)\n{{\n    int source = 0;\n    (void)features;\n{body}    return source;\n}}\n"
    )
