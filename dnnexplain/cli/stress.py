"""``dnnexplain stress``: a battery of scenarios, a verdict each, and a report before one deploys."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.clusters import DASK, workers
from dnnexplain.cli.ending import SECONDS, finish
from dnnexplain.cli.files import atomic_write, check_folder, made_folder
from dnnexplain.cli.interrupts import until_interrupted
from dnnexplain.cli.keeping import Keeper
from dnnexplain.cli.output import examples, print_table, progress_bar, to_plain
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.numbers import interval, percent

if TYPE_CHECKING:
    from dnnexplain.contract.specs import Spec
    from dnnexplain.explain.stress import StressTest
    from dnnexplain.explain.stress.report import Commands, Subject

__all__ = ["register"]

KEPT = "stress.json"
"""The whole result, in the report's folder; a run that was ended goes on from it."""
ORACLE_SECONDS = 1.0
"""For the optimum of each generated input that is told, where no other number is given."""
BROKEN = 1
"""Exit code where a limit is broken."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain stress {DEFAULT_SYSTEM} --policy default --out report/",
        f'dnnexplain stress {DEFAULT_SYSTEM} --policy mine.safetensors --like recorded-file --fail-if "unsafe > 0" --json --out report/',
    )
    app.system_command("stress", stress, epilog=shown, workload=True, guarded=True)


def stress(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    policy: str = typer.Option("default", help="A shipped network, a weights file, or a rule."),
    like: Path | None = typer.Option(
        None, help="Recorded workloads: tested too, and what generated ones must be like."
    ),
    generator: str = typer.Option(
        "",
        help="Generator whose workloads the search for likely and bad inputs begins from: 'default', or a file of dnnexplain generate --fit; drawn ones if not given.",
        show_default=False,
    ),
    budget: int = typer.Option(4000, help="Workloads that the policy is run on, in all."),
    oracle_seconds: float = typer.Option(
        ORACLE_SECONDS, min=0, help="For the optimum of each generated input that is told."
    ),
    proofs: float = typer.Option(
        0.0, min=0, help="Seconds to prove or refute each property that the system states; 0: none."
    ),
    fail_if: list[str] = typer.Option(
        [], help='Exit with 1 if this holds, such as "worst regret > 2" or "unsafe > 0"; repeat.'
    ),
    out: Path = typer.Option(..., help="Folder of the report; a test that was ended goes on from what is there."),
    seed: int = typer.Option(0, help="Of all that is drawn."),
    jobs: int | None = typer.Option(None, min=1, help="Processes; one per core if not given."),
    dask: str = DASK,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Test a policy under everything that the system knows to go wrong, and write a deployment report.

    Ordinary workloads, scenarios from the field, faults of the input, every shift of the workload, and likely inputs
    that are made to be bad. The folder gets report.html, report.json, junit.xml, and the worst workload of each
    scenario as a file that --workload takes.
    """
    from dnnexplain.explain.stress import StressTest, parse_limit
    from dnnexplain.explain.stress import stress as run
    from dnnexplain.policies import named_policy

    limits = [parse_limit(text) for text in fail_if]
    check_folder(out / "worst")
    world: Any = options.make(options.spec.compared)
    rules = world.rules()
    tested: Any = rules[policy] if policy in rules else options.guarded(named_policy(world, policy), world)
    recorded = None if like is None else find_workloads(world, options, str(like), None, seed)
    writer = _generator(generator, options, world)
    folder = _folder(out)
    earlier = StressTest.load(folder / KEPT) if (folder / KEPT).exists() else None
    with workers(dask) as where, until_interrupted() as stop, progress_bar("Testing", quiet=as_json) as show:
        test = run(
            world, options.spec, tested, recorded=recorded, generator=writer, budget=budget, oracle_seconds=oracle_seconds, seed=seed,
            jobs=jobs, resume=earlier, keep=Keeper(folder / KEPT), progress=show, cancel=stop, **where,
        )  # fmt: skip
    test = replace(_with_claims(test, options, policy, proofs, seed), guard=_guard(tested, options))
    broken = {limit.text: limit.broken(test) for limit in limits}
    kept = _Kept(
        test,
        broken,
        _commands(system, options, policy, like, generator, proofs, oracle_seconds, budget, seed, out, fail_if),
        _subject(options.spec, policy),
    )
    finish(
        kept,
        out=folder,
        report=(lambda: kept.data) if as_json else None,
        show=lambda: _show(test, folder, broken),
        stop=stop,
        counts={"budget": budget, "runs": test.runs},
        timed=kept.timed,
        code=BROKEN if any(broken.values()) else 0,
    )


@dataclass
class _Kept:
    """A test and its report, in the files of a folder.

    Attributes:
        data: what ``--json`` prints; it names the files, so it is known when they are written.
    """

    test: StressTest
    broken: dict[str, str]
    commands: Commands
    subject: Subject
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def timed(self) -> bool:
        """Whether the seconds of an optimum or of a proof ran out."""
        front = self.test.generated.front if self.test.generated is not None else []
        return any(item.get("ended_by") == SECONDS for item in (*front, *self.test.properties))

    def save(self, folder: Path) -> None:
        """Write all of them."""
        self.test.save(folder / KEPT)
        self.data = _write(self.test, folder, self.broken, self.commands, self.subject)


def _with_claims(test: StressTest, options: SystemOptions, policy: str, seconds: float, seed: int) -> StressTest:
    """With the properties of the network that are proved or refuted in so many seconds each."""
    if not seconds > 0 or test.properties:
        return test
    from dnnexplain.explain.stress.claims import settled
    from dnnexplain.explain.stress.run import UNSETTLED
    from dnnexplain.policies import named_policy

    world: Any = options.make_for(policy)
    words, left = settled(world, options.spec, named_policy(world, policy), seconds=seconds, seed=seed)
    others = [item for item in test.left_out if not item.startswith(UNSETTLED)]
    regions = (
        "Regions of single decisions that lose: dnnexplain regions finds them, dnnexplain worst-case the worst input."
    )
    return replace(test, properties=words, left_out=(*others, *left, regions))


def _generator(name: str, options: SystemOptions, world: Any) -> Any:
    """The fitted generator of that name or file; ``None`` if none was asked for."""
    if not name:
        return None
    from dnnexplain.explain.generate import find_generator, load_generator

    return load_generator(find_generator(options.spec, world, name, options.words), world)


def _folder(out: Path) -> Path:
    return made_folder(out / "worst").parent


def _guard(tested: Any, options: SystemOptions) -> str:
    if options.guard is None:
        return ""
    rules = "; ".join(getattr(tested, "rule_words", ())) or "it has no rule, so that it never steps in"
    return (
        f"Every run had the guard {options.guard.name} around the policy: {rules}. Beside it each scenario was run without it, "
        "to tell what it helps; properties are asked of the network alone."
    )


def _commands(
    system: str,
    options: SystemOptions,
    policy: str,
    like: Path | None,
    generator: str,
    proofs: float,
    oracle_seconds: float,
    budget: int,
    seed: int,
    out: Path,
    fail_if: list[str],
) -> Commands:
    from dnnexplain.explain.stress.report import Commands

    world = _words_of(options.system)
    guard = ["--guard", shlex.quote(str(options.guard))] if options.guard is not None else []
    words = ["--like", shlex.quote(str(like)), *_words_of(options.workload)] if like is not None else []
    words += [word for text in fail_if for word in ("--fail-if", f'"{text}"')]
    words += ["--generator", generator] if generator else []
    words += ["--proofs", f"{proofs:g}"] if proofs > 0 else []
    words += ["--oracle-seconds", f"{oracle_seconds:g}"] if oracle_seconds != ORACLE_SECONDS else []
    words += ["--budget", str(budget), "--seed", str(seed), "--out", shlex.quote(str(out))]

    def line(command: str, *rest: str) -> str:
        return " ".join(["dnnexplain", command, system, "--policy", policy, *world, *guard, *rest])

    others = {"guard": line("guard", "--out", "guard.json"), "proofs": line("prove")}
    return Commands(line("stress", *words), line("evaluate"), others, options.system)


def _words_of(options: Mapping[str, Any]) -> list[str]:
    """Options as a shell takes them; one that is on or off is a flag."""
    words: list[str] = []
    for key, value in options.items():
        name = key.replace("_", "-")
        words += (
            [f"--{name}" if value else f"--no-{name}"]
            if isinstance(value, bool)
            else [f"--{name}", shlex.quote(str(value))]
        )
    return words


def _subject(spec: Spec, policy: str) -> Subject:
    """What the report calls the system and the policy, as menus do, and what they are."""
    from dnnexplain.explain.stress.report import Subject

    role = next((role for role in spec.roles if role.name == policy), None)
    trained = next((recipe.about for recipe in spec.recipes if role and recipe.name == role.name), "")
    recipe = f"Its training recipe: {trained}" if trained else ""
    about = " ".join(text for text in (spec.sentence, (role.about or recipe) if role else "") if text)
    return Subject(role.title if role else spec.rules.get(policy, ""), spec.title, about)


def _write(
    test: StressTest, folder: Path, broken: dict[str, str], commands: Commands, subject: Subject
) -> dict[str, Any]:
    from dnnexplain.explain.stress.report import report_html
    from dnnexplain.explain.stress.summaries import junit, summary_json

    worst = {scenario.name: scenario.worst for scenario in test.scenarios if "records" in scenario.worst}
    if test.generated is not None:
        worst |= {item["workload"]["name"]: item["workload"] for item in test.generated.front}
    files = {}
    for name, content in worst.items():
        files[name] = f"worst/{re.sub(r'[^a-z0-9.]+', '-', name.lower()).strip('-')}.json"
        _text(folder / files[name], json.dumps(to_plain(content)))
    data: dict[str, Any] = {
        **summary_json(test, files, broken),
        "command": commands.again,
        "report": str(folder / "report.html"),
    }
    for item in data["generated"]["front"] if data["generated"] else ():
        item["command"] = commands.on_file(item["file"], test.scenarios[0].best_rule) or None
    _text(folder / "report.html", report_html(test, commands, files, broken, subject))
    _text(folder / "report.json", json.dumps(to_plain(data), indent=2, ensure_ascii=False))
    _text(folder / "junit.xml", junit(test, broken))
    return data


def _text(path: Path, text: str) -> None:
    with atomic_write(path) as stream:
        stream.write(text)


def _once(name: str) -> str:
    """A scenario's name without a family that its own words begin with: "load: load 0.3" is "load 0.3"."""
    family, _, rest = name.partition(": ")
    return rest if rest.startswith(f"{family} ") else name


def _show(test: StressTest, folder: Path, broken: dict[str, str]) -> None:
    from dnnexplain.explain.stress.failing import region_words
    from dnnexplain.explain.stress.helping import guard_words

    rows = [
        (_once(scenario.name), scenario.standing, scenario.cost, f"{scenario.best_rule}", scenario.rule_cost, percent(scenario.gap, sign=True),
         interval(scenario.gap_low, scenario.gap_high, ratio=True), scenario.why)
        for scenario in test.scenarios
    ]  # fmt: skip
    print_table(("scenario", "verdict", test.cost_name, "best rule", "its cost", "gap", "95% interval", "why"), rows)
    typer.echo(test.sentence())
    for sentence in (guard_words(test), *(boundary.words for boundary in test.boundaries), *region_words(test)):
        if sentence:
            typer.echo(sentence)
    for claim in test.properties:
        typer.echo(f"{claim['name']}: {claim['sentence']}")
    for item in test.left_out:
        typer.echo(f"Not tested. {item}")
    for text, why in broken.items():
        typer.echo(f"{text}: {f'broken: {why}' if why else 'does not hold, as it should be'}")
    typer.echo(f"The report is {folder / 'report.html'}")
