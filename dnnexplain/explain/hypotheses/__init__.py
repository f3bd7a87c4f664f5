"""Hypotheses about a policy in domain words: generated, tested on met states and by intervention, corrected, listed."""

from dnnexplain.explain.hypotheses.generating import generated
from dnnexplain.explain.hypotheses.hypothesise import Hypotheses, hypothesise
from dnnexplain.explain.hypotheses.statement import Statement, doing, parse_statement, sources
from dnnexplain.explain.hypotheses.testing import Changed, Tested, assess, changed_states

__all__ = [
    "Changed",
    "Hypotheses",
    "Statement",
    "Tested",
    "assess",
    "changed_states",
    "doing",
    "generated",
    "hypothesise",
    "parse_statement",
    "sources",
]
