"""The common path in one call each: ``dx.explain``, ``probe``, ``attack``, ``distill``, ``prove``, ``stress``, ``report``.

Systems and policies go by their names or as objects, a system as ``module:Class`` or as the id of a gymnasium
environment, too (``dx.explain("CartPole-v1", "untrained")``); a state is a :class:`~dnnexplain.contract.State`, its
values by name, a JSON file, or nothing: then it is one that the policy meets in its own episodes. What more
can be said is in :mod:`dnnexplain.explain`, whose functions these call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnexplain.contract import (
    Box,
    Discrete,
    DnnExplainError,
    EpisodeSystem,
    Policy,
    State,
    System,
)
from dnnexplain.files import atomic_write
from dnnexplain.finding import find
from dnnexplain.given_states import given_state, state_from_file
from dnnexplain.policies import TorchPolicy, load_for, named_policy
from dnnexplain.reading import parse_json, read_text
from dnnexplain.registry import spec_of

if TYPE_CHECKING:
    from dnnexplain.explain import Attribution, Curves, Distillation, OutputRules, ThresholdMap
    from dnnexplain.explain.adversarial import Adversarial
    from dnnexplain.explain.proofs.verdicts import Verdict
    from dnnexplain.results import Result

__all__ = ["Report", "attack", "distill", "explain", "probe", "prove", "report", "state_met", "stress"]


def explain(
    system: str | System, policy: Any = "default", state: Any = None, *, method: str = "", **options: Any
) -> Attribution:
    """Which inputs moved one decision.

    Args:
        system: a name (``"deeprm"``, ``"CartPole-v1"``, ``"my_module:MySystem"``) or an object.
        policy: a shipped network's name, a rule's, a file of weights, a ``torch.nn.Module``, or a policy.
        state: see the module.
        method: of attribution; integrated gradients for a network, whose parts add up to what is explained,
            and occlusion for what has no gradients.
        options: of :func:`dnnexplain.explain.attribute`: ``target``, ``baseline``, ``seed``, ...

    Raises:
        DnnExplainError: what is not known by that name, or what the method cannot explain.

    Example::

        import dnnexplain as dx

        dx.explain("deeprm", "default", {"job 1 length": 3, "job 1 cpu": 2})
    """
    world, who = _named(system, policy)
    how = method or import_module("dnnexplain.explain.attribution.methods").usual_method(who)
    attribute = import_module("dnnexplain.explain").attribute
    attribution: Attribution = attribute(world, who, _state(world, who, state), method=how, **options)
    return attribution


def probe(
    system: str | System, policy: Any = "default", state: Any = None, *, by: str = "", **options: Any
) -> ThresholdMap | Curves:
    """How a layer's neurons answer as knobs are swept.

    Args:
        system, policy, state: as of :func:`explain`.
        by: a kind of knob that several objects have (``"length"``): where each neuron turns on or stops
            changing; or one knob. Without it the system's first kind, or all its knobs.
        options: of ``threshold_map`` or ``curves``: ``layer``, ``others``, ...

    Raises:
        DnnExplainError: no such knob, or a policy without a network.

    Example::

        import dnnexplain as dx

        dx.probe("deeprm", "default", {"job 1 length": 3, "job 1 cpu": 2}, by="length")
    """
    world, who = _named(system, policy)
    module = import_module("dnnexplain.explain")
    shared, at = module.kinds(world), _state(world, who, state)
    kind = by or next(iter(shared), "")
    if kind in shared:
        curves: ThresholdMap = module.threshold_map(world, who, kind, state=at, **options)
        return curves
    knobs = (by,) if by else tuple(knob.name for knob in world.knobs)
    swept: Curves = module.curves(world, who, knobs, state=at, **options)
    return swept


def attack(
    system: str | System, policy: Any = "default", state: Any = None, *, rounds: int | None = 20, **options: Any
) -> Adversarial:
    """The smallest valid change of a state that fools the policy there.

    Args:
        system, policy, state: as of :func:`explain`; the system must know what a decision costs.
        rounds: batches of states after which the search ends, alike on every machine; ``None`` for no limit.
        options: of :func:`dnnexplain.explain.adversarial.attack`: ``knobs``, ``costs``, ``seconds``, ...

    Raises:
        DnnExplainError: the system has no oracle, or nothing may be changed.

    Example::

        import dnnexplain as dx

        dx.attack("deeprm", "default", {"job 1 length": 3, "job 1 cpu": 2}, knobs=["job 1"], rounds=2)
    """
    world, who = _named(system, policy)
    search = import_module("dnnexplain.explain.adversarial").attack
    adversarial: Adversarial = search(world, who, _state(world, who, state), rounds=rounds, **options)
    return adversarial


def distill(
    system: str | System, policy: Any = "default", *, workload: str = "", **options: Any
) -> Distillation | OutputRules:
    """Decision trees in domain words that stand in for a policy: one for a choice or for numbers, one for each switch.

    Args:
        system, policy: as of :func:`explain`.
        workload: a family of workloads; the system's first if not given.
        options: of :func:`dnnexplain.explain.distil` : ``leaves``, ``sets``, ``unseen``, ``seeds``, ...

    Raises:
        DnnExplainError: the system has no episodes or no features, or there is no such family.

    Example::

        import dnnexplain as dx
        from dnnexplain.systems import GymSystem

        world = GymSystem("CartPole-v1", actions=("left", "right"), steps=20)
        dx.distill(world, "always left", leaves=4, rounds=1, sets=2, unseen=2, seeds=1)
    """
    world, who = _named(system, policy)
    if not isinstance(world, EpisodeSystem):
        msg = f"{world.name} has no episodes, so there is nothing to learn rules from"
        raise DnnExplainError(msg)
    family = spec_of(world).family(workload)
    given = {parameter.name: parameter.default for parameter in family.parameters if parameter.default is not None}
    distillation: Distillation | OutputRules = import_module("dnnexplain.explain").distil(
        world, who, lambda count, seed: world.workloads(family.name, count, seed, **given), **options
    )
    return distillation


def prove(
    system: str | System,
    policy: Any = "default",
    prop: Any = "robust",
    state: Any = None,
    *,
    within: float = 1.0,
    seconds: float = 60.0,
    **options: Any,
) -> Verdict:
    """Whether a property holds for a network in all states of a set: proved, refuted by a state, or open.

    Args:
        system, policy: as of :func:`explain`; the policy must be a network.
        prop: ``"robust"`` (no valid change of one group of knobs flips the decision), a name that ``dnnexplain
            prove SYSTEM`` lists, an expression over knobs and outputs, a JSON file, or a ``Property``.
        state: around which it is asked, as of :func:`explain`; ``robust`` takes one that the policy meets if none is
            given, any other property asks about all valid states.
        within: steps of the knobs' grids around the state.
        seconds: after which what is not settled is open.
        options: of ``dnnexplain.explain.proofs.verdicts.ProofBudget``: ``nodes``, ``every``, ``jobs``, ...

    Raises:
        DnnExplainError: no such property, a policy without a network, or operations that proofs do not know.

    Example::

        import dnnexplain as dx

        dx.prove("deeprm", "default", "robust", {"job 1 length": 3, "job 1 cpu": 2})
    """
    world, who = _named(system, policy)
    settle, budget = _late(f"{_PROOFS}.prover", "prove"), _late(f"{_PROOFS}.verdicts", "ProofBudget")
    at = None if state is None and prop != "robust" else _state(world, who, state)
    claim = _property(world, who, prop, at, within)
    verdict: Verdict = settle(
        world, who, claim, background=None if at is None else at.background, budget=budget(seconds=seconds, **options)
    )
    return verdict


def stress(system: str | System, policy: Any = "default", **options: Any) -> Any:
    """Where a policy breaks among all that the system's workloads can be.

    Args:
        system, policy: as of :func:`explain`.
        options: of ``dnnexplain.explain.stress.stress``: ``budget``, ``seed``, ...

    Raises:
        DnnExplainError: this version of the package has no stress tests.

    Example::

        import dnnexplain as dx
        from dnnexplain.systems import GymSystem

        world = GymSystem("CartPole-v1", actions=("left", "right"), steps=20)
        dx.stress(world, "untrained", budget=200, jobs=1)
    """
    world, who = _named(system, policy)
    return _late("dnnexplain.explain.stress", "stress")(world, spec_of(world), who, **options)


def report(
    system: str | System, policy: Any = "default", state: Any = None, *, out: str | Path | None = None, seed: int = 0
) -> Report:
    """One decision on one page: what moved it, how far that can be trusted, and how the neurons answer.

    Args:
        system, policy, state: as of :func:`explain`; the policy must be a network.
        out: where to write the page (HTML, whole in one file), if anywhere.
        seed: of everything random.

    Raises:
        DnnExplainError: as of :func:`explain`, or ``out`` cannot be written.

    Example::

        import dnnexplain as dx

        dx.report("deeprm", "default", {"job 1 length": 3, "job 1 cpu": 2})
    """
    world, who = _named(system, policy)
    at = _state(world, who, state)
    explained = explain(world, who, at, seed=seed)
    badge = import_module("dnnexplain.explain").trust(world, who, explained, seed=seed)
    page = Report(f"{who.name} in {world.name}", world.describe(at), (explained, badge, probe(world, who, at)))
    if out is not None:
        page.save(out)
    return page


class Report:
    """Results one below the other, with a title: shows itself in a cell and writes itself as a page."""

    def __init__(self, title: str, lead: str, results: tuple[Result, ...]) -> None:
        self.title, self.lead, self.results = title, lead, results

    def __repr__(self) -> str:
        return "\n\n".join([f"{self.title}: {self.lead}", *map(repr, self.results)])

    def _repr_html_(self) -> str:
        return self._html(result._repr_mimebundle_()["text/html"] for result in self.results)

    def _html(self, results: Iterable[str]) -> str:
        return f"<h2>{escape(self.title)}</h2><p>{escape(self.lead)}</p>{''.join(results)}"

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; it needs nothing from any server."""
        head = (
            f'<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{escape(self.title)}</title>'
        )
        shown = self._html(result.to_html() for result in self.results)
        body = f'<body style="max-width:50em;margin:2em auto;font-family:system-ui,sans-serif">{shown}</body>'
        with atomic_write(path) as file:
            file.write(f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>')
        return Path(path)


# --- what people give ---------------------------------------------------------------------------


def _named(system: str | System, policy: Any) -> tuple[Any, Policy]:
    """System and policy, made of names where names were given; a shipped network brings the parameters it needs."""
    world: Any = system
    if isinstance(system, str):
        meaning = find(system)
        roles = {role.name: role.parameters for role in meaning.spec.roles}
        world = meaning.make(**(roles.get(policy, {}) if isinstance(policy, str) else {}))
    if isinstance(policy, str):
        return world, named_policy(world, policy)
    if isinstance(policy, Path):
        return world, load_for(world, policy)
    if isinstance(policy, Policy):
        return world, policy
    if callable(getattr(policy, "state_dict", None)):
        return world, TorchPolicy(policy, world)
    msg = f"a policy is a name, a file, a torch.nn.Module or an object with outputs(observations), not a {type(policy).__name__}"
    raise DnnExplainError(msg)


def _state(system: Any, policy: Policy, given: Any) -> State:
    if isinstance(given, State):
        return given
    if isinstance(given, Mapping):
        return given_state(system, given)
    if isinstance(given, str | Path):
        return state_from_file(system, given)
    if isinstance(given, np.ndarray):
        return State(system.decode(given[None])[0], given)
    if given is not None:
        msg = f"a state is a State, values by name, a JSON file or an observation, not a {type(given).__name__}"
        raise DnnExplainError(msg)
    return state_met(system, policy)


def state_met(system: Any, policy: Policy) -> State:
    """A state that the policy meets in its own episodes, with a choice in it; of a system without episodes, its first."""
    if not isinstance(system, EpisodeSystem):
        return State(np.array([knob.start for knob in system.knobs], dtype=np.float64))
    met: list[State] = import_module("dnnexplain.explain.probing.states_met").visited(system, policy, 64).states(system)
    return _busiest(system, policy, met)


def _busiest(system: Any, policy: Policy, met: list[State]) -> State:
    """The state with a choice that shows most: the largest sum of knob values, each as a part of its range."""
    free = [item for item in met if _has_choice(system, policy, item)] or met
    span = np.array([knob.high - knob.low or 1.0 for knob in system.knobs])
    low = np.array([knob.low for knob in system.knobs])
    return max(free, key=lambda item: float(((item.values - low) / span).sum()))


def _has_choice(system: Any, policy: Policy, state: State) -> bool:
    """Whether more than one action is valid; of numbers, whether one is off its bounds: at them nothing small moves it."""
    seen = system.encode(state.values[None], state.background)
    if isinstance(system.output, Box):
        low, high = system.output.bounds
        values = policy.outputs(seen)[0]
        return bool(((values > low) & (values < high)).any())
    if not isinstance(system.output, Discrete):
        return True
    return int(system.valid_actions(seen)[0].sum()) > 1


_PROOFS = "dnnexplain.explain.proofs"


def _property(system: Any, policy: Policy, words: Any, state: State | None, within: float) -> Any:
    """A property by its name, as an expression, as a file, or as it is."""
    ready, around = import_module(f"{_PROOFS}.ready"), _late(f"{_PROOFS}.ready", "around")
    if not isinstance(words, str | Path):
        return words if state is None else around(system, words, state, within)
    text, expressions = str(words), import_module(f"{_PROOFS}.expressions")
    if text.endswith(".json"):
        read = _late(f"{_PROOFS}.users", "property_from")
        return read(system, parse_json(read_text(text, "the property"), text), state, within)
    if expressions.is_expression(text):
        claim = expressions.property_of(system, text)
        return claim if state is None else around(system, claim, state, within)
    return ready.named_property(spec_of(system), system, policy, text, state, within)


def _late(module: str, name: str) -> Any:
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):
        msg = f"this version of dnnexplain has no {name}: {module} does not offer it; pip install --upgrade dnnexplain"
        raise DnnExplainError(msg) from None
