"""HTML and Markdown that nest, multiply, lie about their letters, or lead a reader's patterns back and back."""

from collections.abc import Callable

from tests.indexer.hostile.cases import Case, failed, indexed, skipped

HELD = "Annual leave is thirty days."
P = f"<p>{HELD}</p>"
_BINARY = r"The file is not text: it holds binary data\..*"


def html(body: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: f"<!doctype html><body>{body}".encode(encoding)


def again(
    name: str,
    attack: str,
    unit: str,
    times: int,
    before: str = "",
    after: str = "",
    remark: str = "",
    holds: str = HELD,
) -> Case:
    """A unit over and over, before words that must be read all the same."""
    words = P if name.endswith(".html") else f"\n\n{HELD}\n"
    return indexed(name, attack, lambda: (before + unit * times + after + words).encode(), holds, remark)


MARKUP = (
    again("divs in divs.html", "100,000 elements deep", "<div>", 100_000),
    again("inline in inline.html", "30,000 <b> deep", "<b>", 30_000),
    again("tables in tables.html", "5,000 tables deep", "<table><tr><td>", 5_000),
    again("lists in lists.html", "10,000 lists deep", "<ul><li>", 10_000),
    again("quotes in quotes.html", "20,000 quotations deep", "<blockquote>", 20_000),
    again(
        "forms in forms.html",
        "forms, fields and buttons in each other",
        "<form><fieldset><button><select><option>",
        3_000,
        holds="",
    ),
    again("end tags.html", "100,000 ends of what never began", "</p></i></table>", 100_000),
    again("entities.html", "entities without end", "&amp;&#x41;&bogus;&#99999999999;&#0;", 10_000, "<p>", "</p>"),
    again("entities never closed.html", "ampersands without end", "&", 100_000, "<p>", "</p>"),
    again("a megabyte of attribute.html", "an attribute of a megabyte", "a" * 1000, 1000, '<p title="', '">x</p>'),
    again("100,000 attributes.html", "a tag with 100,000 attributes", " a=1", 100_000, "<p", ">x</p>"),
    again("100,000 classes.html", "an element of 100,000 classes", "nav ", 100_000, '<p class="', '">x</p>'),
    again("a style of a megabyte.html", "a style that repeats", "display:none ;", 80_000, '<p style="', '">x</p>'),
    skipped(
        "comments never closed.md",
        "comments that begin and begin",
        lambda: b"<!-- " * 100_000,
        r"The file holds no text that .*",
    ),
    indexed("a comment never closed.html", "a comment up to the end", html(f"{P}<!-- " + "a" * 500_000), HELD),
    indexed("a script never closed.html", "a script up to the end", html(f"{P}<script>" + "while(1);" * 50_000), HELD),
    indexed(
        "a colspan of 10^9.html",
        "cells over 10^9 columns and rows",
        html(f"{P}<table><tr><td colspan=1000000000 rowspan=1000000000>a<td>b<tr><td>c</table>"),
        HELD,
    ),
    indexed(
        "spans on spans.html",
        "cells that repeat over rows and columns",
        html(f"{P}<table>" + "<tr><td rowspan=1000 colspan=1000>label<td>b" * 1_000 + "</table>"),
        HELD,
        ".*",
    ),
    indexed("a wide table.html", "a row of 20,000 cells", html(f"{P}<table><tr>{'<td>a' * 20_000}</table>"), HELD),
    indexed(
        "a table of odd numbers.html",
        "spans that are no numbers",
        html(f"{P}<table><tr><td colspan=-1 rowspan=x>a<td colspan='9{'9' * 5000}'>b</table>"),
        HELD,
    ),
    indexed("300 kB on a line.html", "one paragraph of 300 kB", html(f"{P}<p>{'word ' * 60_000}"), HELD),
    indexed(
        "UTF-16 that says it is UTF-8.html",
        "a meta element that lies",
        lambda: f"<meta charset=utf-8>{P}".encode("utf-16"),
        HELD,
    ),
    indexed(
        "Latin-1 that says it is UTF-8.html",
        "a meta element that lies",
        lambda: f"<meta charset=utf-8>{P}<p>Überstunden für Mütter</p>".encode("latin-1"),
        "Überstunden",
    ),
    indexed(
        "UTF-8 that says it is UTF-16.html",
        "a meta element that cannot be",
        lambda: f"<meta charset=utf-16>{P}<p>Größe</p>".encode(),
        "Größe",
    ),
    indexed(
        "an encoding that is none.html",
        "a meta element of nothing",
        lambda: f"<meta charset='{'x' * 9000}'>{P}".encode(),
        HELD,
    ),
    indexed(
        "an encoding that is a program.html",
        "a charset that is no charset of text",
        lambda: f"<meta charset=zlib_codec>{P}".encode(),
        HELD,
    ),
    indexed(
        "ISO-2022 escapes.html",
        "escapes that switch letters",
        lambda: f"<meta charset=iso-2022-jp>{P}".encode() + b"\x1b$B" * 1000,
        HELD,
        ".*",
    ),
    indexed(
        "UTF-7 of a script.html",
        "letters that may be read as a script",
        lambda: f"<meta charset=utf-7>{P}+ADw-script+AD4-".encode(),
        HELD,
    ),
    failed("NULs.html", "zero bytes between letters", lambda: P.encode().replace(b" ", b"\0" * 20), _BINARY),
    indexed(
        "marks of byte order.html",
        "three kinds of mark one after the other",
        lambda: b"\xef\xbb\xbf\xef\xbb\xbf" + P.encode(),
        HELD,
    ),
    indexed(
        "a frame of itself.html",
        "frames, redirects and bases",
        html(f'<base href="//evil.example/"><meta http-equiv=refresh content="0;url=#"><iframe src=#></iframe>{P}'),
        HELD,
        ".*",
    ),
    indexed(
        "declarations.html",
        "entities that multiply",
        lambda: ('<!DOCTYPE html [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>' + P + "&b;" * 10_000).encode(),
        HELD,
    ),
    indexed(
        "a circle of ids.html",
        "labels for themselves",
        html(
            P + "".join(f"<input type=checkbox id=a{n} aria-labelledby=a{n + 1}><label for=a{n}>" for n in range(5_000))
        ),
        HELD,
        ".*",
    ),
    indexed(
        "spaces.html",
        "a megabyte of spaces in a word",
        html(f"{P}<pre>a{' ' * 500_000}b</pre><p>a{' ' * 500_000}b"),
        HELD,
    ),
    skipped(
        "all hidden.html",
        "a page that shows nothing",
        html(f"<div hidden>{P}</div><template>{P}</template>"),
        r"The file holds no text that .*",
    ),
    again("quotes in quotes.md", "20,000 quotations deep", "> ", 20_000, remark=".*"),
    again("lists in lists.md", "100,000 lists deep", "- ", 100_000, remark=".*"),
    again("brackets.md", "brackets without end", "[", 20_000),
    again("links in links.md", "links without end", "[a](", 10_000),
    again("emphasis.md", "stars without end", "*a **b ", 10_000),
    again("backticks.md", "code marks of every length", "` `` ``` ```` ", 5_000),
    again("tables.md", "a table of 3,000 columns", "|a" * 3_000 + "\n", 5, "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n"),
    again("definitions.md", "references that name each other", "[a]: b 'c\n", 10_000),
    again("footnotes.md", "footnotes of footnotes", "[^1]: [^1] ", 5_000, holds=""),
    again("front matter.md", "front matter that multiplies", "a: &a [*a, *a]\n", 5_000, "---\n", "---\n", ".*"),
    again(
        "front matter in front matter.md", "brackets in the front matter", "[", 10_000, "---\ntitle: ", "\n---\n", ".*"
    ),
    again("front matter never closed.md", "front matter up to the end", "a: b\n", 10_000, "---\n", holds=""),
    again(
        "a template that loops.md",
        "template code that calls itself",
        "{% for a in a %}{% include 'a.md' %}{{ ",
        20_000,
        remark=".*",
        holds="",
    ),
    again("comments of a template.md", "template comments never closed", "{# ", 20_000, holds=""),
    again("directives.md", "directives in directives", ":::note\n", 20_000, holds=""),
    again("HTML in Markdown.md", "tables that never end", "<table>\n\n<td>a\n\n", 2_000, holds=""),
    again("an underlined line.md", "a heading of 20,000 lines", "a\n", 20_000, "", "===\n"),
    again("MDX.mdx", "code in braces without end", "<A b={{", 10_000, holds=""),
    again("code never closed.md", "a fence of 100,000 marks", "`", 100_000, holds=""),
    again("tabs.md", "tabs without end", "\t", 300_000, "- a"),
)
