"""A system's page in the docs, made from its spec: what is controlled, with which options, rules, networks and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dnnexplain.contract import Parameter, Spec

__all__ = ["system_page", "write_system_pages"]


def system_page(spec: Spec) -> str:
    """The page as Markdown."""
    lines = [f"# {spec.title}", "", spec.sentence, ""]
    lines += [spec.lead, ""] if spec.lead else []
    lines += [f"**{caveat}**\n" for caveat in spec.caveats]
    lines += [f"    dnnexplain app {spec.name}", f"    dnnexplain evaluate {spec.name} --policy best-rule", ""]
    lines += list(_section("Parameters", ("option", "what it is", "default"), map(_parameter, spec.parameters)))
    networks = ((f"`{role.name}`", role.title, role.about) for role in spec.roles)
    lines += list(_section("Networks that ship", ("name", "title", "about"), networks))
    lines += list(_section("Rules", ("name", "title"), ((f"`{name}`", title) for name, title in spec.rules.items())))
    families = (
        (f"`{family.name}`", family.about, ", ".join(_flag(p) for p in family.parameters)) for family in spec.families
    )
    lines += list(_section(f"Generated {spec.workloads}", ("family", "what it is", "options"), families))
    readers = (
        (reader.name, " ".join(f"`{suffix}`" for suffix in reader.suffixes), reader.about) for reader in spec.readers
    )
    lines += list(_section("Files that are read", ("format", "endings", "what becomes of it"), readers))
    figures = ((item.title, item.unit, item.better) for item in (spec.cost, *spec.metrics))
    lines += list(_section("Figures", ("figure", "unit", "better"), figures))
    recipes = ((f"`{recipe.name}`", recipe.about) for recipe in spec.recipes)
    lines += list(_section("Training recipes", ("name", "what it does"), recipes))
    lines += ["## Sources", "", *(f"- {source}" for source in spec.sources), ""] if spec.sources else []
    return "\n".join(lines)


def write_system_pages(folder: object, specs: Iterable[Spec]) -> None:
    """Write ``NAME.md`` of each system into a folder, which is made if it is not there."""
    from pathlib import Path  # noqa: PLC0415 - for the docs' build alone

    target = Path(str(folder))
    target.mkdir(parents=True, exist_ok=True)
    for spec in specs:
        (target / f"{spec.name}.md").write_text(system_page(spec), encoding="utf-8")


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A titled table; nothing where there is no row."""
    lines = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if not lines:
        return
    yield from (f"## {title}", "", f"| {' | '.join(head)} |", f"|{'-|' * len(head)}")
    yield from (f"| {' | '.join(row)} |" for row in lines)
    yield ""


def _parameter(parameter: Parameter) -> tuple[str, str, str]:
    about = parameter.help + (f" ({', '.join(parameter.choices)})" if parameter.choices else "")
    default = "" if parameter.default is None else f"{parameter.default} {parameter.unit}".strip()
    return _flag(parameter), about, default


def _flag(parameter: Parameter) -> str:
    return f"`--{parameter.name.replace('_', '-')}`"
