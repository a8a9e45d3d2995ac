"""The numbers of curation, published and our own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurationSettings:
    """Up to `most_rejects` the paper's; the paper leaves open how it verifies.

    The sizes of plans and queries are the paper's too: `scenario`, `sound_query`.
    """

    top: int = 3
    """So many recordings are looked at for each event."""
    least_length: float = 0.5
    most_length: float = 2.0
    """A sound may last this many times as long as it was planned."""
    most_rejects: int = 3
    """After so many a sound is synthesised."""

    least_snr_db: float = 10.0
    """Of a foreground, over the noise that TFJP finds in it."""
    most_silence: float = 0.5
    """The share of a sound that may be silent."""
    most_gap_ms: float = 300.0
    """A longer silence within makes two events of one: TFJP's tau."""
    least_ambience_s: float = 2.0
    """Ambience is tiled, so that its length says little."""
    bag: int = 12
    """So many annotations a plan is made from."""
    synthesis_draws: int = 8
    """So often a sound is made anew until one has the planned length."""
