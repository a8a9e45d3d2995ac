"""What every runtime must do, whatever is behind it."""

from __future__ import annotations
