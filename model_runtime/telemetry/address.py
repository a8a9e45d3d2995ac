"""Where metrics and probes are served."""

from __future__ import annotations

from interject.model_runtime.protocol import RuntimeFailure

OFF = "off"
DEFAULT_ADDRESS = "127.0.0.1:9464"
ANY_PORT = "127.0.0.1:0"


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`.

    :raises RuntimeFailure: when it is neither.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise RuntimeFailure(
            f"{address}: not an address for metrics; write host:port, as in {DEFAULT_ADDRESS}"
        )
    return host.strip("[]"), int(port)
