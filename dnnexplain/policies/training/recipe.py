"""How a network is trained: every number in one frozen record, and the recipes that ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError
from dnnexplain.policies.training.teacher import Schedule

__all__ = ["GRID_FAMILIES", "GRID_RATES", "RECIPES", "Recipe", "make_recipe", "mix"]


def mix(
    families: Sequence[str],
    rates: Sequence[float],
    *,
    steps: int = 50,
    home: tuple[str, float] = ("deeprm", 0.7),
    home_share: float = 0.25,
) -> dict[str, Any]:
    """A recipe's ``workload``: every family at every rate in equal shares, and a share more of one cell.

    Args:
        families, rates: rows and columns of the grid.
        steps: time steps in which jobs may arrive.
        home: family and rate of the cell with a share of its own.
        home_share: from 0 to below 1.
    """
    if not 0 <= home_share < 1:
        msg = f"home_share is a share from 0 to below 1, not {home_share:g}"
        raise DnnExplainError(msg)
    if not families or not rates:
        msg = "a mix needs at least one family and one rate"
        raise DnnExplainError(msg)
    return {
        "name": "mix",
        "families": list(families),
        "rates": list(rates),
        "steps": steps,
        "home": {"name": home[0], "rate": home[1], "share": home_share},
    }


GRID_FAMILIES = (
    "deeprm", "uniform", "long-heavy", "cpu-bound", "memory-bound", "bursty", "small-jobs", "heavy-tailed",
)  # fmt: skip
"""Rows of the transfer grid: what a mix is made of unless told otherwise."""

GRID_RATES = (0.4, 0.55, 0.7, 0.85)
"""Its columns, arrivals per step."""


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
    workload: Mapping[str, Any] = field(default_factory=lambda: {"name": "deeprm", "rate": 0.7, "steps": 50})
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


RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    "conv": Recipe(
        role="conv",
        architecture={"name": "convnet"},
        imitation_rounds=120,
        iterations=120,
        job_sets=12,
        learning_rate=1e-3,
        epochs=2,
    ),
    "hardened": Recipe(
        role="hardened",
        iterations=100,
        learning_rate=2e-3,
        workload=mix(GRID_FAMILIES, GRID_RATES),
        even=True,
        teacher=({"rule": "never-hold", "strength": 1.0, "source": ""},),
        imitation={"first": 0.3, "decay": 0.97, "least": 0.0},
    ),
    "as-published": Recipe(
        role="as-published",
        imitation_rounds=0,
        iterations=1000,
        job_sets=10,
        fixed_sets=True,
        learning_rate=1e-3,
        epochs=1,
        entropy=0.0,
        masked=False,
        as_published=True,
        action_limit=200,
        time_limit=200,
        check_every=25,
    ),
}
"""The recipes of the networks that ship, by role."""


def make_recipe(name: str, **changes: Any) -> Recipe:
    """A named recipe with some numbers changed; unknown names raise."""
    if name not in RECIPES:
        raise Choice("recipe", name, tuple(RECIPES)).error()
    known = Recipe.__dataclass_fields__
    for key in changes:
        if key not in known:
            raise Choice("recipe setting", key, tuple(known)).error()
    settings = {key: getattr(RECIPES[name], key) for key in known}
    return Recipe(**{**settings, **changes})
