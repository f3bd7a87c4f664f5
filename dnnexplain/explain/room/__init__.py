"""Where is the room to improve? The gap to the optimum, split into future, sight and policy."""

from dnnexplain.explain.room.forecast import Forecast, forecast
from dnnexplain.explain.room.look_ahead import LookAhead
from dnnexplain.explain.room.result import Level, Part, Room
from dnnexplain.explain.room.room import room

__all__ = ["Forecast", "Level", "LookAhead", "Part", "Room", "forecast", "room"]
