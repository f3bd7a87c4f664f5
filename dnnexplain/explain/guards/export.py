"""A guard in another language: which of its sources decides, in plain conditions; the network stays where it is."""

from __future__ import annotations

import json

from dnnexplain.contract import Choice, System
from dnnexplain.explain.distillation.export import listing
from dnnexplain.explain.guards.guard import Guard, GuardRule
from dnnexplain.explain.regions.where import Quantities, quantities_of

__all__ = ["EXPORTS", "export_guard"]

EXPORTS = ("json", "python", "c", "javascript", "text")
"""Languages by name."""


def export_guard(guard: Guard, kind: str, system: System) -> str:
    """A guard as a program without libraries, or as text.

    Python, C and JavaScript define ``decides(features)``: the features in the order listed there; the answer is an
    index into ``SOURCES``: 0 is the network, others are what is to be done instead.

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


def _condition(rule: GuardRule, quantities: Quantities, both: str, always: str) -> str:
    parts = []
    for column, span in zip(rule.when.columns(quantities.names), rule.when.spans, strict=True):
        parts += [f"features[{column}] > {float(span.above)!r}"] if span.above is not None else []
        parts += [f"features[{column}] <= {float(span.at_most)!r}"] if span.at_most is not None else []
    return f" {both} ".join(parts) or always


def _python(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    lines = [
        f"    if {_condition(rule, quantities, 'and', 'True')}:\n        return {sources.index(rule.do)}\n"
        for rule in guard.rules
    ]
    return (
        f'"""{_ABOUT}"""\n\n{listing(quantities.names, quantities.units, "#")}\n\n'
        f"FEATURES = {quantities.names!r}\nSOURCES = {sources!r}\n\n\n"
        f"def decides(features):\n{''.join(lines)}    return 0\n"
    )


def _javascript(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    lines = [
        f"    if ({_condition(rule, quantities, '&&', 'true')}) return {sources.index(rule.do)};\n"
        for rule in guard.rules
    ]
    return (
        f"// {_ABOUT}\n{listing(quantities.names, quantities.units, '//')}\n"
        f"const SOURCES = {json.dumps(sources)};\n\n"
        f"function decides(features) {{\n{''.join(lines)}    return 0;\n}}\n\n"
        'if (typeof module !== "undefined") module.exports = { decides, SOURCES };\n'
    )


def _c(guard: Guard, quantities: Quantities, sources: tuple[str, ...]) -> str:
    lines = [
        f"    if ({_condition(rule, quantities, '&&', '1')})\n        return {sources.index(rule.do)};\n"
        for rule in guard.rules
    ]
    listed = listing(quantities.names, quantities.units, " *").replace("*/", "* /")
    return (
        f"/* {_ABOUT}\n{listed}\n */\n\n#define FEATURES {len(quantities.names)}\n\n"
        f"const char *const SOURCES[{len(sources)}] = {{{', '.join(json.dumps(name) for name in sources)}}};\n\n"
        f"int decides(const double *features)\n{{\n    (void)features;\n{''.join(lines)}    return 0;\n}}\n"
    )
