"""The network as rules that can be read, changed and run: panel, model, view and the work behind them."""

from __future__ import annotations

from dnnexplain_widgets.panels.rules.panel import RulesPanel

__all__ = ["RulesPanel"]
