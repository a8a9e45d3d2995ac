"""Interject as one of several participants of a room: ears, outputs, controls, consent."""
