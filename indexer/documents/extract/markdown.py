"""Markdown to blocks, by way of HTML: front matter gives the title, template language goes, HTML islands are read."""

import re

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.decoding import decode
from indexer.documents.extract.document import ExtractedDocument
from indexer.documents.extract.html import read_html
from indexer.documents.extract.template import strip_template
from indexer.documents.extract.titles import choose_title

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE_LINE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_CONTAINER = re.compile(r"^[ \t]*:{3,}[^\n]*$", re.MULTILINE)


def extract(data: bytes, name: str) -> ExtractedDocument:
    source = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    builder = DocumentBuilder()
    title, body = split_front_matter(source, builder)
    read_html(_renderer().render(_CONTAINER.sub("", strip_template(body))), builder)
    return builder.build(choose_title(name, title, builder.first_heading(1), builder.first_heading()))


def split_front_matter(source: str, builder: DocumentBuilder) -> tuple[str, str]:
    """The title that the front matter names, and the text after it."""
    found = _FRONT_MATTER.match(source)
    if not found:
        return "", source
    try:
        fields = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        named = _TITLE_LINE.search(found[1])
        if not named:
            return "", source
        builder.remarks.append("The front matter is not valid YAML; only its title was used.")
        return named[1].strip(" \t\"'"), source[found.end() :]
    if fields is None:
        return "", source[found.end() :]
    if not isinstance(fields, dict):
        return "", source  # two rules with text between them
    title = fields.get("title")
    return str(title) if isinstance(title, str | int | float) else "", source[found.end() :]


def _renderer() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for plugin in (footnote_plugin, deflist_plugin, tasklists_plugin, admon_plugin):
        parser.use(plugin)
    return parser
