"""``dnnexplain generate``: new workloads like those of a family or a log, and how real they are."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dnnexplain.cli.ending import finish
from dnnexplain.cli.files import check_folder, check_writable, made_folder
from dnnexplain.cli.output import examples, print_table, to_plain
from dnnexplain.cli.system_options import DEFAULT_SYSTEM, SYSTEM_HELP, CommandLine, SystemOptions
from dnnexplain.cli.workloads import find_workloads
from dnnexplain.contract import DnnExplainError, Tabular, need, written_columns
from dnnexplain.counts import counted
from dnnexplain.files import atomic_write
from dnnexplain.numbers import number

if TYPE_CHECKING:
    from dnnexplain.explain.generate import Realism

__all__ = ["register"]

HELD_OUT = 200
"""Workloads of a family that a generator is not fitted to."""


def register(app: CommandLine) -> None:
    """Add the command."""
    shown = examples(
        f"dnnexplain generate {DEFAULT_SYSTEM} --sets 20 --out made/",
        f"dnnexplain generate {DEFAULT_SYSTEM} --fit autoregressive --like recorded-file --out mine.safetensors",
        f"dnnexplain generate {DEFAULT_SYSTEM} --generator mine.safetensors --sets 20 --out made/ --json",
    )
    app.system_command("generate", generate, epilog=shown, workload=True)


def generate(
    system: str = typer.Argument(DEFAULT_SYSTEM, help=SYSTEM_HELP),
    *,
    options: SystemOptions,
    generator: str = typer.Option("default", help="The shipped one, or a file that --fit wrote."),
    fit: str = typer.Option(
        "", help="Fit a new generator of this kind: autoregressive, diffusion, adversarial.", show_default=False
    ),
    like: Path | None = typer.Option(None, help="Recorded workloads that it is fitted to; half of them is held out."),
    workload: str = typer.Option("", help="Family that it is fitted to; the first if not given.", show_default=False),
    sets: int | None = typer.Option(
        None, min=1, help="Workloads to write (10 if not given); with --fit, to fit to (400)."
    ),
    steps: int | None = typer.Option(
        None, "--training-steps", min=1, help="With --fit: of training, for each column (the kind's)."
    ),
    components: int | None = typer.Option(
        None, min=1, help="With --fit autoregressive: principal components of whole workloads, at most (the kind's)."
    ),
    seed: int = typer.Option(0, help="Of all that is drawn."),
    out: Path = typer.Option(..., help="Folder of the workloads; with --fit, the generator's file (safetensors)."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """New workloads, valid by construction, in files that --workload takes; or, with --fit, a generator of your own.

    A generator is fitted to tables of records. How real it is, is measured on workloads that it was not fitted to.
    """
    world: Any = options.make(options.spec.compared)
    need(world, Tabular, "generating workloads")
    if not fit:
        settings_of_fit = (
            ("--like", like),
            ("--workload", workload),
            ("--training-steps", steps),
            ("--components", components),
        )
        for name, given in settings_of_fit:
            if given:
                msg = f"{name} says what a generator is fitted to, or how: add --fit KIND (autoregressive, ...), or leave it out"
                raise DnnExplainError(msg)
        check_folder(out)  # before the work, whose result would be lost
        made = _Made(world, options, generator, 10 if sets is None else sets, seed)
        finish(made, out=out, report=(lambda: made.data) if as_json else None, show=lambda: _show_made(made, out))
        return
    check_writable(out)
    known, held_out, source = _tables(world, options, like, workload, sets, seed)
    settings = {key: value for key, value in (("steps", steps), ("components", components)) if value is not None}
    command = _command(system, options, fit, like, workload, sets, seed, out, settings)
    fitted = _Fitted(world, options, fit, known, held_out, source, seed, command, settings)
    finish(fitted, out=out, report=(lambda: fitted.data) if as_json else None, show=lambda: _show_fitted(fitted, out))


class _Made:
    """New workloads of a generator; what was in the folder before is counted: replaced, and beside them."""

    def __init__(self, world: Any, options: SystemOptions, name: str, count: int, seed: int) -> None:
        from dnnexplain.explain.generate import find_generator, load_generator, read_story

        path = find_generator(options.spec, world, name, options.words)
        self.story = read_story(path)
        tables = load_generator(path, world).sample(count, seed=seed)
        self.world, self.workloads = world, [world.from_records(table) for table in tables]
        self.data: dict[str, Any] = {
            "system": world.name, "generator": str(path) if name != "default" else path.stem, "kind": self.story["generator"],
            "fitted": self.story.get("fitted"), "seed": seed, "sets": count, "figures": self.story.get("figures"), "files": [],
            "replaced": 0, "beside": 0,
        }  # fmt: skip

    def save(self, folder: Path) -> None:
        """A file each."""
        from dnnexplain.explain.stress.cases import case_file

        made_folder(folder)
        files = [folder / f"generated-{self.data['seed']}-{place}.json" for place in range(len(self.workloads))]
        there = set(folder.glob("generated-*.json"))
        self.data |= {"replaced": len(there & set(files)), "beside": len(there - set(files))}
        for file, item in zip(files, self.workloads, strict=True):
            with atomic_write(file) as stream:
                stream.write(json.dumps(to_plain(case_file(self.world, item, file.stem))))
            self.data["files"].append(str(file))


@dataclass
class _Source:
    """What a generator is fitted to, in words, and which family or log it is."""

    words: str
    family: str | None
    log: str | None


class _Fitted:
    """A generator that was fitted, and how real it is."""

    def __init__(
        self, world: Any, options: SystemOptions, kind: str, known: list[Any], held_out: list[Any], source: _Source,
        seed: int, command: str, settings: Mapping[str, int],
    ) -> None:  # fmt: skip
        from dnnexplain.explain.generate import make_generator

        began = time.process_time()
        self.generator: Any = make_generator(kind, world, **settings)
        self.generator.fit(known, ordered=world.ordered, seed=seed)
        took = time.process_time() - began
        self.realism, self.why = _realism(world, self.generator, held_out, known, seed)
        figures = (
            None if self.realism is None else {key: round(value, 4) for key, value in asdict(self.realism).items()}
        )
        self.story: dict[str, Any] = {
            "system": world.name, "columns": written_columns(world), "workloads": options.spec.workloads,
            "family": source.family, "log": source.log, "fitted": source.words, "held_out": len(held_out), "seed": seed,
            "training_time": f"{number(took)} s on one core", "figures": figures, "command": command,
        }  # fmt: skip
        self.data: dict[str, Any] = {
            "system": world.name, "kind": kind, "fitted": source.words, "held_out": len(held_out), "seed": seed,
            "real": None if self.realism is None else self.realism.real, "figures": figures, "not_measured": self.why or None,
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """The file and its card."""
        from dnnexplain.explain.generate import generator_card, read_story, save_generator

        self.data["replaced"] = int(path.exists())
        save_generator(path, self.generator, self.story)
        with atomic_write(path.with_suffix(".md")) as stream:
            stream.write(generator_card(read_story(path), path.stem))
        self.data |= {"file": str(path), "card": str(path.with_suffix(".md"))}


def _tables(
    world: Any, options: SystemOptions, like: Path | None, family: str, sets: int | None, seed: int
) -> tuple[list[Any], list[Any], _Source]:
    """Tables to fit to, held-out ones, and what they are."""
    spec = options.spec
    if like is not None:
        drawn = find_workloads(world, options, str(like), None, seed)
        tables = [world.to_records(item) for item in drawn]
        known, held_out = tables[::2][: sets or len(tables)], tables[1::2]
        return known, held_out, _Source(f"{len(known)} {spec.workloads} of {like.name}", None, like.name)
    name, count = spec.family(family).name, 400 if sets is None else sets
    parameters = options.family(family)
    tables = [world.to_records(workload) for workload in world.workloads(name, count + HELD_OUT, seed, **parameters)]
    text = ", ".join(f"{key} {value:g}" for key, value in parameters.items())
    words = f"{count} {spec.workloads} of family {name}" + (f" ({text})" if text else "")
    return tables[:count], tables[count:], _Source(words, name, None)


def _realism(
    world: Any, generator: Any, held_out: list[Any], known: list[Any], seed: int
) -> tuple[Realism | None, str]:
    from dnnexplain.explain.generate import realism

    made = [world.to_records(world.from_records(item)) for item in generator.sample(max(len(held_out), 1), seed=seed)]
    try:
        return realism(made, held_out, known, seed=seed), ""
    except DnnExplainError as error:
        return None, str(error)


def _command(
    system: str, options: SystemOptions, fit: str, like: Path | None, family: str, sets: int | None, seed: int, out: Path,
    settings: Mapping[str, int],
) -> str:  # fmt: skip
    words = ["dnnexplain", "generate", system, "--fit", fit]
    words += options.words
    words += ["--like", like.name] if like is not None else []
    words += ["--workload", family] if family else []
    words += ["--sets", str(sets)] if sets is not None else []
    flags = {"steps": "--training-steps", "components": "--components"}
    words += [word for key, value in settings.items() for word in (flags[key], str(value))]
    return " ".join([*words, "--seed", str(seed), "--out", out.name])


def _show_made(made: _Made, out: Path) -> None:
    data = made.data
    auc = (data["figures"] or {}).get("auc")
    real = f"; told from real ones with an area under the curve of {number(auc)} (.5: not told apart)" if auc else ""
    typer.echo(
        f"{counted(data['sets'], 'workload')} in {out}, by {data['generator']} ({data['kind']}, fitted to {data['fitted']}){real}."
    )
    if data["replaced"]:
        typer.echo(
            f"{counted(data['replaced'], 'file')} of an earlier run with this seed {'was' if data['replaced'] == 1 else 'were'} replaced."
        )
    if data["beside"]:
        typer.echo(f"{counted(data['beside'], 'other file')} of the folder stayed; --workload {out} takes all of them.")


def _show_fitted(fitted: _Fitted, out: Path) -> None:
    from dnnexplain.explain.generate.card import MEANINGS

    if fitted.realism is not None:
        print_table(("figure", "value", "what it is"), [(key, value, MEANINGS[key]) for key, value in asdict(fitted.realism).items()])  # fmt: skip
        typer.echo(f"{'Real' if fitted.realism.real else 'Not real'} enough to ship: at most .7 is wanted of auc.")
    else:
        typer.echo(f"How real it is was not measured: {fitted.why}")
    if fitted.data["replaced"]:
        typer.echo("The file that was there, and its card, were replaced.")
    typer.echo(f"The generator is {out}, its card {out.with_suffix('.md')}")
