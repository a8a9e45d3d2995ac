"""Why something in a folder of notes, or the folder, cannot be read."""

from __future__ import annotations


class UnreadableNote(ValueError):
    """One file is left out; the message says why, without its name."""


class NotesError(ValueError):
    """There are no notes to search; the message is one line for whoever named the folder."""
