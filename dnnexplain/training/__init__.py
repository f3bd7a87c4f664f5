"""Train a network of any system by one of its recipes: run it, measure what comes out, write it with its card.

What joins the layers for training: recipes are data of a system's spec, the trainers lie in ``policies.training``,
and a teacher may be a tree that ``explain`` distilled.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError, NetworkFigures, Recipe, Trained, load_reference
from dnnexplain.files import check_writable
from dnnexplain.registry import spec_of
from dnnexplain.threads import torch_threads

__all__ = ["train"]

Report = Callable[[int, int, str], Any]


def train(
    system: Any,
    recipe: str = "",
    *,
    out: Path,
    report: Report | None = None,
    command: str = "",
    **options: Any,
) -> NetworkFigures:
    """Train a network and write it, with a model card beside it; a run that was stopped is resumed.

    Args:
        system: to train on.
        recipe: one of its spec's; the default one if empty.
        out: the weights file, usually ``name.safetensors``; the networks of earlier moments, where the recipe keeps
            them (``story["stages"]``, name to module), are written beside it as ``name-stage-1.safetensors`` and so on.
        report: called with what is done, what there is to do, and a word on it.
        command: what the card says of how to train it again; this process's own command line if empty.
        **options: of the recipe, and ``seed`` (1), ``threads`` (the recipe's), ``fresh`` (start again).

    Returns:
        its figures on unseen workloads.

    Raises:
        DnnExplainError: no such recipe or option, a system that the recipe does not fit, a file that cannot be
            written, or an unfinished run with other settings.
    """
    check_writable(out)
    chosen = spec_of(system).recipe(recipe)
    settings = _settings(chosen, options)
    with torch_threads(settings["threads"]):
        return _trained(system, chosen, settings, out, report or (lambda *_: None), command)


def _trained(
    system: Any, chosen: Recipe, settings: dict[str, Any], out: Path, report: Report, command: str
) -> NetworkFigures:
    """Train, measure, write."""
    from dnnexplain.policies import TorchPolicy, save, write_model_card
    from dnnexplain.policies.training import progress_path

    network, words = load_reference(chosen.run)(system, settings, out, report)
    module = getattr(network, "module", network)
    stages: Mapping[str, Any] = words.pop("stages", {})
    story = {"role": chosen.role or chosen.name, "seed": settings["seed"], "masked": True, **words}

    def policy(world: Any, masked: bool) -> TorchPolicy:
        return TorchPolicy(module, world, name=str(story["role"]), masked=masked)

    measured = _measure(Trained(system, chosen, out, story, settings, policy))
    figures = {"figures": {**measured.figures, **words.get("figures", {})}}
    said = {"command": command or shlex.join(["dnnexplain", *sys.argv[1:]])}
    save(out, policy(system, bool(story["masked"])), {**said, **story, **figures, **measured.story}, system=system)
    write_model_card(out)
    for place, (name, stage) in enumerate(stages.items(), start=1):
        at = out.with_name(f"{out.stem}-stage-{place}{out.suffix}")
        trained = TorchPolicy(stage, system, name=name, masked=bool(story["masked"]))
        save(at, trained, {**said, "role": name, "seed": story["seed"], "masked": story["masked"]}, system=system)
    progress_path(out).unlink(missing_ok=True)
    return NetworkFigures(figures["figures"], measured.story, measured.lines, measured.tables)


def _settings(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's numbers, its options' values, and what every recipe is told."""
    known = {parameter.name: parameter for parameter in recipe.parameters}
    strange = [key for key in options if key not in {*known, "seed", "threads", "fresh"}]
    if strange:
        msg = f"the recipe {recipe.name} takes no {strange[0]}; it takes {', '.join(known) or 'nothing'}"
        raise DnnExplainError(msg)
    values = {key: [] if item.multiple and item.default is None else item.default for key, item in known.items()}
    given = {key: value for key, value in options.items() if value is not None}
    data = {"seed": 1, "threads": recipe.threads, "fresh": False}
    return {**values, **data, **given, "settings": recipe.settings, "recipe": recipe.name}


def _measure(trained: Trained) -> NetworkFigures:
    if trained.recipe.measure:
        network_figures: NetworkFigures = load_reference(trained.recipe.measure)(trained)
        return network_figures
    from dnnexplain.training.figures import beside_baselines

    return beside_baselines(trained)
