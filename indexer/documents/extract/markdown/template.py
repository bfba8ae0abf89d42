"""Take template language (Liquid, Nunjucks, Jinja, Hugo) out of Markdown, leaving what the rendered page would show.

`{% tag %}`, `{{ value }}` and `{# comment #}` go; what stands between `comment` and `endcomment` goes too; what stands
between `raw` and `endraw` is text and stays as it is. Fenced code keeps its braces: a page that shows a template shows
them. Two kinds of tag put words on the page that no other place holds, and these stay: the name of a chat channel and
the heading of an alert.
"""

import re

_TOKEN = re.compile(
    r"""
      \{%-?\s*+(?P<tag>[\w-]*+)(?P<arguments>(?:[^%{]|%(?!\})|\{(?!%))*+)%\}
    | \{\{(?P<value>(?:[^{}]|\}(?!\})|\{(?!\{))*+)\}\}
    | \{\#(?![\w:.-]++\})(?:[^#{]|\#(?!\})|\{(?!\#))*+\#\}
    | ^[ ]{0,3}(?P<fence>`{3,}+|~{3,}+)(?P<info>[^\n]*)$
    """,
    re.VERBOSE | re.MULTILINE,
)
"""Nothing here is tried twice (`*+`, `++`), or a long run of spaces or dashes were quadratic."""
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ATTRIBUTES = re.compile(r"(?<![ \t])[ \t]*+\{[#:.][^{}\n]*+\}[ \t]*+$", re.MULTILINE)
_LINK_ATTRIBUTES = re.compile(r"(?<=\))\{:[ ]?[.#\w][^{}\n]{0,300}\}")
_TARGET = re.compile(r"(?:\]\([ \t]*<?|^[ >]{0,9}\[[^\]\n]*\]:[ \t]*\n?[ \t]*<?)[^\s()<>]*\Z", re.MULTILINE)
_NEAR = 200
"""Before a token: it stands in the target of a link, or of a reference such as `[form]: {{ base }}/form`. Without words
there it would be no link, and its brackets would be read."""
_FILLS = frozenset(
    "include include_relative include_cached include-markdown render partial snippet data embed gist youtube vimeo"
    " figure figcaption image img picture video table csv code-include codeimport readfile param translate".split()
)
"""Tags that put something on the page that stands in another place."""
_ALERT_LEVELS = frozenset({"", "info", "warning", "error", "success", "note", "tip", "danger"})


def strip_template(source: str, filled: list[str] | None = None) -> str:
    """`source` as Markdown that no template engine has to see. `filled` takes what puts words on the page that stand
    elsewhere: names of values, and tags that include a file."""
    out: list[str] = []
    position = 0
    until = ""  # the tag that ends raw text or a comment
    fence = ""
    for token in _TOKEN.finditer(source):
        before = source[position : token.start()]
        tag = token["tag"]
        if until != "endcomment":
            out.append(before)
        position = token.end()
        if until:
            if tag == until:
                until = ""
            elif until == "endraw":
                out.append(token[0])
                fence = _fence_after(fence, token)
        elif tag == "raw" or (tag == "comment" and not fence):
            until = f"end{tag}"
        elif token["fence"] is not None:
            out.append(token[0])
            fence = _fence_after(fence, token)
        elif fence:
            out.append(token[0])
        else:
            out.append(shown := _shown(token, source))
            if filled is not None and not shown and (name := _filled(token)):
                filled.append(name)
    if until != "endcomment":
        out.append(source[position:])
    return _LINK_ATTRIBUTES.sub("", _ATTRIBUTES.sub("", "".join(out)))


def _fence_after(fence: str, token: re.Match[str]) -> str:
    """The fence that is open after this token, or ""."""
    mark: str | None = token["fence"]
    if mark is None:
        return fence
    if not fence:
        return mark
    return "" if mark.startswith(fence) and not token["info"].strip() else fence


def _filled(token: re.Match[str]) -> str:
    """What a token is called that a template fills in; "" for one that shows nothing by itself."""
    if token["tag"]:
        return token["tag"] if token["tag"] in _FILLS else ""
    value = (token["value"] or "").strip()
    if value[:1] in ("<", "%"):  # of Hugo: most of these stand around words
        name = next(iter(value[1:].split()), "")
        return name if name in _FILLS else ""
    is_word = bool(value) and value[0] not in "#/!^&" and value.split()[0] not in ("else", "end", "if", "for", "range")
    return value if is_word else ""


def _shown(token: re.Match[str], source: str) -> str:
    """What a tag or a value puts on the page."""
    if _TARGET.search(source, max(token.start() - _NEAR, 0), token.start()):
        return "#" if source[token.start() - 1] in "(<" else "/"  # a line that begins with # is a heading
    value: str | None = token["value"]
    if value is not None:
        value = value.strip()
        return value[1:-1] if _QUOTED.fullmatch(value) else ""
    tag = token["tag"] or ""
    arguments: list[str] = [double or single for double, single in _QUOTED.findall(token["arguments"] or "")]
    if tag == "slack_channel" and arguments:
        return arguments[1] if len(arguments) > 1 else "#" + arguments[0].lstrip("#")
    if tag == "alert" and arguments and arguments[0] not in _ALERT_LEVELS:
        return f"\n{arguments[0]}\n\n"
    return ""
