"""Plain text to blocks: paragraphs between blank lines, list items where every line of one begins with a mark."""

import re

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.text.decoding import decode_with_doubts
from indexer.documents.extract.titles import choose_title

_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_MARK = re.compile(r"[ \t]*(?:[-*+•‣◦▪·–]|\(?\d{1,3}[.)])[ \t]+(?=\S)")
_RULE = re.compile(r"[\s=\-_*~#.]+")
_WRAPPED = 50  # a paragraph whose longest line has this many characters was wrapped by a program
_UNDERLINE = re.compile(r"\s*([=\-~*])\1{2,}\s*")


def extract(data: bytes, name: str) -> ExtractedDocument:
    builder = DocumentBuilder()
    text, builder.remarks = decode_with_doubts(data)
    source = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    for paragraph in _BLANK.split(source):
        _add(builder, paragraph)
    return builder.build(choose_title(name, builder.first_heading()))


def _add(builder: DocumentBuilder, paragraph: str) -> None:
    lines = [line for line in paragraph.split("\n") if line.strip()]
    if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]) and len(lines[0].strip()) <= 100:
        builder.add("heading", lines[0], level=1 if lines[1].strip()[0] == "=" else 2)
        lines = lines[2:]
    lines = [line for line in lines if not _RULE.fullmatch(line)]
    first = next((index for index, line in enumerate(lines) if _MARK.match(line)), len(lines))
    builder.add("paragraph", _unwrapped(lines[:first]))
    item: list[str] = []
    for line in lines[first:]:
        mark = _MARK.match(line)
        if mark:
            builder.add("item", " ".join(item), level=1)
            item = []
        item.append(line[mark.end() :] if mark else line)
    builder.add("item", " ".join(item), level=1)


def _unwrapped(lines: list[str]) -> str:
    """Lines joined where a program broke them for width; short lines, as in an address, stay lines."""
    width = max((len(line) for line in lines), default=0)
    text = ""
    for line, before in zip(lines, ["", *lines], strict=False):
        text += (" " if width >= _WRAPPED and len(before) >= 0.7 * width else "\n") + line.strip()
    return text
