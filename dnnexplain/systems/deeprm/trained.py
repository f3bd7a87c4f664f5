"""What is measured of a scheduler that was just trained, and what its model card says in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from dnnexplain.contract import NetworkFigures, Policy, Trained
from dnnexplain.intervals import compared_interval
from dnnexplain.numbers import figure, interval, number
from dnnexplain.systems.deeprm.figures import network_figures
from dnnexplain.systems.deeprm.system import DeepRM

__all__ = ["about", "measure", "mix_figures"]

FIGURE_SETS = 200
MIX_SETS, MIX_SEED = 100, 50_000
"""Unseen job sets of each cell of a mix, and the seed of the first cell's."""


def measure(trained: Trained) -> NetworkFigures:
    """The network with and without its mask, beside every rule, on unseen job sets under the fair rules."""
    recipe = trained.story["recipe"]
    masked, workload = bool(recipe["masked"]), dict(recipe["workload"])
    fair = DeepRM(slots=trained.system.params.slots)
    both = {
        "": trained.policy(fair, masked),
        f", {'without' if masked else 'with'} the mask": trained.policy(fair, not masked),
    }
    figures = network_figures(fair, both, *_home(workload), FIGURE_SETS)
    lines = _lines(figures)
    if workload["name"] == "mix":
        title = f"cells of the mix, {MIX_SETS} unseen job sets each"
        figures[title] = mix_figures(fair, both[""], workload, MIX_SETS, MIX_SEED)
    story = about(str(recipe["role"]), masked=masked, workload=workload)
    return NetworkFigures(figures, story, lines=lines)


def _home(workload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Family and settings of the job sets that the network was trained on; of a mix, those of its cell at home."""
    if workload["name"] == "mix":
        home = workload["home"]
        return home["name"], {"rate": home["rate"], "steps": workload["steps"]}
    return workload["name"], {key: value for key, value in workload.items() if key != "name"}


def mix_figures(world: DeepRM, policy: Policy, workload: Mapping[str, Any], sets: int, seed: int) -> dict[str, Any]:
    """A network on every cell of a mix against SJF, on unseen job sets: the worst cell, and how many it loses.

    Args:
        world: the system.
        policy: the network.
        workload: a recipe's mix.
        sets: job sets per cell.
        seed: of the first cell's; each cell has the next one.
    """
    sjf, words = world.rules()["sjf"], {}
    for place, (family, rate) in enumerate(product(workload["families"], workload["rates"])):
        unseen = world.workloads(family, sets, seed + place, rate=rate, steps=workload["steps"])
        words[f"{family} at {rate:g}"] = compared_interval(
            world.run(policy, unseen).cost, world.run(sjf, unseen).cost, ratio=True
        )
    worst = max(words, key=lambda name: words[name].mean)
    return {
        "cells": len(words),
        "cells more than 2% behind sjf": sum(figures.mean > 0.02 for figures in words.values()),
        f"worst cell, {worst}, relative to sjf": {key: getattr(words[worst], key) for key in ("mean", "low", "high")},
        "mean over cells, relative to sjf": sum(figures.mean for figures in words.values()) / len(words),
    }


def _lines(figures: Mapping[str, Any]) -> list[str]:
    title, brief = next(iter(figures.items()))
    lines = [f"Mean slowdown on {title} (95% interval):"]
    for name, each in brief.items():
        slowdown = each["slowdown"]
        lines.append(
            f"  {name}: {number(each['starved'])} starved, slowdown {figure(slowdown['mean'])} "
            f"({interval(slowdown['low'], slowdown['high'])})"
        )
    return lines


def about(role: str, *, masked: bool, workload: dict[str, Any]) -> dict[str, str]:
    """What a model card says in words: ``description`` and ``limits``."""
    return {"description": _description(role), "limits": _limits(masked, workload)}


def _description(role: str) -> str:
    if role == "as-published":
        return (
            "Trained by the recipe of the published DeepRM: no mask, ten fixed job sets, a baseline per action index, "
            "episodes cut after 200 actions. An exhibit: it starves jobs that its training never charged for."
        )
    if role == "hardened":
        return (
            "Schedules jobs for low mean slowdown also where the workload is not the one at home: trained further on all "
            "cells of the transfer grid, with a rule as teacher at first; actions that do nothing are masked."
        )
    return "Schedules jobs for low mean slowdown, every job counted; actions that do nothing are masked."


def _limits(masked: bool, workload: dict[str, Any]) -> str:
    if workload["name"] == "mix":
        rates = ", ".join(f"{rate:g}" for rate in workload["rates"])
        trained = f"Trained on {', '.join(workload['families'])} at {rates} arrivals per step, and on nothing else."
    else:
        trained = f"Trained on the {workload['name']} workload at {workload['rate']:g} arrivals per step alone."
    if masked:
        return (
            f"{trained} That it starves no job follows from its mask (it may not wait in an idle cluster while a job "
            "fits), not from training."
        )
    return f"{trained} Nothing keeps it from waiting for ever, and it does."
