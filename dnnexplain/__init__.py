"""dnnexplain: why learned network controllers decide, when they fail, and what rules can add."""

from dnnexplain.environments import register_environments

__version__ = "0.1.0"

register_environments()
