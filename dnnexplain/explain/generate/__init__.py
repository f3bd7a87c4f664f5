"""Generated workloads that are valid, likely, and bad for a policy."""

from dnnexplain.explain.generate.adversary import TriedWorkloads, hardest
from dnnexplain.explain.generate.card import generator_card
from dnnexplain.explain.generate.files import (
    find_generator,
    load_generator,
    read_story,
    save_generator,
    shipped_generator,
)
from dnnexplain.explain.generate.generators import GENERATORS, Generator, make_generator
from dnnexplain.explain.generate.plausibility import Plausibility, summary
from dnnexplain.explain.generate.realism import Realism, realism
from dnnexplain.explain.generate.smote import propose
from dnnexplain.gone import renamed

__all__ = [
    "GENERATORS",
    "Generator",
    "Plausibility",
    "Realism",
    "TriedWorkloads",
    "find_generator",
    "generator_card",
    "hardest",
    "load_generator",
    "make_generator",
    "propose",
    "read_story",
    "realism",
    "save_generator",
    "shipped_generator",
    "summary",
]

__getattr__ = renamed(
    __name__,
    Found="dnnexplain.explain.generate.adversary:TriedWorkloads",
)
