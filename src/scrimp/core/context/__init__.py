"""The Context: the only way out for a method. Doors in `doors.py`, their metering in `passage.py`."""

from scrimp.core.context.doors import Context
from scrimp.core.context.means import Means, Settings
from scrimp.core.context.passage import Passage, Run

__all__ = ["Context", "Means", "Passage", "Run", "Settings"]
