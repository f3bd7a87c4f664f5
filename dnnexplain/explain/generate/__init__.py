"""Generated workloads that are valid, likely, and bad for a policy."""

from dnnexplain.explain.generate.adversary import Found, hardest
from dnnexplain.explain.generate.plausibility import Plausibility, summary
from dnnexplain.explain.generate.smote import propose

__all__ = ["Found", "Plausibility", "hardest", "propose", "summary"]
