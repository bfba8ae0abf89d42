"""Markdown to blocks, by way of HTML: front matter gives the title, template language goes, HTML islands are read."""

import re
from html import unescape

import yaml

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.html.reader import read_html
from indexer.documents.extract.markdown.islands import with_html_apart
from indexer.documents.extract.markdown.parser import DEEPEST_LISTS, to_html
from indexer.documents.extract.markdown.template import strip_template
from indexer.documents.extract.places import counted, named
from indexer.documents.extract.text.decoding import decode_with_doubts
from indexer.documents.extract.titles import LONGEST_TITLE, choose_title
from indexer.text.shorten import shortened

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE_LINE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_CONTAINER = re.compile(r"^[ \t]*:{3,}[ \t]*(?:\{[^\n]*|[\w-]*[ \t]*(?P<title>[^\n{]*)[^\n]*)$", re.MULTILINE)
"""The begin or end of a box (`:::tip Before you start`)."""


_LEADS_ON = re.compile(r"^redirect(?:_to|To|-to)?:[ \t]*[\"']?([^\s\"'\[\]]+)", re.MULTILINE)
_SETTINGS_ALONE = "It holds settings for a site (front matter) alone, and no words below them."


def extract(data: bytes, name: str) -> ExtractedDocument:
    builder = DocumentBuilder()
    source, builder.remarks = decode_with_doubts(data)
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    title, body = split_front_matter(source, builder)
    filled: list[str] = []
    html, is_too_deep = to_html(with_html_apart(_CONTAINER.sub(_title_of_box, strip_template(body, filled))))
    if filled:
        builder.remarks.append(
            f"What a template fills in is not searched: {counted(len(filled), 'place')} ({named(filled)})."
        )
    if is_too_deep:
        builder.remarks.append(f"Lists nested more than {DEEPEST_LISTS} deep are read as plain lines.")
    read_html(html, builder)
    if builder.is_empty and body is not source:
        leads = _LEADS_ON.search(source)
        builder.remarks.append(
            f"It only leads on to another page: {shortened(leads[1], LONGEST_TITLE)}." if leads else _SETTINGS_ALONE
        )
    offered = unescape(strip_template(title))  # sites put it into a page as it stands
    return builder.build(choose_title(name, offered, builder.first_heading(1), builder.first_heading()))


def _title_of_box(mark: re.Match[str]) -> str:
    title = (mark["title"] or "").strip().strip(":").strip()
    if title.startswith("["):
        title = title[1:].removesuffix("]")
    return f"\n{title}\n" if re.search(r"\w", title) else ""


def split_front_matter(source: str, builder: DocumentBuilder) -> tuple[str, str]:
    """The title that the front matter names, and the text after it."""
    found = _FRONT_MATTER.match(source)
    if not found:
        return "", source
    try:
        title = _title(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        named = _TITLE_LINE.search(found[1])
        if not named:
            return "", source
        builder.remarks.append("The front matter is not valid YAML; only its title was used.")
        return named[1].strip(" \t\"'"), source[found.end() :]
    if title is None:
        return "", source  # two rules with text between them
    return title, source[found.end() :]


def _title(front_matter: str) -> str | None:
    """The title, "" where there is none, None where the YAML names no fields. Raises yaml.YAMLError, ValueError.

    Nothing but the title is made of the YAML: a few hundred bytes may stand for gigabytes ("<<: [*a, *a]").
    """
    loader = yaml.SafeLoader(front_matter)
    try:
        root = loader.get_single_node()
        if root is None:
            return ""
        if not isinstance(root, yaml.MappingNode):
            return None
        title: object = ""
        for name, value in root.value:
            if isinstance(name, yaml.MappingNode):
                raise yaml.YAMLError("a name that is no word")  # {{ a template }}
            if name.value == "title":
                title = _scalar(loader, value)
        return str(title) if isinstance(title, str | int | float) else ""
    finally:
        loader.dispose()


def _scalar(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode) and any(isinstance(name, yaml.MappingNode) for name, _ in node.value):
        raise yaml.YAMLError("a template, not a title")
    if not isinstance(node, yaml.ScalarNode) or len(node.value) > LONGEST_TITLE:
        return None
    value: object = loader.construct_object(node)
    return value
