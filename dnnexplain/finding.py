"""Which system a word means, on the command line and in Python: one known by its name, one of the user's own, an environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from dnnexplain.contract import Choice, DnnExplainError, EpisodeSystem, Parameter, Spec
from dnnexplain.registry import derived_spec, known_systems, make_system, spec_of

__all__ = ["FINDERS", "Finder", "Meaning", "find", "finder_of", "unknown"]


@dataclass(frozen=True)
class Meaning:
    """A system that a word means.

    Attributes:
        spec: what the system says of itself.
        factory: makes it from values of its parameters, where it is not made by its name.
    """

    spec: Spec
    factory: Callable[..., Any] | None = None

    def make(self, **parameters: Any) -> EpisodeSystem:
        """The system."""
        if self.factory is not None:
            return self.factory(**parameters)  # type: ignore[no-any-return]
        return make_system(self.spec.name, **parameters)


@dataclass(frozen=True)
class Finder:
    """One way in which a word can mean a system.

    Attributes:
        means: whether a word is meant in this way.
        find: the system; says what is wrong with the word where there is none.
        certain: whether such a word is a system even where the value of an option may stand.
    """

    means: Callable[[str], bool]
    find: Callable[[str], Meaning]
    certain: bool = False


def finder_of(word: str) -> Finder | None:
    """The finder that takes a word for a system."""
    return next((finder for finder in FINDERS if finder.means(word)), None)


def find(word: str) -> Meaning:
    """The system that a word means.

    Raises:
        DnnExplainError: none; it says what could be written.
    """
    finder = finder_of(word)
    if finder is None:
        raise unknown(word)
    return finder.find(word)


# --- a system that is known by its name ---------------------------------------------------------


def _known(word: str) -> bool:
    return word in known_systems()


def _by_name(word: str) -> Meaning:
    return Meaning(spec_of(word))


# --- one of the user's own ----------------------------------------------------------------------


def _is_reference(word: str) -> bool:
    module, colon, attribute = word.partition(":")
    return bool(colon) and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _own(reference: str) -> Meaning:
    """A user's own system, or a class of an environment as gymnasium has it."""
    from gymnasium import Env  # noqa: PLC0415 - only where a system of one's own is meant

    module, _, attribute = reference.partition(":")
    try:
        made = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        msg = f"{reference} cannot be imported: {error}; give module:Class of a module on the Python path"
        raise DnnExplainError(msg) from None
    if not callable(made):
        msg = f"{reference} is a {type(made).__name__}; give a class or a function that makes a system"
        raise DnnExplainError(msg)
    try:
        first = made()
    except DnnExplainError:
        raise
    except Exception as error:
        msg = f"{reference}() ended with {type(error).__name__}: {error}; what makes a system must need no arguments"
        raise DnnExplainError(msg) from error
    if isinstance(first, Env):
        return _environment(made, reference)
    if not isinstance(getattr(first, "name", None), str):
        msg = (
            f"{reference} makes a {type(first).__name__}, which is no system: it has no name; give what makes a system "
            "(dnnexplain.contract.System, SmallSystem) or an environment of gymnasium"
        )
        raise DnnExplainError(msg)
    return Meaning(spec_of(first), made)


# --- an environment that gymnasium knows --------------------------------------------------------

_ID = re.compile(r"(?:[\w.]+:)?(?:[\w-]+/)?[\w.-]+-v\d+")
"""As gymnasium has it: a module that registers it (or none), a namespace (or none), a name, a version."""

_SETTINGS = (
    Parameter("steps", 1000, "Decisions in an episode, at most.", 1),
    Parameter("horizon", 3, "Decisions that the oracle looks ahead; 0 for no oracle.", 0),
    Parameter("levels", 5, "Steps into which the oracle divides the range of a number.", 2),
    Parameter("frames", 1, "Observations that are shown at a time, the oldest first.", 1),
)


def _is_id(word: str) -> bool:
    return _ID.fullmatch(word) is not None


def _environment(environment: Any, name: str = "") -> Meaning:
    """An environment of gymnasium, by its id or what makes it; its knobs come from its observation space."""
    from dnnexplain.systems import GymSystem  # noqa: PLC0415 - only where an environment is meant

    name, first = name or environment, GymSystem(environment)

    def made(**given: Any) -> Any:
        return GymSystem(environment, **given) if given else first

    sentence = f"The environment {name} of gymnasium; its knobs are what it shows."
    return Meaning(replace(derived_spec(first), sentence=sentence, parameters=_SETTINGS), made)


def unknown(word: str) -> DnnExplainError:
    """That there is no such system, which there are, and the environment that may be meant."""
    from gymnasium import registry  # noqa: PLC0415 - only where a word means nothing

    ids = [name for name in registry if name.rpartition("-v")[0].lower() == word.lower()]
    meant = f"The environment of gymnasium is called {ids[-1]}." if ids else _WAYS
    return DnnExplainError(f"{Choice('system', word, tuple(known_systems())).error()} {meant}")


_WAYS = "Your own is given as module:Class, an environment of gymnasium by its id, such as CartPole-v1."

FINDERS = (Finder(_known, _by_name), Finder(_is_reference, _own, certain=True), Finder(_is_id, _environment))
"""Asked in this order."""
