"""Standings that need not be worked out again: shipped beside the weights, or kept where the user keeps caches."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from dnnexplain.contract import DnnExplainError, Policy, System
from dnnexplain.explain.verdict.standing import Standing
from dnnexplain.registry import spec_of
from dnnexplain.results import Question, versions

__all__ = ["SUFFIX", "best_known_rule", "cache_folder", "find_standing", "keep_standing"]

SUFFIX = ".standing.json"
"""``NAME.standing.json`` beside ``NAME.safetensors``."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/dnnexplain/standings``, or that in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dnnexplain" / "standings"


def find_standing(system: System, policy: Policy) -> Standing | None:
    """The standing of these very weights in this very system, if it was worked out before; never anyone else's."""
    about = Question.about(system, policy)
    if not about.checkpoint:
        return None
    folder = spec_of(system).weights
    shipped = sorted(folder.glob(f"*{SUFFIX}")) if folder is not None and folder.is_dir() else []
    for path in (*shipped, _path(about)):
        standing = _read(path)
        if standing is not None and _about(standing.question) == _about(about):
            return standing
    return None


def best_known_rule(system: Any, policy: Policy) -> str:
    """The best rule on ordinary workloads where a network's standing is known, else the first to be measured by; "" if none."""
    rules, standing = system.rules(), find_standing(system, policy)
    best = () if standing is None else (standing.ordinary.rule,)
    return next((name for name in (*best, *spec_of(system).baselines, *rules) if name in rules), "")


def keep_standing(standing: Standing) -> Path | None:
    """Keep a standing for the next time; a disk that takes no file is no failure."""
    if not standing.question.checkpoint:
        return None
    path = _path(standing.question)
    with contextlib.suppress(OSError, DnnExplainError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return standing.save(path)
    return None


def _about(question: Question) -> tuple[Any, ...]:
    return question.system, json.dumps(dict(question.parameters), sort_keys=True, default=str), question.checkpoint


def _path(question: Question) -> Path:
    """A name made of what was asked, and of the version that answers: another one may simulate otherwise."""
    key = json.dumps([*_about(question), versions().get("dnnexplain", "")])
    return cache_folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{SUFFIX}"


def _read(path: Path) -> Standing | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return _read_once(path, status.st_mtime_ns, status.st_size)
    return None


@lru_cache(maxsize=32)
def _read_once(path: Path, _changed: int, _size: int) -> Standing | None:
    """What a file held when it was last changed: each panel of a dashboard asks for the same one."""
    try:
        return Standing.load(path) if path.is_file() else None
    except DnnExplainError:
        return None  # of another version, or cut short: it is worked out again
