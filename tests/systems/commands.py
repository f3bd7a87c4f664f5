"""Small lines of commands, for every system: what each needs to run to its end in a second or two."""

import json

from dnnexplain.contract import state_from_values
from dnnexplain.explain.proofs.ready import property_names
from dnnexplain.registry import make_system, spec_of

__all__ = ["SEARCHES", "SMALL", "compared", "line_of", "state_file", "without"]

SMALL = {
    "evaluate": "--policy default --sets 2",
    "replay": "--policy default --workload {family} --out {folder}/steps.npz",
    "explain": "--method integrated-gradients --badge none --out {folder}/map.json",
    "explain --survey": "8",
    "probe": "--neuron 0 --restarts 1",
    "attack --state": "{state} --rounds 1 --out {folder}/attack.json",
    "attack --workload": "{family} --rounds 1 --oracle-seconds 0 --out {folder}/attack.json",
    "worst-case": "--rounds 1 --out {folder}/case.json",
    "regions": "--sets 2 --states 6 --out {folder}/profile.json",
    "hypotheses": "--sets 2 --states 20 --pairs 1 --out {folder}/statements.json",
    "guard": "--policy untrained --sets 2 --rounds 1 --cycles 0 --tries 0 --most 1 --out {folder}/guard.json",
    "transfer": "--family {family} --sets 2 --jobs 1 --out {folder}/grid.json",
    "room": "--sets 2 --futures 1 --jobs 1 --oracle-seconds 0 --out {folder}/room.json",
    "generate": "--sets 2 --out {folder}/drawn",
    "stress": "--budget 20 --jobs 1 --oracle-seconds 0 --out {folder}/report",
    "prove": "--property robust --state {state} --within 1 --nodes 5",
    "distill": "--sets 2 --unseen 2 --seeds 1 --rounds 1 --leaves 3 --out {folder}/rules.json",
}
"""Budgets are counts: they give the same answer on every machine."""

SEARCHES = {
    "attack --state", "attack --workload", "worst-case", "regions", "hypotheses", "guard", "transfer", "room", "stress",
    "prove", "distill",
}  # fmt: skip
"""Commands that do so much and then end: their JSON says what ended them."""


def state_file(system, folder):
    """A state of the system as a file."""
    made, file = make_system(system), folder / f"{system}.json"
    file.write_text(json.dumps(made.state_to_json(state_from_values(made, {}))))
    return file


def line_of(command, system, folder, state):
    """The words after ``dnnexplain``."""
    spec, (word, *flags) = spec_of(system), command.split()
    claims = [name for name in property_names(spec) if name != "robust"]
    words = SMALL[command].format(folder=folder, state=state, family=spec.family().name, property=claims[0])
    return [word, system, *flags, *words.split(), "--seed", "3", "--json"]


def compared(content, names):
    """Printed or written content as two runs are compared: JSON without what a pattern names, anything else as it is."""
    try:
        return without(json.loads(content), names)
    except ValueError:
        return content


def without(value, names):
    """JSON data without the fields that a pattern names."""
    if isinstance(value, dict):
        return {name: without(part, names) for name, part in value.items() if not names.search(name)}
    return [without(part, names) for part in value] if isinstance(value, list) else value
