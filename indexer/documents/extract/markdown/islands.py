"""HTML inside of Markdown, put so that the parser takes it for HTML (pure)."""

import re

_MARKDOWN_INSIDE = re.compile(
    r"^( {0,3}<\w[^<>\n]{0,200}\smarkdown(?:=[\"']?(?:1|block|span|true)[\"']?)?(?:\s[^<>\n]{0,200})?>)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""A tag that says that Markdown stands in it, as kramdown and others have it."""
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_TAG = re.compile(r"</?(?:table|caption|colgroup|col|thead|tbody|tfoot|tr|td|th)\b", re.IGNORECASE)


def with_html_apart(source: str) -> str:
    """Tags that hold Markdown stand in a paragraph of their own, and what is indented below an empty line inside of a
    table is still the table: it is code by the letter of the standard, and nobody means it so."""
    if "<" not in source:
        return source
    lines = _MARKDOWN_INSIDE.sub(r"\1\n", source).split("\n")
    fence, depth, was_empty = "", 0, False
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is not None and (not fence or (mark[1].startswith(fence) and line.strip() == mark[1])):
            fence = "" if fence else mark[1]
        elif not fence:
            bare = line.lstrip(" \t")
            if depth and was_empty and _TABLE_TAG.match(bare):
                lines[number] = bare
            if "table" in line.lower():
                depth = max(depth + line.lower().count("<table") - line.lower().count("</table"), 0)
        was_empty = not line.strip()
    return "\n".join(lines)
