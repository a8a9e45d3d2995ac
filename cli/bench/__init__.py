"""Open-loop load on any runtime: how many real-time sessions it decides for in time."""
