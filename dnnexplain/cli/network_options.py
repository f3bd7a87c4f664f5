"""Options that every command with a network takes: what its file may leave open; and what was assumed, at the end."""

from __future__ import annotations

from typing import Any

import typer
from typer.main import get_command

from dnnexplain.assumptions import assumed, forget
from dnnexplain.contract import Choice

__all__ = ["OPTIONS", "add_network_options", "begin_command", "printed_json", "say_assumed"]

OPTIONS = {
    "activation": "Between a network's dense layers, where its file does not say: relu, tanh, gelu, ...",
    "architecture": "Of a network's file that does not say: mlp, convnet, or JSON (text or file).",
    "scale": "Of the observations a network was trained on, where its file does not say: unit or bytes.",
    "key": "Which network of a checkpoint that holds several, such as actor.",
    "normalize": "Statistics that normalised observations in training: of VecNormalize (.pkl), or mean and var (.npz, .json).",
}
"""Option -> help; the names are those of ``load_any``."""

_TAKES = {"policy", "network", "policies", "networks", "router"}
_PRINTED = {"json": False}
_GIVEN: list[str] = []


def add_network_options(command: Any) -> None:
    """Give every command that takes a network the options of :data:`OPTIONS`, unless it has one of that name."""
    for part in getattr(command, "commands", {}).values():
        add_network_options(part)
    names = {parameter.name for parameter in command.params}
    if not (names & _TAKES) or getattr(command, "commands", None):
        return
    for option in get_command(_template()).params:
        if option.name in OPTIONS and option.name not in names:
            option.callback, option.expose_value = _keep, False
            command.params.append(option)


def _template() -> typer.Typer:
    """An application whose one command has these options, as typer makes them."""
    template = typer.Typer(add_completion=False)

    @template.command()
    def _(
        activation: str | None = typer.Option(None, help=OPTIONS["activation"]),
        architecture: str | None = typer.Option(None, help=OPTIONS["architecture"]),
        scale: str | None = typer.Option(None, help=OPTIONS["scale"]),
        key: str | None = typer.Option(None, help=OPTIONS["key"]),
        normalize: str | None = typer.Option(None, help=OPTIONS["normalize"]),
    ) -> None: ...

    return template


def _keep(context: Any, parameter: Any, value: str | None) -> str | None:
    """Hold an option for the time of the command."""
    if value is not None and not context.resilient_parsing:
        from dnnexplain.policies.checkpoints import reading_as, were_asked

        were_asked(forget=True)
        _check(parameter.name, value)
        context.with_resource(reading_as(**{parameter.name: value}))
        _GIVEN.append(f"--{parameter.name}")
    return value


def _check(name: str, value: str) -> None:
    """Refuse a name that there is not, also where no file of a network asks for it.

    Raises:
        DnnExplainError: says which there are.
    """
    if name == "activation":
        from dnnexplain.policies.networks import activation_name

        activation_name(value)
    if name == "scale" and value not in {"unit", "bytes"}:
        raise Choice("scale of observations", value, ("unit", "bytes")).error()


def begin_command() -> None:
    """Nothing was assumed or printed yet, however the command before ended."""
    forget()
    _GIVEN.clear()
    _PRINTED["json"] = False


def say_assumed() -> None:
    """Print what was assumed below a command's table (JSON has it already), and that an option was of no use."""
    if not _PRINTED["json"]:
        for sentence in assumed():
            typer.echo(f"Assumed: {sentence}.")
    _say_unused()


def _say_unused() -> None:
    """Say on the error stream that options of networks were given where a rule was asked for alone."""
    if not _GIVEN:
        return
    from dnnexplain.policies.checkpoints import were_asked

    if not were_asked():
        do = "says" if len(_GIVEN) == 1 else "say"
        typer.echo(f"{' and '.join(sorted(_GIVEN))} {do} how a network is read, and none was read: not used.", err=True)


def printed_json() -> None:
    """Remember that this command spoke in JSON, which says what was assumed itself."""
    _PRINTED["json"] = True
