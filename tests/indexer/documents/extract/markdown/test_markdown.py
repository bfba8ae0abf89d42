import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.markdown.template import strip_template
from indexer.errors import UnsupportedFile
from tests.indexer.documents.extract.invariants import check, outline


def read(source: str) -> list[tuple[str, str]]:
    document = extract_bytes(source.encode(), "page.md")
    check(document)
    return outline(document)


def test_front_matter_gives_the_title_and_nothing_else() -> None:
    document = extract_bytes(b"---\ntitle: 'Leave: types'\nkeywords: vacation\n---\nText.\n", "x.md")
    assert (document.title, document.text) == ("Leave: types", "Text.")


def test_broken_front_matter_still_gives_the_title() -> None:
    document = extract_bytes(b"---\ntitle: Leave: types\n\t- [\n---\nText.\n", "x.md")
    assert (document.title, document.text) == ("Leave: types", "Text.")
    assert document.remarks


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert read("---\nJust words.\n\n---\n\nMore.") == [("heading2", "Just words."), ("paragraph", "More.")] or read(
        "---\n\nJust words.\n\n---\n\nMore."
    ) == [("paragraph", "Just words."), ("paragraph", "More.")]


def test_title_without_front_matter() -> None:
    assert extract_bytes(b"## B\n\n# A\n", "x.md").title == "A"
    assert extract_bytes(b"## B\n", "x.md").title == "B"
    assert extract_bytes(b"words", "how-we-work.md").title == "How we work"


def test_blocks() -> None:
    assert read(
        "# Leave #\n\nTake *it*\nwith [HR](x 'y').\n\n- one\n  - two\n\n    more\n1. three\n\n"
        "| a | b |\n|--|--|\n| 1 | |\n\n```py\nx  =  1\n```\n\nTerm\n: meaning\n"
    ) == [
        ("heading1", "Leave"),
        ("paragraph", "Take it with HR."),
        ("item1", "one"),
        ("item2", "two\nmore"),
        ("item1", "three"),
        ("header", "a | b"),
        ("row", "1"),
        ("code", "x  =  1"),
        ("item1", "Term\nmeaning"),
    ]


def test_html_islands_and_comments() -> None:
    assert read(
        "Before\n\n<div>\n<b>In</b> <!-- no --> HTML\n</div>\n\n<!-- gone\n\nas well -->\n\n<style>p {}</style>x"
    ) == [
        ("paragraph", "Before"),
        ("paragraph", "In HTML"),
        ("paragraph", "x"),
    ]


def test_task_lists_footnotes_and_notes() -> None:
    assert read('- [ ] call\n- [x] write\n\nFact[^1].\n\n[^1]: Source.\n\n!!! note "Mind"\n    The gap.\n') == [
        ("item1", "[ ] call"),
        ("item1", "[x] write"),
        ("paragraph", "Fact."),
        ("paragraph", "Mind"),
        ("paragraph", "The gap."),
        ("item1", "Source."),
    ]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('[leave]({% page "travel/leave#x" %}) now', "[leave](#) now"),
        ("[a]({{site.base_url}}/b/)", "[a](#/b/)"),
        ("a {% include 'x.html' %}b {{ page.title }}c {# note #}d", "a b c d"),
        ("{% comment %}x\n\ny {% page %}{% endcomment %}z", "z"),
        ('{% alert "Heads up!" %}\n  Body.\n{% endalert %}', "\nHeads up!\n\n\n  Body.\n"),
        ('{% alert "", "warning" %}Body{% endalert %}', "Body"),
        ('{% alert "warning" %}Body{% endalert %}', "Body"),
        ('{% raw %}{% include "a" %} {{ b }} {# c #}{% endraw %} d', '{% include "a" %} {{ b }} {# c #} d'),
        ('`{{ "{%include%}" }}`', "`{%include%}`"),
        ('in {% slack_channel "tock" %}, {% slack_channel "#dev" %}', "in #tock, #dev"),
        ('{% slack_channel "womxn" "Womxn" %}', "Womxn"),
        ("## Set-up {#set-up}\n## B {##b-(c)}\nx", "## Set-up\n## B\nx"),
        ("```\n{{ .Values.a }}\n```\n{{ b }}", "```\n{{ .Values.a }}\n```\n"),
        ("```\n{% raw %}{{ a }}{% endraw %}\n```\n{{ b }}", "```\n{{ a }}\n```\n"),
        ("100% {sure} and {{", "100% {sure} and {{"),
        ("{% if a %}yes{% endif %}", "yes"),
        ("{%- raw -%}{% x %}", "{% x %}"),
    ],
)
def test_template_language(source: str, shown: str) -> None:
    assert strip_template(source) == shown


def test_long_unclosed_template_is_read_in_one_pass() -> None:
    source = "{% raw %}" + "{{ {# {% " * 20_000 + "x"
    assert strip_template(source).endswith("x")
    assert strip_template("{{" * 50_000 + "y").endswith("y")


def test_windows_line_ends_and_byte_order_mark() -> None:
    document = extract_bytes("\ufeff---\r\ntitle: T\r\n---\r\n\r\n# H\r\n\r\ntext\r\nmore".encode(), "x.md")
    assert (document.title, document.text) == ("T", "H\n\ntext more")


@pytest.mark.parametrize(
    "target",
    ["{{ url }}", "<{{ url }}>", "{{ url }} 'Title'", "{% link a.md %}", "{{ '/a' | url }}", "\n  {{ url }}",
     "/a/{{ b }}/c", "{{ base }}/form", "{{ base }}{% link a.md %}", '{{< ref "a" >}}', "{{ '/travel' }}"],
)  # fmt: skip
def test_links_whose_target_is_template_code(target: str) -> None:
    assert read(f"See [the form][form] now.\n\n[form]: {target}\n") == [("paragraph", "See the form now.")]
    if "\n" not in target:
        assert read(f"See [the form]({target}) now.\n") == [("paragraph", "See the form now.")]


def test_template_code_beside_links_stays_out() -> None:
    assert read("A [form](x) {{ b }} of [c]: d{% if e %}f") == [("paragraph", "A form of [c]: df")]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("---\ntitle: Pay <em>Slip</em> &amp; Co\n---\nx", "Pay Slip & Co"),
        ("---\ntitle: 'Pay {{ site.name }}<br/>Slip'\n---\nx", "Pay Slip"),
        ("# <a name='x'></a>Pay <em>Slip</em> <!-- no -->\n\nx", "Pay Slip"),
        ("Pay <b>Slip</b>\n===\n\nx", "Pay Slip"),
        ("<h1 align=center>\n  <a href=x>Pay Slip</a>\n</h1>\n\nx", "Pay Slip"),
        ("---\ntitle: a < b and c > d\n---\nx", "a < b and c > d"),
    ],
)
def test_html_in_titles(source: str, title: str) -> None:
    document = extract_bytes(source.encode(), "x.md")
    assert document.title == title
    assert document.blocks[0].kind != "heading" or document.text.startswith(title)


def test_html_in_text() -> None:
    assert read("Press <kbd>Ctrl</kbd>+<kbd>C</kbd>, H<sub>2</sub>O, <input type=checkbox checked> done") == [
        ("paragraph", "Press Ctrl+C, H2O, [x] done")
    ]


@pytest.mark.parametrize(
    "table",
    [
        "<table>\n  <tr>\n    <th>A</th>\n\n    <th>B</th>\n  </tr>\n\n    <tr><td>1</td><td>2</td></tr>\n\n</table>",
        "<details>\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n</details>",
        '<div class="x" markdown="1">\n| A | B |\n|---|---|\n| 1 | 2 |\n</div>',
        "<table><tr><th>\n\n*A*\n\n</th><th>\n\nB\n\n</th></tr><tr><td>1</td><td>\n\n2\n\n</td></tr></table>",
    ],
)
def test_tables_and_html_in_each_other(table: str) -> None:
    assert read(f"Before\n\n{table}\n\nAfter") == [
        ("paragraph", "Before"),
        ("header", "A | B"),
        ("row", "1 | 2"),
        ("paragraph", "After"),
    ]


def test_code_that_shows_html_stays_as_it_is() -> None:
    source = "```html\n<table>\n\n    <td>a</td>\n```\n\n    <td>b</td>\n"
    assert read(source) == [("code", "<table>\n\n    <td>a</td>"), ("code", "<td>b</td>")]


def test_pictures_are_said_with_their_place() -> None:
    document = extract_bytes(b"# Site\n\nWords.\n\n![Plan](plan.png)\n\n## Gate\n\n![](gate.png)\n", "a.md")
    assert document.remarks == ('It shows 2 pictures (below "Site" and "Gate"); words inside are not searched.',)


def test_what_a_template_fills_in_is_said() -> None:
    source = "Fee: {{ site.fee }}. {% include terms.md %}\n\n{% if a %}x{% endif %}{% raw %}{{ b }}{% endraw %}\n"
    source += '\n{{< figure src="a.png" >}}\n\n{{% notice %}}Shown{{% /notice %}}\n\n[form]({{ base }}/form)\n'
    source += "\n```\n{{ shown }}\n```\n"
    assert extract_bytes(source.encode(), "a.md").remarks == (
        'What a template fills in is not searched: 3 places ("site.fee", "include" and "figure").',
    )
    assert extract_bytes(b"Words {# a comment #} {% assign a = 1 %}\n", "a.md").remarks == ()


def test_titles_of_boxes_are_read() -> None:
    for mark in (":::tip Before you start", "::: tip Before you start", ":::note[Before you start]"):
        text = extract_bytes(f"{mark}\nSwitch it off.\n:::\n\nThen go.\n".encode(), "a.md").text
        assert text.split("\n\n") == ["Before you start", "Switch it off.", "Then go."]
    for mark in (":::", ":::tip", "::: {.tip #one}", "::::warning"):
        text = extract_bytes(f"{mark}\nSwitch it off.\n:::\n".encode(), "a.md").text
        assert text == "Switch it off."


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "---\ntitle: A\nredirect_to: /b/#c\n---\n",
            "It only leads on to another page: /b/#c.",
        ),
        (
            "---\ntitle: A\nlayout: b\n---\n",
            "It holds settings for a site (front matter) alone",
        ),
        ("![](plan.png)\n", "no text that Docent reads. It shows 1 picture"),
        ("{% include a.md %}\n", "no text that Docent reads. What a template fills in"),
        ("<!-- nothing -->\n", "no text that a reader would see"),
    ],
)
def test_no_text_is_said_only_where_it_is_true(source: str, told: str) -> None:
    with pytest.raises(UnsupportedFile) as raised:
        extract_bytes(source.encode(), "a.md")
    assert told in raised.value.what
