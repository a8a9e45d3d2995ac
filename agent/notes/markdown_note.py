"""Markdown, cut where its writer cut it: a paragraph, a list's item, a table's row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from interject.agent.notes.passage import NoteSource, Passage, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(?=\n|\Z)", re.DOTALL)
NO_TEXT = ("hr", "html_block")
PARSER = MarkdownIt("commonmark").enable("table")


def markdown_passages(text: str, file: str) -> Iterator[Passage]:
    """Small pieces, so that two facts beside each other do not lend each other their numbers."""
    headings: dict[str, str] = {}
    for node in SyntaxTreeNode(PARSER.parse(_without_front_matter(text))).children:
        if node.type == "heading":
            above = {tag: title for tag, title in headings.items() if tag < node.tag}
            headings = {**above, node.tag: " ".join(_text(node).split())}
            continue
        for part, said in _parts(node):
            line = part.map[0] + 1 if part.map else 1
            source = NoteSource(file, " > ".join(headings.values()), line)
            yield from (Passage(piece, source) for piece in pieces(said))


def _without_front_matter(text: str) -> str:
    """Settings of the writer's tool say nothing; the lines behind them keep their numbers."""
    return FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), text, count=1)


def _parts(node: SyntaxTreeNode) -> Iterator[tuple[SyntaxTreeNode, str]]:
    match node.type:
        case "bullet_list" | "ordered_list":
            yield from ((item, _text(item)) for item in node.children)
        case "table":
            yield from _rows(node)
        case kind if kind not in NO_TEXT:
            yield node, _text(node)


def _rows(table: SyntaxTreeNode) -> Iterator[tuple[SyntaxTreeNode, str]]:
    """Each cell with its column's name: a row has to be understood alone."""
    head, *bodies = table.children
    columns = [_text(cell).strip() for cell in head.children[0].children]
    for row in (row for body in bodies for row in body.children):
        cells = zip(columns, (_text(cell).strip() for cell in row.children), strict=False)
        named = (f"{column}: {cell}" if column else cell for column, cell in cells if cell)
        yield row, "; ".join(named)


def _text(node: SyntaxTreeNode) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    if not node.children:
        return "" if node.type.startswith("html") else node.content
    return ("" if node.type == "inline" else "\n").join(_text(child) for child in node.children)
