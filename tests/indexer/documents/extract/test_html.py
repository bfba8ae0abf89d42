import pytest

from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline


def read(html: str) -> list[tuple[str, str]]:
    document = extract_bytes(html.encode(), "page.html")
    check(document)
    return outline(document)


def test_headings_paragraphs_and_links() -> None:
    assert read("<h1>Leave</h1><p>Ask <a href='x'>HR</a>\n first.</p>loose<h3>Sick</h3>text") == [
        ("heading1", "Leave"),
        ("paragraph", "Ask HR first."),
        ("paragraph", "loose"),
        ("heading3", "Sick"),
        ("paragraph", "text"),
    ]


def test_what_no_reader_sees_is_not_text() -> None:
    assert read(
        "<!-- secret --><script>var a</script><style>p{}</style><p>seen</p><p hidden>no</p><div style='display:NONE'>"
        "no<p>no</p></div><span aria-hidden=true>no</span><template>no</template><noscript>no</noscript>"
        "<nav><ul><li>Home</ul></nav><img src=x alt='A picture of a cat'><input value=no><p>kept <del>old</del>new</p>"
    ) == [("paragraph", "seen"), ("paragraph", "kept new")]


@pytest.mark.parametrize(
    "style",
    ["opacity:0", "opacity: 0.0; color: red", "font-size:0px", "FONT-SIZE : 0 !important", "color: transparent",
     "position:absolute; left:-9999px", "text-indent: -100em", "top:-500vh", "visibility: collapse", "display:none"],
)  # fmt: skip
def test_what_has_no_size_no_colour_or_no_place_on_the_page_is_not_text(style: str) -> None:
    assert read(f"<p>seen <span style='{style}'>no</span></p><p style='{style}'>no</p>") == [("paragraph", "seen")]


@pytest.mark.parametrize(
    "style",
    ["opacity:0.5", "opacity:.05", "font-size:0.8em", "font-size: 10px", "background-color: transparent",
     "margin-left:-12px", "left: -10px", "border-left: 0", "line-height:0", "order:0", "fill-opacity:0"],
)  # fmt: skip
def test_what_only_looks_like_it_is_text(style: str) -> None:
    assert read(f"<p>seen <span style='{style}'>too</span></p>") == [("paragraph", "seen too")]


def test_nested_lists_keep_their_depth() -> None:
    assert read("<ul><li>one<ul><li>two<ol><li>three</ol></ul>after<li><p>a</p><p>b</p></ul>") == [
        ("item1", "one"),
        ("item2", "two"),
        ("item3", "three"),
        ("item1", "after"),
        ("item1", "a\nb"),
    ]


def test_definitions_stay_with_their_term() -> None:
    assert read("<dl><dt>ATO<dd>Authority to operate<dt>PIV<dd>A card<dd>for doors</dl><p>end") == [
        ("item1", "ATO\nAuthority to operate"),
        ("item1", "PIV\nA card\nfor doors"),
        ("paragraph", "end"),
    ]


def test_details_are_read_though_closed() -> None:
    assert read("<details><summary>More</summary><p>Hidden until asked for</p></details>") == [
        ("paragraph", "More"),
        ("paragraph", "Hidden until asked for"),
    ]


def test_code_keeps_its_lines() -> None:
    assert read("<pre><code>    if a:\n        b  \n\n    c\n</code></pre>") == [("code", "if a:\n    b\n\nc")]


def test_line_breaks_stay_in_the_paragraph() -> None:
    assert read("<p>1 Main St<br> <br/>Springfield </p>") == [("paragraph", "1 Main St\nSpringfield")]


def test_table_with_header() -> None:
    assert read("<table><tr><th>Plan<th>Cost<tr><td>Gold<td>$1<tr><td>Tin<td></table>") == [
        ("header", "Plan | Cost"),
        ("row", "Gold | $1"),
        ("row", "Tin"),
    ]


def test_table_with_headings_in_the_first_column_has_no_header() -> None:
    assert read("<table><tr><th>Place<td>Chicago<tr><th>Region<td>5</table>") == [
        ("row", "Place | Chicago"),
        ("row", "Region | 5"),
    ]


def test_cell_that_spans_rows_is_in_each_of_them() -> None:
    assert read("<table><tr><td rowspan=2>Gold<td>a<td>b<tr><td>c<td>d<tr><td colspan=2>x<td>y</table>") == [
        ("row", "Gold | a | b"),
        ("row", "Gold | c | d"),
        ("row", "x | | y"),
    ]


def test_empty_cell_in_the_middle_keeps_its_place_and_an_empty_column_goes() -> None:
    assert read("<table><tr><td>a<td><td><td>d<tr><td>e<td><td>f<td>g</table>") == [
        ("row", "a | | d"),
        ("row", "e | f | g"),
    ]


def test_blocks_in_a_cell_are_one_row() -> None:
    assert read("<table><tr><td><p>one</p><ul><li>two<li>three</ul><td>x</table>") == [("row", "one two three | x")]


def test_table_of_one_column_is_a_box_around_text() -> None:
    assert read("<table><tr><td><p>Mind</p><p>the gap</p></table>") == [
        ("paragraph", "Mind"),
        ("paragraph", "the gap"),
    ]


def test_table_around_a_table_is_layout() -> None:
    assert read(
        "<table><tr><td>left<td><table><tr><th>a<th>b<tr><td>1<td>2</table>after<td><p>right</p></table>end"
    ) == [
        ("paragraph", "left"),
        ("header", "a | b"),
        ("row", "1 | 2"),
        ("paragraph", "after"),
        ("paragraph", "right"),
        ("paragraph", "end"),
    ]


def test_table_without_header_does_not_pass_for_the_one_before() -> None:
    blocks = read("<table><tr><th>a<th>b<tr><td>1<td>2</table><table><tr><td>3<td>4<tr><td>5<td>6</table>")
    assert [kind for kind, _ in blocks] == ["header", "row", "paragraph", "row"]


def test_footnote_numbers_do_not_stick_to_words() -> None:
    assert read("<p>significant<sup><a href='#n1'>1</a></sup> x<sup>2</sup></p><p>note <a href='#r'>↩</a></p>") == [
        ("paragraph", "significant x2"),
        ("paragraph", "note"),
    ]


def test_odd_characters() -> None:
    assert read("<p>co&shy;op\u200b a&nbsp;b \u202eevil\u202c e\u0301 \ufb01ne</p>") == [
        ("paragraph", "coop a b evil é fine")
    ]


def test_title() -> None:
    assert extract_bytes(b"<title> A\n page </title><h1>B</h1>", "x.html").title == "A page"
    assert extract_bytes(b"<h2>C</h2><h1>B</h1>", "x.html").title == "B"
    assert extract_bytes(b"<p>text", "leave_policy-2024.html").title == "Leave policy-2024"


def test_declared_encoding() -> None:
    page = "<meta charset='windows-1251'><p>Отпуск сотрудника".encode("cp1251")
    assert extract_bytes(page, "x.html").text == "Отпуск сотрудника"


def test_very_deep_and_very_long_pages() -> None:
    deep = extract_bytes(b"<div>" * 100_000 + b"deep" + b"</div>" * 100_000, "x.html")
    assert deep.text == "deep"
    lists = extract_bytes(b"<ul><li>x" * 50_000, "x.html")
    assert len(lists.blocks) == 50_000
    check(lists)
    wide = extract_bytes(b"<ul>" + b"<li>x" * 100_000, "x.html")
    assert len(wide.blocks) == 100_000
