"""What one GPU does with random weights of the true 3B shape, within a budget of time."""

from __future__ import annotations

import time

BEGUN = time.monotonic()
"""Before PyTorch is imported, which takes its part of the budget."""
