"""How a network is trained: every number in one frozen record, and the recipes of systems' specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.contract.specs import Spec
from dnnexplain.policies.training.teacher import Schedule
from dnnexplain.registry import spec_of, specs

__all__ = ["RUN", "Recipe", "family_workload", "grid_axes", "make_recipe", "mix", "spec_trained"]


def mix(
    families: Sequence[str],
    rates: Sequence[float],
    *,
    steps: int = 50,
    home: tuple[str, float] | None = None,
    home_share: float = 0.25,
) -> dict[str, Any]:
    """A recipe's ``workload``: every family at every rate in equal shares, and a share more of one cell.

    Args:
        families, rates: rows and columns of the grid.
        steps: time steps in which jobs may arrive.
        home: family and rate of the cell with a share of its own; the first system's default if not given.
        home_share: from 0 to below 1.
    """
    if not 0 <= home_share < 1:
        msg = f"home_share is a share from 0 to below 1, not {home_share:g}"
        raise DnnExplainError(msg)
    if not families or not rates:
        msg = "a mix needs at least one family and one rate"
        raise DnnExplainError(msg)
    if home is None:
        usual = family_workload(spec_trained())
        home = usual["name"], usual["rate"]
    return {
        "name": "mix",
        "families": list(families),
        "rates": list(rates),
        "steps": steps,
        "home": {"name": home[0], "rate": home[1], "share": home_share},
    }


RUN = "dnnexplain.training.rewards:run"
"""What runs a recipe of this kind, as specs name it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Imitation of a rule, then policy gradient over parallel episodes of one job set.

    Args:
        role: what the network is for: ``"default"``, ``"conv"``, ``"as-published"``, ``"hardened"``.
        architecture: a name in ``dnnexplain.policies.networks`` and its arguments.
        imitate: the rule that the network copies first; ``imitation_rounds`` of ``imitation_sets`` job
            sets each (0: none).
        iterations: policy gradient steps; each draws ``job_sets`` workloads (``fixed_sets``: always the
            same, as published) and runs ``episodes`` of each.
        learning_rate: of Adam, falling linearly to a tenth; RMSProp at a constant rate ``as_published``.
        epochs, batch, clip: passes over an iteration's decisions, decisions per step, and how far a
            probability may move (Schulman et al. 2017); one pass over all of them ``as_published``.
        entropy: weight of the entropy bonus, falling linearly to zero.
        masked: whether invalid actions are left out.
        as_published: the published code's gradient: per-index baseline, no normalisation, RMSProp.
        action_limit: actions per episode at most (the published code: 200).
        workload: family and parameters of the training distribution, or a mix of them (see
            :func:`mix`).
        even: whether advantages are scaled within each job set, so that busy ones do not outweigh quiet
            ones; for mixes.
        start: checkpoint of the network that training began from; empty: fresh weights.
        teacher: soft rules, each with ``rule`` (its name), ``strength``, and ``source``, a hash of the file
            it came from.
        imitation: ``first``, ``decay`` and ``least`` of the teacher's weight, see :class:`Schedule`.
    """

    role: str = "default"
    architecture: Mapping[str, Any] = field(default_factory=lambda: {"name": "mlp", "arguments": {"hidden": [20]}})
    imitate: str = "sjf"
    imitation_rounds: int = 200
    imitation_sets: int = 40
    iterations: int = 450
    job_sets: int = 24
    fixed_sets: bool = False
    episodes: int = 20
    learning_rate: float = 3e-3
    epochs: int = 3
    batch: int = 4096
    clip: float = 0.2
    entropy: float = 0.003
    masked: bool = True
    as_published: bool = False
    action_limit: int | None = None
    time_limit: int = 400
    check_every: int = 10
    workload: Mapping[str, Any] = field(default_factory=lambda: family_workload(spec_trained()))
    even: bool = False
    start: str = ""
    teacher: tuple[Mapping[str, Any], ...] = ()
    imitation: Mapping[str, float] = field(default_factory=lambda: asdict(Schedule()))

    def __post_init__(self) -> None:
        for name in ("iterations", "job_sets", "episodes", "epochs", "batch", "check_every"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                msg = f"{name} must be a whole number of at least 1, not {value!r}"
                raise DnnExplainError(msg)
        if self.learning_rate <= 0:
            msg = f"learning_rate must be positive, not {self.learning_rate!r}"
            raise DnnExplainError(msg)
        self.schedule  # noqa: B018 - a schedule that makes no sense is refused here
        if self.teacher and self.as_published:
            msg = "the published recipe has no teacher; give one to the recipe 'default' or 'conv'"
            raise DnnExplainError(msg)

    @property
    def schedule(self) -> Schedule:
        """How much the student imitates its teacher, by iteration."""
        return Schedule(**self.imitation)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint's metadata."""
        return asdict(self)


def make_recipe(name: str, system: Any = None, **changes: Any) -> Recipe:
    """A recipe of a system with some numbers changed; unknown names raise.

    Args:
        name: of one of the system's recipes, as its spec lists them.
        system: by its name or itself; the first system that is trained by rewards if not given.
        **changes: of :class:`Recipe`'s fields.
    """
    spec = spec_trained(system)
    recipes = {recipe.name: recipe for recipe in spec.recipes if recipe.run == RUN}
    if name not in recipes:
        raise Choice("recipe", name, tuple(recipes)).error()
    known = Recipe.__dataclass_fields__
    for key in changes:
        if key not in known:
            raise Choice("recipe setting", key, tuple(known)).error()
    data = {"role": recipes[name].role or name, "workload": family_workload(spec), **recipes[name].settings}
    return Recipe(**{**data, **changes})


def family_workload(spec: Spec, name: str = "") -> dict[str, Any]:
    """A recipe's ``workload``: one family (the spec's default) with its defaults."""
    family = spec.family(name)
    return {
        "name": family.name,
        **{parameter.name: parameter.default for parameter in family.parameters if parameter.default is not None},
    }


def grid_axes(system: Any = None) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Families and rates of a system's transfer grid: what a mix is made of unless told otherwise."""
    grid = spec_trained(system).grid()
    return tuple(row.family for row in grid.rows), tuple(
        column.value for column in grid.columns if column.value is not None and "rate" in column.parameters
    )


def spec_trained(system: Any = None) -> Spec:
    """The spec of a system, given by itself, its name or its spec; of the first that is trained by rewards if not given."""
    if isinstance(system, Spec):
        return system
    if system is not None:
        return spec_of(system)
    return next(spec for spec in specs().values() if any(recipe.run == RUN for recipe in spec.recipes))


def __getattr__(name: str) -> Any:
    """``RECIPES``, ``GRID_FAMILIES`` and ``GRID_RATES`` of the first system that is trained by rewards."""
    if name == "RECIPES":
        return {recipe.name: make_recipe(recipe.name) for recipe in spec_trained().recipes if recipe.run == RUN}
    if name in {"GRID_FAMILIES", "GRID_RATES"}:
        return grid_axes()[name == "GRID_RATES"]
    raise AttributeError(name)
