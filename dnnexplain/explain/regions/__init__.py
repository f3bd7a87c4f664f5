"""Failure regions: from single failures to sets of states or workloads, in the system's own words."""

from dnnexplain.explain.regions.where import EVERYWHERE, Quantities, Span, Where, quantities_of

__all__ = ["EVERYWHERE", "Quantities", "Span", "Where", "quantities_of"]
