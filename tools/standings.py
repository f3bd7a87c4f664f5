"""Work out how the shipped networks stand, beside their weights: ``python -m tools.standings [--proofs | --runs] [SYSTEM or card ...]``.

With ``--proofs`` only what is proved is worked out anew; the figures of whole workloads stay. With ``--runs`` (after a
change of rules alone) it is the other way round.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from dnnexplain.app import shipped_policies
from dnnexplain.explain.verdict.kept import SUFFIX, find_standing
from dnnexplain.explain.verdict.standing import prove_all, stand
from dnnexplain.registry import BUILT_IN, make_system, spec_of

__all__ = ["NODES", "main"]

NODES = 2000
"""Of the search tree for each case of a property: a minute or two for each network."""
_PROOFS, _RUNS = "--proofs", "--runs"


def main(arguments: list[str]) -> None:
    """Write ``SYSTEM-ROLE.standing.json`` for each network, in the system as its dashboards make it."""
    for key in [argument for argument in arguments if argument not in (_PROOFS, _RUNS)] or [
        board for name in BUILT_IN for board in _boards(name)
    ]:
        name = key if key in BUILT_IN else next(item for item in BUILT_IN if key in _boards(item))
        spec = spec_of(name)
        system = make_system(name, **_boards(name)[key])
        roles = {role.title: role.name for role in spec.roles}
        for title, load in shipped_policies(system).items():
            policy: Any = load()
            standing = _standing(system, policy, arguments)
            if spec.weights is not None:
                standing.save(spec.weights / f"{key}-{roles[title]}{SUFFIX}")
            sys.stdout.write(f"{key}, {title}: {standing.sentence()} Proofs: {dict(standing.proved)}.\n")
            sys.stdout.flush()


def _standing(system: Any, policy: Any, arguments: list[str]) -> Any:
    """Worked out anew, but for the part that stays, where there is one."""
    known = find_standing(system, policy) if {_PROOFS, _RUNS} & {*arguments} else None
    if known is None:
        return stand(system, policy, nodes=NODES)
    if _PROOFS in arguments:
        return replace(known, proved=prove_all(system, policy, nodes=NODES))
    return replace(stand(system, policy), proved=known.proved)


def _boards(name: str) -> dict[str, dict[str, Any]]:
    """The parameters of a system's dashboards: its own by the system's name, those of other cards by the card's key."""
    spec = spec_of(name)
    known = {parameter.name for parameter in spec.parameters}
    own = _settings(name, spec.board)
    boards = {name: dict(spec.board)}
    for example in spec.examples:
        settings = spec.on_board({key: value for key, value in example.settings.items() if key in known})
        if _settings(name, settings) != own:
            boards[example.key] = settings
    return boards


def _settings(name: str, arguments: Mapping[str, Any]) -> Any:
    return cast("Any", make_system(name, **arguments)).parameters


if __name__ == "__main__":
    main(sys.argv[1:])
