"""`python -m interject.training.nano` trains the default model."""

from __future__ import annotations

import typer

from interject.training.nano.train import train

if __name__ == "__main__":
    typer.run(train)
