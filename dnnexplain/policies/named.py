"""Policies by the names that people use: a rule, a network that ships, a file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, Lacking, PartiallySeen, Policy, System
from dnnexplain.contract.specs import Role, Spec
from dnnexplain.policies._shipped import read_metadata, shipped
from dnnexplain.registry import spec_of

__all__ = ["load_for", "named_policy", "parameters_for", "shipped_roles"]


def shipped_roles(system: System) -> dict[str, Role]:
    """The networks that ship for a system, by name, in the order of its spec; others that fit come last."""
    try:
        roles = spec_of(system).roles
    except DnnExplainError:
        roles = ()
    if isinstance(system, PartiallySeen) and system.whole:
        return {role.name: role for role in roles if role.name in shipped(system.part(**role.parameters))}
    fitting = shipped(system)
    known = {role.name: role for role in roles if role.name in fitting}
    return known | {name: Role(name, name) for name in fitting if name not in known}


def named_policy(system: System, name: str, *, masked: bool | None = None) -> Policy:
    """A rule by its name, a shipped network by its role, ``untrained``, or a file of weights.

    Args:
        system: the world in which it is to act.
        name: of the policy.
        masked: overrides what a network's file says of leaving out actions that are not valid.

    Raises:
        DnnExplainError: there is none of that name, or the file does not fit; the message lists what there is.
    """
    rules = system.rules()
    if name in rules:
        return rules[name]
    if isinstance(system, Lacking) and name in system.lacking:
        msg = f"there is no rule {name!r} here: {system.lacking[name]}"
        raise DnnExplainError(msg)
    path, roles = Path(name), shipped_roles(system)
    if (
        name not in {"default", "untrained"}
        and name not in roles
        and not path.suffix
        and len(path.parts) == 1
        and not path.exists()
    ):
        raise Choice("policy", name, tuple(dict.fromkeys((*rules, *roles, "untrained")))).error()
    return load_for(system, name, masked=masked)


def parameters_for(spec: Spec, policy: str) -> dict[str, Any]:
    """Parameters of the system that a policy needs: those of a shipped network's role, or those that a file names.

    Of a file's, only those in which the roles of the spec differ: the rest is the user's to say.
    """
    for role in spec.roles:
        if role.name == policy:
            return dict(role.parameters)
    path = Path(policy)
    if path.suffix != ".safetensors" or not path.exists():
        return {}
    its = (read_metadata(path).get("system") or {}).get("parameters") or {}
    keys = dict.fromkeys(key for role in spec.roles for key in role.parameters)
    return {key: its[key] for key in keys if key in its}


def load_for(system: System, name: str | Path, *, masked: bool | None = None) -> Policy:
    """A shipped network or a file as a policy of the system; where states hold more than it sees, of its part."""
    from dnnexplain.policies.checkpoints import load_any  # noqa: PLC0415 - loads torch

    if not (isinstance(system, PartiallySeen) and system.whole):
        return load_any(name, system, masked=masked)
    roles = shipped_roles(system)
    role = next(iter(roles), "") if str(name) == "default" else str(name)
    if role in roles:
        policy: Any = load_any(role, system.part(**roles[role].parameters))
        policy.name = role
        return system.seen_by(policy)
    if str(name) == "untrained":
        return system.seen_by(load_any(name, system.part()))
    return _from_file(system, Path(name))


def _from_file(system: PartiallySeen, path: Path) -> Policy:
    """A file as a policy of a part: the part that the file names, or the first that it fits."""
    from dnnexplain.policies.checkpoints import load_any  # noqa: PLC0415 - loads torch

    first: DnnExplainError | None = None
    for parameters in _parts(system, path):
        try:
            return system.seen_by(load_any(path, system.part(**parameters)))
        except DnnExplainError as error:
            first = first or error
    assert first is not None
    raise first


def _parts(system: PartiallySeen, path: Path) -> list[Mapping[str, Any]]:
    """Parameters of parts to try, those that the file names first."""
    roles = [role.parameters for role in spec_of(system).roles]
    distinct = [role for place, role in enumerate(roles) if role not in roles[:place]]
    metadata = read_metadata(path) if path.suffix == ".safetensors" else {}
    its = (metadata.get("system") or {}).get("parameters") or {}
    keys = dict.fromkeys(key for item in distinct for key in item)
    named = {key: its[key] for key in keys if key in its}
    return [named] if named else distinct
