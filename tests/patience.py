"""How long a test waits for what must come: a bound that only a hang reaches, whatever else the machine is doing."""

from __future__ import annotations

PATIENCE = 300.0
"""Seconds."""
