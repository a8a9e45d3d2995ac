"""HTML and SVG in which whatever somebody wrote stays text."""

from __future__ import annotations

import html

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def escaped(text: str) -> str:
    """For between tags and inside quotes. Nothing invisible of it is left."""
    return html.escape("".join(c if c.isprintable() else REPLACEMENT for c in text))


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """`content` is markup already; attributes are escaped here. `class_` is `class`, and a `_`
    inside a name is a `-`.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(_attribute(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{given}>{content}</{name}>"


def isolated(text: str) -> str:
    """Escaped, and with writing from right to left kept to itself."""
    return f"<bdi>{escaped(text)}</bdi>"


def _attribute(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
