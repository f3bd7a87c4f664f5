"""Pictures of results as data: one :class:`Chart` says what is drawn; each drawer draws it in its own way.

``svg`` draws it into a cell or a page, ``live`` as a bqplot figure, ``paper`` with matplotlib.
"""

from dnnexplain.charts.chart import Axis, Chart, Kind, Series, bars, heat, lines, scatter
from dnnexplain.charts.derive import from_table

__all__ = ["Axis", "Chart", "Kind", "Series", "bars", "from_table", "heat", "lines", "scatter"]
