"""Which systems there are: those built in, and those that other installed packages bring.

A package brings one by an entry point in the group ``dnnexplain.systems`` whose value is its spec::

    [project.entry-points."dnnexplain.systems"]
    autoscaler = "autoscaler.spec:SPEC"

Specs import the contract only, so that asking which systems there are is quick.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from inspect import cleandoc, signature
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, EpisodeSystem, Policy, View, Viewed, cost_is_ratio
from dnnexplain.contract.specs import Family, Metric, Parameter, Spec, load_reference
from dnnexplain.contract.views import checked_views

__all__ = [
    "BUILT_IN",
    "GROUP",
    "cost_range",
    "derived_spec",
    "fair_rules",
    "known_systems",
    "make_system",
    "spec_of",
    "specs",
    "views_of",
]

BUILT_IN: dict[str, str] = {
    name: f"dnnexplain.systems.{name}.spec:SPEC"
    for name in ("deeprm", "routing", "abr", "cellular", "cran")
}  # fmt: skip
"""Name of a built-in system -> its spec; this is the only list."""

GROUP = "dnnexplain.systems"
"""The entry-point group of other packages' systems."""


@cache
def known_systems() -> dict[str, str]:
    """Name -> reference of the spec: the built-in systems, then other packages' by name; no spec is imported."""
    others = {point.name: point.value for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}
    return BUILT_IN | {name: value for name, value in others.items() if name not in BUILT_IN}


def spec_of(system: str | Any) -> Spec:
    """The spec of a system: by its name, or of an object.

    An object that is not registered may have a ``spec`` of its own; else one is made from what it says of itself
    (:func:`derived_spec`).

    Raises:
        DnnExplainError: no such system, or the package that brings it cannot be imported.
    """
    own = getattr(system, "spec", None)
    if isinstance(own, Spec):
        return own
    if isinstance(system, str):
        return _spec(system)
    return _spec(system.name) if system.name in known_systems() else derived_spec(system)


def cost_range(system: Any) -> tuple[float, float]:
    """What a system's cost cannot lie beyond, as its spec says (:attr:`Spec.cost_range`)."""
    return spec_of(system).cost_range


def derived_spec(system: Any) -> Spec:
    """The spec of a system that has none: its name, the first sentence of its own docstring, its cost and its workloads."""
    summary = cleandoc(vars(type(system)).get("__doc__") or "").partition("\n\n")[0].replace("\n", " ")
    knobs = getattr(system, "workload_knobs", ())
    parameters = tuple(
        Parameter(knob.name, knob.start, "", knob.low, knob.high, unit=knob.unit, kind=float) for knob in knobs
    )
    families = getattr(system, "workload_names", {})
    return Spec(
        name=system.name,
        title=system.name,
        sentence=summary or f"A system called {system.name}.",
        make="",
        cost=Metric("cost", getattr(system, "cost_name", "cost")),
        ratio=cost_is_ratio(system),
        families=tuple(Family(name, about, parameters) for name, about in families.items()),
        question=f"What moves {system.name}?",
    )


def views_of(system: Any) -> tuple[View, ...]:
    """How a system is drawn beside its panes: what it says itself, or what its spec names; none if neither does.

    Raises:
        DnnExplainError: a view speaks of a knob that there is not, or does not fit together.
    """
    if isinstance(system, Viewed):
        return checked_views(system, system.views)
    reference = spec_of(system).views
    return checked_views(system, load_reference(reference)(system)) if reference else ()


@cache
def _spec(name: str) -> Spec:
    known = known_systems()
    if name not in known:
        raise Choice("system", name, tuple(known)).error()
    try:
        spec = load_reference(known[name])
    except (ImportError, AttributeError) as error:
        msg = f"the system {name} is installed, but its spec {known[name]} cannot be imported: {error}"
        raise DnnExplainError(msg) from error
    if not isinstance(spec, Spec) or spec.name != name:
        what = f"a spec called {spec.name!r}" if isinstance(spec, Spec) else f"a {type(spec).__name__}"
        msg = f"{known[name]} must be a dnnexplain.contract.Spec called {name!r}, but is {what}"
        raise DnnExplainError(msg)
    return spec


def specs() -> dict[str, Spec]:
    """Every system's spec by name. A package's that cannot be imported is left out; ``spec_of`` says why."""
    by_name = {}
    for name in known_systems():
        try:
            by_name[name] = spec_of(name)
        except DnnExplainError:
            if name in BUILT_IN:
                raise
    return by_name


def fair_rules(system: Any) -> dict[str, Policy]:
    """The rules that a network may be compared with: all but those that draw at random or know more than it does."""
    apart = spec_of(system).apart
    return {name: rule for name, rule in system.rules().items() if name not in apart}


def make_system(name: str, **parameters: Any) -> EpisodeSystem:
    """Make a system by its name, e.g. ``make_system("deeprm", slots=10)``.

    Raises:
        DnnExplainError: an unknown system or parameter, or a value out of its bounds.
    """
    spec = spec_of(name)
    known = {parameter.name: parameter for parameter in spec.parameters}
    checked = {key: known[key].check(value) if key in known else value for key, value in parameters.items()}
    factory = load_reference(spec.make)
    takes = signature(factory).parameters.values()
    if not any(take.kind is take.VAR_KEYWORD for take in takes):
        unknown = [key for key in checked if key not in {take.name for take in takes}]
        if unknown:
            raise Choice(f"parameter of {name}", unknown[0], tuple(known)).error()
    system: EpisodeSystem = factory(**checked)
    return system
