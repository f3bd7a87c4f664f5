"""dnnexplain: why learned network controllers decide, when they fail, and what rules can add."""

__version__ = "0.1.0"
