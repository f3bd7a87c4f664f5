"""``dnnexplain regions``: where a policy fails, as regions in the system's own words."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_writable
from dnnexplain.cli.output import examples, print_table, progress_bar
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.contract import EpisodeSystem, need

if TYPE_CHECKING:
    from dnnexplain.explain.regions import ComparedProfiles, FailureProfile

from dnnexplain.registry import fair_rules

__all__ = ["register"]


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain regions {DEFAULT_SYSTEM} --policy default --json",
        f"dnnexplain regions {DEFAULT_SYSTEM} --of workloads --sets 200 --out before.json",
        f"dnnexplain regions {DEFAULT_SYSTEM} --policy retrained.safetensors --before before.json",
    )
    app.system_command("regions", regions, epilog=shown, workload=True, guarded=True)


def regions(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, a rule, or a weights file."),
    of: str = typer.Option("", "--of", help="decisions (by the oracle) or workloads (against the best rule)."),
    workload: str = typer.Option("", help="Family of the workloads; the first if not given.", show_default=False),
    sets: int = typer.Option(40, min=1, help="Workloads in each half of the seeds."),
    states: int = typer.Option(300, min=1, help="States of each half that are judged, at most."),
    floor: float = typer.Option(1e-6, min=0, help="A loss above this is a failure."),
    seed: int = typer.Option(0, help="Of workloads and states."),
    before: Path | None = typer.Option(None, help="An earlier profile (--out) of another network to compare with."),
    out: Path | None = typer.Option(None, help="Keep the profile here (JSON)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Where a network fails: sets of states (or workloads) in which it loses more than elsewhere.

    Regions are found in one half of the seeds; share, loss, mass and p are from the other half, p corrected for how
    many regions were tried. The list is ranked by mass times loss.
    """
    from dnnexplain.explain.regions import FailureProfile, compare_profiles, failure_profile
    from dnnexplain.policies import named_policy

    del system
    if out is not None:
        check_writable(out)
    earlier = None if before is None else FailureProfile.load(before)
    world: Any = options.make_for(policy)
    need(world, EpisodeSystem, "finding where a policy fails")
    network = options.guarded(named_policy(world, policy), world)
    family, parameters = options.spec.family(workload).name, options.family(workload)
    rules = fair_rules(world)
    with progress_bar("Looking", 3, quiet=as_json) as show:
        profile = failure_profile(
            world,
            network,
            lambda count, drawn: world.workloads(family, count, drawn, **parameters),
            rules=rules,
            kind=of,
            sets=sets,
            states=states,
            seed=seed,
            floor=floor,
            progress=show,
        )
    compared = None if earlier is None else compare_profiles(earlier, profile)
    finish(
        profile,
        out=out,
        report=(lambda: _as_json(profile, compared)) if as_json else None,
        show=lambda: _show(profile, compared),
        counts={"sets": sets, "states": states},
    )


def _as_json(profile: FailureProfile, compared: ComparedProfiles | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "policy": profile.question.policy,
        "checkpoint": profile.question.checkpoint,
        "seed": profile.question.seed,
        "of": profile.kind,
        "regions": [
            {**{key: value for key, value in asdict(region).items() if key != "where"}, "where": region.where.to_json()}
            for region in profile.regions
        ],
        "tried": profile.tried,
        "samples": profile.samples,
        "share": profile.share,
        "loss": profile.loss,
        "unit": profile.unit,
        "explained": profile.explained,
        "assumed": [*profile.question.assumed, *profile.assumed],
        "words": profile.words,
    }
    if compared is not None:
        data["compared"] = {"fates": [asdict(fate) for fate in compared.fates], "words": compared.words}
    return data


def _show(profile: FailureProfile, compared: ComparedProfiles | None) -> None:
    typer.echo(profile.words)
    for place, region in enumerate(profile.regions, start=1):
        typer.echo(f"{place}. {region.words}")
    for sentence in profile.assumed:
        typer.echo(sentence)
    if compared is not None:
        columns = ("region", "of", "verdict", "loss before", "loss after", "p")
        rows = [
            (fate.rule, fate.owner, fate.verdict, fate.loss_before, fate.loss_after, fate.p) for fate in compared.fates
        ]
        print_table(columns, rows, compared.words)
