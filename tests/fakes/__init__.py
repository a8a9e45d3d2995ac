"""Hand-written stand-ins for what a test does not want to run for real."""

from __future__ import annotations
