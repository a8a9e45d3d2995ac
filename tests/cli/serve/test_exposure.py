"""Which origins an operator may allow."""

from __future__ import annotations

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.serve.exposure import read_exposure
from interject.cli.serve.options import ServeOptions


@pytest.mark.parametrize(
    "origin", ["https://desk.example.com", "capacitor://localhost", "chrome-extension://abcdef"]
)
def test_an_origin_may_have_any_scheme(origin: str) -> None:
    read_exposure(ServeOptions(origins=(origin,)))


@pytest.mark.parametrize("origin", ["desk.example.com", "*", "null", "https://a.example/b"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(InputFailure, match="give scheme and host"):
        read_exposure(ServeOptions(origins=(origin,)))
