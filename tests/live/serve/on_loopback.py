"""`interject` on a machine whose only network is loopback, which aiortc leaves out otherwise."""

from __future__ import annotations

import aioice.ice

from interject.cli.main import main

if __name__ == "__main__":
    aioice.ice.get_host_addresses = lambda *_, **__: ["127.0.0.1"]
    main()
