"""``dnnexplain distill``: a network as a short list of rules, and where it is not a given rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.mixtures import MIXTURE_HELP, mixture, shared_out
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import Choice, Discrete, DnnExplainError, need
from dnnexplain.contract.specs import load_reference
from dnnexplain.counts import joined

if TYPE_CHECKING:
    from dnnexplain.contract import Policy
    from dnnexplain.contract.specs import Spec
    from dnnexplain.explain.distillation import Disagreement, Distillation, OutputRules

__all__ = ["register"]

SUFFIXES = {".txt": "text", ".py": "python", ".c": "c", ".js": "javascript", ".json": "json"}
LEAST = 4
Draw = Callable[[int, int], Sequence[Any]]
DIFFERENCE_SETS, DIFFERENCE_SEED = 100, 77


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain distill {DEFAULT_SYSTEM} --leaves 20 --seed 1 --json",
        f"dnnexplain distill {DEFAULT_SYSTEM} --leaves 10 --export rules.py",
        f"dnnexplain distill {DEFAULT_SYSTEM} --compare RULE",
        f"dnnexplain distill {DEFAULT_SYSTEM} --weighting soft --leaves 30",
        "dnnexplain distill SYSTEM --workload FAMILY=3 --workload OTHER",
    )
    app.system_command("distill", distill, epilog=shown, workload=True)


def distill(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network or a weights file."),
    leaves: int = typer.Option(20, help="Most rules (leaves of the tree; of each switch's tree)."),
    rounds: int = typer.Option(2, help="Rounds of learning on the tree's own states."),
    sets: int = typer.Option(
        0, help="Workloads per round (0: 130 for a choice, 40 for numbers, switches and --weighting cost)."
    ),
    unseen: int = typer.Option(200, help="Workloads for the figures, drawn for them alone."),
    seeds: int = typer.Option(3, help="Trees to compare."),
    seed: int = typer.Option(0, help="Of workloads and trees."),
    weighting: str = typer.Option(
        "margin",
        help="How much a decision counts: gap, margin, none; soft: by the network's probabilities; cost: by what follows.",
    ),
    optimal_depth: int = typer.Option(0, help="Optimal small trees up to this depth, 2 or 3 (needs pystreed)."),
    polish: int = typer.Option(0, help="Changes of the tree that are tried and kept if its episodes cost less."),
    polish_sets: int = typer.Option(
        0, help="Workloads on which changes are tried, apart from those that decide when to stop; 0: four times --sets."
    ),
    workload: list[str] = typer.Option([], help=MIXTURE_HELP, show_default=False),
    test: str = typer.Option("", help="A file or folder of workloads for the figures.", show_default=False),
    compare: str = typer.Option("", help="Also say where the network differs from this rule."),
    export_to: Path | None = typer.Option(
        None, "--export", help="Write the rules: .py, .c, .js, .json or .txt; and what the system offers beside."
    ),
    out: Path | None = typer.Option(
        None, help="Keep the whole result here (JSON), also while it runs and after Ctrl-C."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """A network as a decision tree in domain words, with what the tree's episodes cost on unseen workloads.

    Numbers are set by one tree of their own, switches by one tree each. Where a policy decides on many parts at once (pairs of nodes), the tree says what it does with one of them.
    """
    from dnnexplain.cli.distilled_parts import parts_as_json, show_parts
    from dnnexplain.explain.distillation import OutputRules as Parts
    from dnnexplain.explain.distillation import disagree, distil
    from dnnexplain.explain.distillation.certificate import checked_export

    kind = _kind(export_to, options.spec)
    for path in (export_to, out):
        if path is not None:
            check_writable(path)
    del system
    world, teacher = _world_and_teacher(options, policy)
    if compare and compare not in world.rules():
        raise Choice("rule", compare, tuple(world.rules())).error()

    draw, figures = _sources(world, options, workload, test, seed)
    beside = {"--optimal-depth": bool(optimal_depth), "--polish": bool(polish), "--compare": bool(compare)}
    _check_choice(world, [option for option, used in beside.items() if used])
    with until_interrupted() as stop, progress_bar("Distilling", quiet=as_json) as show:
        distilled = distil(
            world,
            teacher,
            draw,
            leaves=leaves,
            rounds=rounds,
            sets=sets,
            unseen=unseen,
            seeds=seeds,
            seed=seed,
            weighting=weighting,
            optimal_depth=optimal_depth,
            polish=polish,
            polish_sets=polish_sets,
            figures_on=figures,
            progress=show,
            cancel=stop,
            keep=Keeper(out),
        )
    apart = None
    if compare and not stop.is_set():
        apart = disagree(world, teacher, world.rules()[compare], draw(DIFFERENCE_SETS, DIFFERENCE_SEED), seed=seed)
    rules = distilled.trees if isinstance(distilled, Parts) else distilled.tree
    checked = None if export_to is None else checked_export(_written(kind, world, distilled), kind, rules)

    def show_all() -> None:
        if isinstance(distilled, Parts):
            show_parts(distilled)
        else:
            _show(distilled, apart)
        if checked is not None and checked.comparison:
            typer.echo(f"{export_to}: {checked.comparison}")

    finish(
        distilled,
        out=out,
        report=(
            lambda: {
                **(parts_as_json(distilled) if isinstance(distilled, Parts) else _as_json(distilled, apart)),
                "export_certificate": checked and checked.certificate,
                "export_check": checked and checked.comparison,
            }
        )
        if as_json
        else None,
        show=show_all,
        stop=stop,
        counts={"leaves": leaves, "rounds": rounds, "sets": sets, "unseen": unseen, "seeds": seeds, "polish": polish},
        export=(export_to, lambda: "" if checked is None else checked.text),
    )


def _check_choice(world: Any, given: Sequence[str]) -> None:
    """Refuse options that only rules of a choice have where numbers or switches are set."""
    if given and not isinstance(world.output, Discrete):
        msg = (
            f"{given[0]} works on a choice among actions (dnnexplain.contract.Discrete); {world.name} sets "
            f"{'numbers' if world.output.kind == 'values' else 'switches'}: leave it out"
        )
        raise DnnExplainError(msg)


def _sources(
    world: Any, options: SystemOptions, workload: Sequence[str], test: str, seed: int
) -> tuple[Draw, Sequence[Any] | None]:
    """Workloads to learn from, and those for the figures, where they are not drawn afresh."""
    figures = find_workloads(world, options, test, None, seed) if test else None
    families = {family.name for family in options.spec.families}
    parts = mixture(workload)
    drawn_afresh = [part for part in parts if not part.source or part.source in families]
    kept = [part for part in parts if part not in drawn_afresh]
    read = {part.source: _read(world, options, part.source, seed) for part in kept}
    if read and figures is None:
        read, figures = _halves(read, seed)

    def draw(count: int, drawn: int) -> Sequence[Any]:
        sets: list[Any] = []
        for part, wanted in zip(parts, shared_out(count, [part.weight for part in parts]), strict=True):
            if part.source in read:
                own = read[part.source]
                sets += [own[place] for place in np.random.default_rng(drawn).permutation(len(own))[:wanted]]
            elif wanted:
                name = options.spec.family(part.source).name
                sets += world.workloads(name, wanted, drawn, **options.family(name))
        return sets

    return draw, figures


def _halves(read: dict[str, Sequence[Any]], seed: int) -> tuple[dict[str, Sequence[Any]], list[Any]]:
    """What was read, half of it to learn from and half for the figures.

    Raises:
        DnnExplainError: too few in all.
    """
    held = sum(map(len, read.values()))
    if held < LEAST:
        msg = f"{joined(read)} holds {held}; to learn from half of them and measure on the others takes {LEAST}"
        raise DnnExplainError(msg)
    learned: dict[str, Sequence[Any]] = {}
    figures: list[Any] = []
    for source, items in read.items():
        order = np.random.default_rng(seed).permutation(len(items))
        figures += [items[place] for place in order[: len(items) // 2]]
        learned[source] = [items[place] for place in order[len(items) // 2 :]]
    return learned, figures


def _read(world: Any, options: SystemOptions, source: str, seed: int) -> Sequence[Any]:
    read: Sequence[Any] = find_workloads(world, options, source, None, seed)
    return read


def _world_and_teacher(options: SystemOptions, policy: str) -> tuple[Any, Policy]:
    """The world and whom to follow; where a policy decides in parts, one part of it."""
    from dnnexplain.explain.distillation.world import Distillable, Parted
    from dnnexplain.policies import named_policy

    world: Any = options.make_for(policy)
    teacher = named_policy(world, policy)
    if isinstance(world, Parted):
        parts = world.in_parts(teacher)
        return parts.world, parts.teacher
    need(world, Distillable, "telling a policy as rules")
    return world, teacher


def _kind(path: Path | None, spec: Spec) -> str:
    """How the rules are written: a language of all systems, or the reference of the system's own program."""
    if path is None:
        return ""
    for ending, reference in spec.rule_exports.items():
        if path.name.endswith(ending):
            return reference
    if path.suffix not in SUFFIXES:
        raise Choice("language for the file ending", path.suffix, (*SUFFIXES, *spec.rule_exports)).error()
    return SUFFIXES[path.suffix]


def _written(kind: str, world: Any, distillation: Distillation | OutputRules) -> str:
    from dnnexplain.explain.distillation import OutputRules, export

    if isinstance(distillation, OutputRules):
        return distillation.export(kind)
    if kind in SUFFIXES.values():
        return export(distillation.tree, kind, distillation.features, distillation.actions, distillation.units)
    return str(load_reference(kind)(world, distillation.tree))


def _figure(distillation: Distillation, name: str) -> dict[str, float]:
    return {
        "mean": getattr(distillation, name),
        "low": getattr(distillation, f"{name}_low"),
        "high": getattr(distillation, f"{name}_high"),
    }


def _as_json(distillation: Distillation, apart: Disagreement | None) -> dict[str, Any]:
    from dnnexplain.cli.distilled_parts import path_told
    from dnnexplain.explain.distillation.result import FORMER

    plain = (
        "macro_f1",
        "fidelity_free",
        "fidelity_own",
        "leaves",
        "depth",
        "agreement",
        "decisions",
        "unseen",
    )
    data: dict[str, Any] = {
        "policy": distillation.question.policy,
        "checkpoint": distillation.question.checkpoint,
        "seed": distillation.question.seed,
        "fidelity": distillation.fidelity,
        "fidelity_interval": [distillation.fidelity_low, distillation.fidelity_high],
        **{name: getattr(distillation, name) for name in plain},
        "best_sentence": {
            "words": distillation.single,
            "fidelity": distillation.single_fidelity,
            "fidelity_free": distillation.single_free,
        },
        **{name: _figure(distillation, name) for name in ("cost", "teacher_cost", "relative")},
        **{name.replace("cost", FORMER): _figure(distillation, name) for name in ("cost", "teacher_cost")},
        "cpu_seconds": distillation.cpu_seconds,
        "path": path_told(distillation),
        "near_equal": [
            {"leaves": tree.leaves, "quantities": tree.quantities, "cost": cost, "rules": distillation.text_of(tree)}
            for tree, cost in zip(distillation.alike, distillation.alike_cost, strict=True)
        ],
        "rules": distillation.text(),
        "words": distillation.words,
        "stopped": distillation.stopped,
    }
    if apart is not None:
        data["compared"] = {
            "rule": apart.rule,
            "same": {"mean": apart.same, "low": apart.same_low, "high": apart.same_high},
            "same_free": apart.same_free,
            "recall": apart.recall,
            "precision": apart.precision,
            "where": apart.text(),
            "words": apart.words,
        }
    return data


def _show(distillation: Distillation, apart: Disagreement | None) -> None:
    typer.echo(distillation.text())
    seed = distillation.chosen
    rows = [
        [
            int(distillation.path_leaves[seed, k]),
            float(distillation.path_fidelity[seed, k]),
            float(distillation.path_cost[seed, k]),
        ]
        for k in range(len(distillation.sizes))
    ]
    unique = [row for place, row in enumerate(rows) if place == 0 or row != rows[place - 1]]
    print_table(
        ("leaves", "fidelity", distillation.cost_name), unique, "Size, fidelity and cost on validation workloads"
    )
    if distillation.alike:
        rows = [
            [tree.leaves, tree.quantities, cost]
            for tree, cost in zip(distillation.alike, distillation.alike_cost, strict=True)
        ]
        title = "Trees that cost as good as the same on validation workloads; the first one is shown"
        print_table(("leaves", "quantities", distillation.cost_name), rows, title)
    typer.echo(distillation.words)
    if apart is not None:
        typer.echo(apart.words)
