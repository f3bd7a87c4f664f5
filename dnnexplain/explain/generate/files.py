"""A fitted generator in one file: safetensors whose metadata say what it was fitted to and how real it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnexplain.contract import DnnExplainError, Spec, Tabular, written_columns
from dnnexplain.counts import counted
from dnnexplain.explain.generate.autoregressive import Autoregressive
from dnnexplain.explain.generate.coordinates import in_coordinates
from dnnexplain.explain.generate.networks import Adversarial, Diffusion
from dnnexplain.files import write_bytes
from dnnexplain.tensor_files import header_note, read_whole

__all__ = [
    "KEY",
    "Trained",
    "find_generator",
    "generator_mark",
    "load_generator",
    "read_story",
    "save_generator",
    "shipped_generator",
]

KEY = "dnnexplain-generator"
FORMAT = 1
LONGEST = 100_000
"""Records of a table that a file may ask for."""


class Trained(Protocol):
    """A generator that is more than the tables it was fitted to: it has a file."""

    name: str
    ordered: bool

    def known(self) -> dict[str, NDArray[np.generic]]:
        """All that it knows, as arrays."""
        ...

    def take(self, known: dict[str, NDArray[np.generic]], *, ordered: bool) -> None:
        """What :meth:`known` gave."""
        ...

    def sample(self, count: int, *, seed: int = 0) -> list[NDArray[np.float64]]:
        """New tables."""
        ...


KINDS: Mapping[str, Any] = {kind.name: kind for kind in (Autoregressive, Diffusion, Adversarial)}


def save_generator(path: str | Path, generator: Any, story: Mapping[str, Any] | None = None) -> Path:
    """Write a fitted generator: weights, quantiles, levels and lengths; no table that it was fitted to.

    Args:
        path: usually ``name.safetensors``.
        generator: of a kind that is trained.
        story: anything that JSON holds: ``system``, ``columns``, ``family``, ``fitted``, ``seed``, ``command``, ``figures``.

    Raises:
        DnnExplainError: it only resamples the tables themselves, or the file cannot be written.
    """
    from safetensors.numpy import save  # noqa: PLC0415

    if generator.name not in KINDS:
        msg = f"{generator.name!r} resamples the workloads themselves, so that a file of it would be a copy of them; {' and '.join(sorted(KINDS))} have files"
        raise DnnExplainError(msg)
    data = {**(story or {}), "format": FORMAT, "generator": generator.name, "ordered": generator.ordered}
    arrays = {key: np.ascontiguousarray(value) for key, value in generator.known().items()}
    return write_bytes(path, save(arrays, metadata={KEY: json.dumps(data, ensure_ascii=False)}))


def generator_mark(generator: Any) -> str:
    """Kind and, of one that is trained, the first digits of a hash of all that it knows: two of one mark write the same."""
    if generator.name not in KINDS:
        return str(generator.name)
    known = generator.known()
    parts = b"".join(key.encode() + np.ascontiguousarray(known[key]).tobytes() for key in sorted(known))
    return f"{generator.name} {hashlib.sha256(parts).hexdigest()[:16]}"


def read_story(path: str | Path) -> dict[str, Any]:
    """What a generator's file says of it, from its header alone; ``{}`` for a file of something else.

    Raises:
        DnnExplainError: the file cannot be read, or is no whole safetensors file.
    """
    story = header_note(path, KEY)
    if story is None:
        raise _damaged(path)
    return story


def load_generator(path: str | Path, system: Any = None) -> Any:
    """A generator from its file; with ``system``, one whose records it writes (of one with coordinates: not these).

    Raises:
        DnnExplainError: no generator's file, a damaged one, or one of other columns.
    """
    from safetensors.numpy import load  # noqa: PLC0415

    file = Path(path)
    story = read_story(file)
    if story.get("generator") not in KINDS or story.get("format") != FORMAT:
        msg = f"{file} holds no generator of this version of dnnexplain; write one with: dnnexplain generate SYSTEM --fit {Autoregressive.name} --out FILE"
        raise DnnExplainError(msg)
    if system is not None:
        _check_columns(story, system, file)
    made = KINDS[story["generator"]]()
    data = read_whole(file)
    try:
        arrays = load(data)
        made.take(arrays, ordered=bool(story.get("ordered", True)))
        tables = made.sample(1) if _whole(arrays) else []
    except Exception as error:
        raise _damaged(file) from error
    columns = story.get("columns")
    if not tables or not np.isfinite(tables[0]).all() or (columns and tables[0].shape[1] != len(columns)):
        raise _damaged(file)
    return in_coordinates(made, system)


def shipped_generator(spec: Spec, system: Any) -> Path | None:
    """The generator that comes with a system and writes tables like this one's; ``None`` if there is none."""
    folder = None if spec.weights is None else spec.weights.parent / "generators"
    if folder is None or not isinstance(system, Tabular):
        return None
    files, names = sorted(folder.glob("*.safetensors")), written_columns(system)
    return next((path for path in files if read_story(path).get("columns") == names), None)


def find_generator(spec: Spec, system: Any, name: str, flags: Sequence[str] = ()) -> Path:
    """The file of ``default``, the shipped one, or a file by its path.

    Args:
        spec, system: for which.
        name: ``default``, or a path.
        flags: words of the command line that made the system, for the message.

    Raises:
        DnnExplainError: none is shipped, or there is no such file.
    """
    if name != "default":
        return Path(name)
    result = shipped_generator(spec, system)
    if result is None:
        msg = f"no generator is shipped for this {spec.name}; write one with: {' '.join(['dnnexplain generate', spec.name, *flags])} --fit {Autoregressive.name} --out FILE"
        raise DnnExplainError(msg)
    return result


def _whole(arrays: Mapping[str, NDArray[np.generic]]) -> bool:
    """All finite, and lengths of tables that fit into memory."""
    lengths = [value for key, value in arrays.items() if key.endswith("lengths")]
    finite = all(np.isfinite(array).all() for array in arrays.values())
    return finite and bool(lengths) and int(lengths[0].min()) > 0 and int(lengths[0].max()) <= LONGEST


def _check_columns(story: Mapping[str, Any], system: Any, file: Path) -> None:
    names = written_columns(system)
    theirs = story.get("columns")
    if theirs is None or theirs == names:
        return
    if story.get("system") not in (None, system.name):
        msg = f"{file}: this generator writes workloads of {story['system']}, not of {system.name}; choose that system"
    else:
        msg = (
            f"{file}: this generator writes {counted(len(theirs), 'column')} ({', '.join(map(str, theirs[:3]))}, ...) and {system.name} has "
            f"{len(names)} here ({', '.join(names[:3])}, ...); fit one to this system's workloads, or choose the options that it was fitted with"
        )
    raise DnnExplainError(msg)


def _damaged(file: str | Path) -> DnnExplainError:
    return DnnExplainError(
        f"{file}: not a whole generator's file (cut off, damaged, or of something else); copy it again"
    )
