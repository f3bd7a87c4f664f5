"""Training from the command line: ``dnnexplain train abr``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnexplain.contract import DnnExplainError
from dnnexplain.counts import counted
from dnnexplain.intervals import Interval, mean_interval
from dnnexplain.systems.abr.arrays import Params
from dnnexplain.systems.abr.own_links import checks_of, divided
from dnnexplain.systems.abr.rules import make_rules
from dnnexplain.systems.abr.runner import run_policy
from dnnexplain.systems.abr.simulator import Simulator
from dnnexplain.systems.abr.teachers import read_teacher
from dnnexplain.systems.abr.training import Recipe, Report, Trainer, evaluate
from dnnexplain.tensor_files import read_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dnnexplain.systems.abr.system import AdaptiveBitrate
    from dnnexplain.systems.abr.traces import Trace

__all__ = ["MIXTURE", "run", "stages_of", "story"]

MIXTURE = {"markov-3g": 0.8, "stable": 0.05, "bursty": 0.05, "outage": 0.05, "puffer-like": 0.05}
"""Shares of the families that the shipped network was trained on."""
OF_FOLDERS = {"vary": 0.3, "generated": 0.0}
"""How a folder's links are trained on, where options do not say; see ``training.Recipe``."""

AGAIN = {"learning_rate": 2e-4, "entropy": (0.004, 0.002), "warm": 6}
"""How a network that has learned before goes on: in small steps, after the critic has caught up with it."""

_OF_LINKS = {"families", "means", "spread", "pool"}


def run(
    system: AdaptiveBitrate,
    options: Mapping[str, Any],
    out: Path,
    report: Callable[[int, int, str], Any],
) -> tuple[nn.Module, dict[str, Any]]:
    """Train by the recipe ``default``; see ``contract.Recipe``. It resumes from ``OUT.training.pt``."""
    given, seed = options.get("links") is not None, int(options.get("seed", 0))
    chosen: dict[str, Any] = {**(AGAIN if options.get("begin") else {}), **_taught(options)}
    if given:
        chosen |= {name: float(options.get(name, usual)) for name, usual in OF_FOLDERS.items()}
    recipe = Recipe(
        families=MIXTURE, iterations=int(options["iterations"]), sessions=int(options["sessions"]), qoe=system.qoe.name,
        **chosen,
    )  # fmt: skip
    traces, checks, source = _links(system, options, recipe, seed) if given else (None, None, "generated links only")
    keep = stages_of(recipe.iterations, int(options.get("stages") or 0))
    trainer = Trainer(
        recipe,
        seed,
        traces=traces,
        checks=checks,
        video=system.video,
        keep=keep,
        begin=_weights(str(options.get("begin") or "")),
    )
    saved = out.with_suffix(".training.pt")
    if options.get("fresh"):
        saved.unlink(missing_ok=True)

    def tell(state: Report) -> None:
        report(
            state.iteration, state.iterations,
            f"QoE {state.score:.2f} on held-out links (best {state.best:.2f}), entropy {state.entropy:.2f}",
        )  # fmt: skip

    module = trainer.run(tell, saved)
    stages = {f"after {item} of {counted(recipe.iterations, 'step')}": trainer.stage(item) for item in keep}
    kind = "sessions on links held out" if given else "held-out generated links"
    return module, {**story(trainer, module, source, kind), **({"stages": stages} if stages else {})}


def _weights(begin: str) -> Mapping[str, Tensor] | None:
    """The weights of a network that ships, by its name, or of a file that ``dnnexplain train`` wrote; ``None`` without one.

    Raises:
        DnnExplainError: there is no such file, or it holds no weights.
    """
    if not begin:
        return None
    shipped = Path(__file__).with_name("weights") / f"abr-{begin}.safetensors"
    file = shipped if shipped.exists() else Path(begin)
    try:
        return read_tensors(file)[0]
    except DnnExplainError as error:
        msg = f"{file} holds no weights to begin with ({error}): give a network that ships, or a file that `dnnexplain train abr` wrote"
        raise DnnExplainError(msg) from None


def _links(
    system: AdaptiveBitrate, options: Mapping[str, Any], recipe: Recipe, seed: int
) -> tuple[list[Trace], list[Trace], str]:
    """Links of a folder to train on and to choose weights by, and what they are."""
    folder = Path(options["links"])
    read, words = system.read_workloads(folder)
    train, held = divided(read, seed)
    source = (
        f"links of {folder.name}: {words}; {counted(len(train), 'link')} trained on, throughput varied by factors of "
        f"e^(±{recipe.vary:g}), {counted(len(held), 'link')} held out"
    )
    beside = f"; beside them {recipe.generated:.0%} generated links" if recipe.generated else ""
    return train, checks_of(held, recipe.checks), source + beside


def stages_of(iterations: int, count: int) -> list[int]:
    """After which iterations a training is looked at: the last, half of that, and so on, ``count`` in all.

    A network learns most at first, so each stage is twice as long as the one before.

    Raises:
        DnnExplainError: so few iterations have not so many halves.
    """
    steps = [iterations >> (count - 1 - place) for place in range(count)]
    if steps and steps[0] < 1:
        msg = f"{counted(iterations, 'iteration')} can be halved {iterations.bit_length() - 1} times; {counted(count, 'stage')} need {2 ** (count - 1):,} of them"
        raise DnnExplainError(msg)
    return steps


def _taught(options: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's teachers and how long they are followed, as far as options say."""
    rules = tuple(read_teacher(text) for text in options.get("teacher") or ())
    if len({name for name, _ in rules}) < len(rules):
        msg = "a rule was given twice as a teacher; give it once, with the strength that it is to have"
        raise DnnExplainError(msg)
    first, decay, least = Recipe().teaching
    first = first if options.get("teacher_weight") is None else float(options["teacher_weight"])
    decay = decay if options.get("teacher_decay") is None else float(options["teacher_decay"])
    return {"teacher": rules, "teaching": (first, decay, least)} if rules else {}


def story(trainer: Trainer, module: nn.Module, links: str, kind: str) -> dict[str, Any]:
    """What a model card tells of a training: its numbers, and QoE on the held-out links, of which ``kind`` says, beside the rules'."""
    video, qoe, recipe = trainer.video, trainer.qoe, trainer.recipe
    totals = {"network": evaluate(module, Simulator(trainer.checks, video, qoe=qoe))}
    for name, rule in make_rules(video, Params(), qoe).items():
        totals[name] = run_policy(trainer.checks, video, Params(), rule).total(qoe)
    figures = {name: _interval_json(mean_interval(values)) for name, values in totals.items()}
    decisions = trainer.iteration * recipe.sessions * (video.chunks - 1)
    return {
        "seed": trainer.seed,
        "workload": {"links": links, **{key: value for key, value in recipe.to_dict().items() if key in _OF_LINKS}},
        "decisions": decisions,
        "recipe": recipe.to_dict(),
        "curve": trainer.curve,
        "figures": {f"QoE-{qoe.name} on {len(trainer.checks)} {kind}": figures},
    }


def _interval_json(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
