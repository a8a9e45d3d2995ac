"""What of a Markdown text can be read aloud."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

CODE_OMITTED = "code omitted"
MOST_CODE_LINES = 3
_ENDS = (".", "!", "?", ":", ";", ",")
_CODE = ("fence", "code_block")
_BREAKS = ("softbreak", "hardbreak")
_PIECES = ("text", "code_inline")


@functools.cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def without_markdown(text: str) -> str:
    """Plain sentences: every block ends with a mark, code of more than three lines is left out."""
    pieces = [piece for piece in _blocks(_parser().parse(text)) if piece.strip()]
    return " ".join(_ended(piece.strip()) for piece in pieces)


def _ended(piece: str) -> str:
    return piece if piece.rstrip("\"')]").endswith(_ENDS) else f"{piece}."


def _blocks(tokens: Sequence[Token]) -> Iterator[str]:
    cells: list[str] = []
    for token in tokens:
        if token.type in _CODE:
            yield _code(token.content)
        elif token.type == "inline" and cells is not None:
            cells.append(_inline(token.children or ()))
        if token.type in ("tr_close", "paragraph_close", "heading_close"):
            yield ", ".join(cells)
            cells = []


def _code(content: str) -> str:
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    return CODE_OMITTED if len(lines) > MOST_CODE_LINES else ", ".join(lines)


def _inline(tokens: Sequence[Token]) -> str:
    """The words of a link and of a picture stay; its address, HTML and marks go."""
    text = ""
    for token in tokens:
        if token.type in _PIECES:
            text += token.content
        elif token.type in _BREAKS:
            text += " "
        elif token.type == "image":
            text += _inline(token.children or ())
    return text
