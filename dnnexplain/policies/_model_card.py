"""Model cards: what a shipped network is, how it was made and how good it is, from its file alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Discrete
from dnnexplain.files import write_bytes
from dnnexplain.numbers import number
from dnnexplain.policies._shipped import read_metadata

__all__ = ["model_card", "write_model_card"]

_PLAIN = (
    ("role", "Role"),
    ("observations", "Observations"),
    ("workload", "Workload"),
    ("teacher", "Teacher"),
    ("command", "Command"),
    ("seed", "Seed"),
    ("training_time", "Training time"),
    ("versions", "Versions"),
)


def model_card(metadata: Mapping[str, Any], name: str) -> str:
    """A model card in Markdown.

    Args:
        metadata: as :func:`dnnexplain.policies.save` writes it. ``description`` and ``limits`` become
            paragraphs; ``figures`` a table (an entry with ``mean``, ``low`` and ``high`` is shown with
            its interval; nested names are joined). Whether invalid actions are left out is said of networks
            that choose an action; one that emits numbers (``output`` is ``"values"``) has none.
        name: of the network, for the title.
    """
    system, architecture = metadata.get("system") or {}, metadata.get("architecture") or {}
    lines = [f"# {name}", "", str(metadata.get("description") or f"A network for {system.get('name')}."), ""]
    lines += ["| | |", "|-|-|"]
    lines.append(f"| System | {_call(system.get('name'), system.get('parameters') or {})} |")
    lines.append(f"| Network | {_call(architecture.get('name'), architecture.get('arguments') or {})} |")
    if metadata.get("output", Discrete.kind) == Discrete.kind:
        masked = "left out before the softmax" if metadata.get("masked", True) else "kept, as it was trained"
        lines.append(f"| Invalid actions | {masked} |")
    for key, title in _PLAIN:
        if metadata.get(key) is not None:
            value = f"`{metadata[key]}`" if key == "command" else _text(metadata[key])
            lines.append(f"| {title} | {value} |")
    lines.append(f"| SHA-256 of the weights | `{metadata.get('checkpoint')}` |")
    figures = metadata.get("figures") or {}
    if figures:
        lines += ["", "## Figures", "", "| figure | value |", "|-|-|"]
        lines += [f"| {label} | {value} |" for label, value in _rows(figures)]
    if metadata.get("limits"):
        lines += ["", "## Limits", "", str(metadata["limits"])]
    return "\n".join(lines) + "\n"


def write_model_card(weights: str | Path) -> Path:
    """Write the card of a safetensors file beside it, ``name.md``; returns its path."""
    file = Path(weights)
    text = model_card(read_metadata(file), file.stem)
    return write_bytes(file.with_suffix(".md"), text.encode())


def _call(name: Any, arguments: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name} ({inner})" if inner else str(name)


def _rows(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in figures.items():
        label = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping) and {"mean", "low", "high"} <= set(value):
            yield label, f"{_text(value['mean'])} ({_text(value['low'])} to {_text(value['high'])})"
        elif isinstance(value, Mapping):
            yield from _rows(value, f"{prefix}{key}, ")
        else:
            yield label, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")
