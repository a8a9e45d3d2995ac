"""`python -m interject.training.nano` trains the default model."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

from interject.training.nano.options import read_options
from interject.training.nano.stop_signals import StoppedBySignal, TrainingSignals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.nano.options import NanoOptions


_BEGAN_S = time.monotonic()
"""Before PyTorch is imported, which takes its part of a budget."""


def main(words: Sequence[str] | None = None) -> int:
    """The exit code: 2 for what a user can mend, 128 and the signal's number for a signal."""
    began_s = _BEGAN_S if words is None else time.monotonic()
    options = read_options(words)
    with TrainingSignals() as signals:
        try:
            return _train(options, began_s, signals)
        except StoppedBySignal as stopped:
            sys.stderr.write(f"{stopped}\n")
            return stopped.exit_code


def _train(options: NanoOptions, began_s: float, signals: TrainingSignals) -> int:
    from interject.model_runtime.failures import RuntimeFailure
    from interject.training.bank.bank_index import BadBank
    from interject.training.nano.train import train
    from interject.training.speech.utterance import SynthesisError

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(options, began_s, signals)
    except (RuntimeFailure, BadBank, SynthesisError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
