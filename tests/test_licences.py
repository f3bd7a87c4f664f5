"""What an extra brings may be used with this project: no package under the GPL, unless its own text says otherwise."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import NOT_HASHED

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
APART = {"optimal"}
"""Not installed with "all": pystreed brings ecos, which is under the GPL; pyproject.toml says so."""

SOME_FILES_ONLY = {"docutils": "the files for Emacs, which no wheel holds, are under the GPL; the library is not"}
COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )(\bA?GPL|General Public License)", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public License|Library General Public", re.IGNORECASE)


def licence(name):
    """What a package says of its licence, in the metadata's short fields."""
    data = importlib.metadata.metadata(name)
    short = [data.get("License-Expression"), (data.get("License") or "").strip().partition("\n")[0]]
    return [text for text in [*short, *(data.get_all("Classifier") or [])] if text and is_licence(text, short)]


def is_licence(text, short):
    return text in short or text.startswith("License ::")


def forbidden(texts):
    return [text for text in texts if COPYLEFT.search(text) and not LESSER.search(text)]


def brought(requirement, seen):
    """All packages that a requirement installs here."""
    key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
    if key in seen:
        return
    seen.add(key)
    for line in importlib.metadata.requires(requirement.name) or []:
        inner = Requirement(line)
        if inner.marker is None or any(inner.marker.evaluate({"extra": one}) for one in requirement.extras or {""}):
            brought(inner, seen)


def lines_of(extra):
    return PROJECT["dependencies"] if extra == "" else PROJECT["optional-dependencies"][extra]


@pytest.mark.parametrize("extra", sorted({"", *PROJECT["optional-dependencies"]} - APART - {"all"}))
def test_no_extra_brings_a_package_under_the_gpl(extra):
    seen = set()
    for line in lines_of(extra):
        brought(Requirement(line), seen)
    found = {name: forbidden(licence(name)) for name, _ in seen if name not in SOME_FILES_ONLY}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_all_is_the_sum_of_the_extras_that_are_read_here():
    named = Requirement(PROJECT["optional-dependencies"]["all"][0]).extras
    assert named == set(PROJECT["optional-dependencies"]) - APART - {"all"}


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)", True),
        ("LGPL-2.1-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)", False),
        ("BSD-3-Clause", False),
        ("MIT", False),
    ],
)
def test_the_gpl_is_told_from_its_neighbours(text, bad):
    assert bool(forbidden([text])) is bad


def hashed():
    """Name, version and hashes of every entry of the lock file."""
    text = (ROOT / "constraints.lock").read_text(encoding="utf-8")
    entries = re.findall(r"^([\w.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", text, re.MULTILINE)
    return {canonicalize_name(name): (version, re.findall(r"sha256:(\w+)", tail)) for name, version, tail in entries}


def test_the_lock_file_holds_the_tested_versions_each_with_hashes():
    pins = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    }
    found = hashed()
    assert {name: version for name, (version, _) in found.items()} == {
        name: version for name, version in pins.items() if name not in NOT_HASHED
    }, "run: python -m tools.lock"
    assert all(hashes for _, hashes in found.values())
