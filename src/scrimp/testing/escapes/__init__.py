"""Attacks on a sandbox, with traps that tell whether one did any harm: what every sandbox must stop.

`ATTACKS` are the programs (attacks.py), and `attempt(sandbox, attack)` runs one among the traps of scene.py.
"""

from __future__ import annotations

from scrimp.testing.escapes.attacks import ATTACKS as ATTACKS
from scrimp.testing.escapes.attacks import Attack as Attack
from scrimp.testing.escapes.scene import Attempt as Attempt
from scrimp.testing.escapes.scene import attempt as attempt

__all__ = ["ATTACKS", "Attack", "Attempt", "attempt"]
