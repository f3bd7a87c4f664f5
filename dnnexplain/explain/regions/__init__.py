"""Failure regions: from single failures to sets of states or workloads, in the system's own words."""

from dnnexplain.explain.regions.compared import ComparedProfiles, Fate, compare_profiles
from dnnexplain.explain.regions.evidence import Evidence, decisions, gaps, met_states, random_states, taken
from dnnexplain.explain.regions.profile import KINDS, FailureProfile, Region, failure_profile, profile_of
from dnnexplain.explain.regions.where import EVERYWHERE, Quantities, Span, Where, quantities_of

__all__ = [
    "EVERYWHERE",
    "KINDS",
    "ComparedProfiles",
    "Evidence",
    "FailureProfile",
    "Fate",
    "Quantities",
    "Region",
    "Span",
    "Where",
    "compare_profiles",
    "decisions",
    "failure_profile",
    "gaps",
    "met_states",
    "profile_of",
    "quantities_of",
    "random_states",
    "taken",
]
