"""`python -m interject.training.nano` trains the default model."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from interject.training.nano.options import read_options

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """The exit code: 2 for what a user can mend."""
    options = read_options(words)
    from interject.model_runtime.failures import RuntimeFailure
    from interject.training.nano.train import train
    from interject.training.speech.utterance import SynthesisError

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train(options)
    except (RuntimeFailure, SynthesisError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
