"""A server of the Model Context Protocol, as a program that a profile starts."""

from __future__ import annotations

import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")


@server.tool()
def find_customer(name: str) -> str:
    """Who somebody is."""
    return f"{name} is a customer since 2019, says {os.environ.get('SHOP', 'nobody')}."


@server.tool()
def delete_customer(name: str) -> str:
    """Forgets somebody."""
    raise AssertionError("nobody allowed this")


@server.tool()
def bill(name: str) -> str:
    """Fails."""
    raise ValueError(f"{name} has no bill")


if __name__ == "__main__":
    sys.stdout.write("Mrs Abernathy has called\n")  # Many print where only the protocol belongs.
    sys.stdout.flush()
    server.run("stdio")
