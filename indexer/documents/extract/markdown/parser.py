"""The Markdown parser, with the additions of many programs, bounded in how deep blocks may nest.

Below that depth the library would leave out the rest of the file. Here the lines there become paragraphs as they stand.
"""

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_ref

DEEPEST_LISTS = 10
_DEEPEST = 2 * DEEPEST_LISTS + 1  # levels of blocks: a list takes two, itself and its item; a quotation takes one
LONGEST_LABEL = 200
"""Characters of a footnote's label; without a bound the library looks through the rest of the paragraph for its end."""
_MOST_AT_ONCE = 2  # levels that the library goes down before it looks for the next block
_TOO_DEEP = "too deep"


def to_html(source: str) -> tuple[str, bool]:
    """The HTML of Markdown, and whether blocks nest deeper than is told apart."""
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEPEST + _MOST_AT_ONCE})
    parser.enable(["table", "strikethrough"])
    for plugin in (footnote_plugin, deflist_plugin, admon_plugin):
        parser.use(plugin)
    parser.block.ruler.before("table", "too_deep", _lines_as_they_stand)
    parser.inline.ruler.at("footnote_ref", _footnote)
    found: dict[str, object] = {}
    return parser.render(source, found), _TOO_DEEP in found


def _lines_as_they_stand(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """A rule of blocks: below _DEEPEST, lines up to an empty one or one that stands further left are a paragraph."""
    if silent or state.level < _DEEPEST:
        return False
    state.env[_TOO_DEEP] = True
    stop = line + 1
    while stop < end and not state.isEmpty(stop) and state.sCount[stop] >= state.blkIndent:
        stop += 1
    lines = (state.getLines(number, number + 1, state.blkIndent, False) for number in range(line, stop))
    state.push("paragraph_open", "p", 1)
    words = state.push("inline", "", 0)
    words.content = "  \n".join(text.strip() for text in lines)
    words.children = []
    state.push("paragraph_close", "p", -1)
    state.line = stop
    return True


def _footnote(state: StateInline, silent: bool) -> bool:
    """A rule of running text: the plugin's, asked only where a label ends soon."""
    begins = state.src.startswith("[^", state.pos)
    return begins and state.src.find("]", state.pos, state.pos + LONGEST_LABEL) > 0 and footnote_ref(state, silent)
