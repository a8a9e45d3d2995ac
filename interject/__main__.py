"""`python -m interject` is `interject`."""

from __future__ import annotations

from interject.cli.main import main

if __name__ == "__main__":
    main()
