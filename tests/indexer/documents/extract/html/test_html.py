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
        "<nav><ul><li>Home</ul></nav><img src=x alt='A picture of a cat'><input type=hidden value=no>"
        "<input type=submit value=no><p>kept <del>old</del>new</p>"
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
        ("row", "x | x | y"),
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


def test_html_in_the_title() -> None:
    document = extract_bytes(b"<title>Pay <em>Slip</em></title><p>text", "x.html")
    assert (document.title, document.text) == ("Pay Slip", "text")
    assert extract_bytes(b"<title>Pay &lt;b&gt;Slip&lt;/b&gt;</title><p>text", "x.html").title == "Pay Slip"


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


def test_controls_of_a_form_show_what_they_hold() -> None:
    assert read(
        "<p><label><input type=checkbox checked>Glass</label> <input type=CHECKBOX> Theft"
        "<p>by <input type=radio>mail <input type=radio checked>hand"
        "<p>Name <input value='Greta Holm'> <input type=password value=no> <input type=number value=4>"
        " <input placeholder=no>"
        "<p>Branch <select><option>Oslo<option selected>Bergen</select>, <select><option>any<option>some</select>,"
        " <select multiple><option>a<option selected>b<option selected>c</select> end"
        "<p>Remark <textarea>The window\nbroke.</textarea>"
    ) == [
        ("paragraph", "[x] Glass [ ] Theft"),
        ("paragraph", "by [ ] mail [x] hand"),
        ("paragraph", "Name Greta Holm 4"),
        ("paragraph", "Branch Bergen , any , b, c end"),
        ("paragraph", "Remark The window\nbroke."),
    ]


@pytest.mark.parametrize(
    ("box", "mark"),
    [
        ("<span role=checkbox aria-checked=true></span>", "[x]"),
        ("<div role=switch aria-checked=false></div>", "[ ]"),
        ("<input type=checkbox checked style='position:absolute; left:-9999px'>", "[x]"),
        ("<input type=checkbox style='opacity:0'>", "[ ]"),
        ("<img src=a.gif alt='[x]'>", "[x]"),
        ("<i class='fa fa-square-o'></i>", "[ ]"),
        ("<i class='far fa-check-square'></i>", "[x]"),
        ("<div><input type=checkbox></div>", "[ ]"),
        ("<input type=checkbox><br>", "[ ]"),
    ],
)
def test_boxes_that_a_page_draws_by_itself(box: str, mark: str) -> None:
    assert read(f"<div>{box}<span>Load test passed</span></div>") == [("paragraph", f"{mark} Load test passed")]


def test_a_box_alone_is_no_text_but_a_cell() -> None:
    assert read("<input type=checkbox id=menu-toggle><h1>Canteen</h1>") == [("heading1", "Canteen")]
    assert read("<table><tr><th>Load<th>Done<tr><td>test<td><input type=checkbox></table>")[1:] == [
        ("row", "test | [ ]")
    ]
    assert read("<p>a<input type=checkbox hidden><input type=checkbox style='display:none'>") == [("paragraph", "a")]


def test_tasks_of_a_wiki() -> None:
    assert read("<ul><li class=checked data-inline-task-id=1>a<li data-inline-task-id=2>b</ul>") == [
        ("item1", "[x] a"),
        ("item1", "[ ] b"),
    ]


def test_a_choice_that_never_ends_loses_no_words() -> None:
    assert read("<select><option>A<div>after</div><p>more") == [
        ("paragraph", "A"),
        ("paragraph", "after"),
        ("paragraph", "more"),
    ]


def test_words_of_drawings_and_formulas() -> None:
    assert read(
        "<svg><title>no</title><defs><text>no</text></defs> no <g><text>Pump <tspan>4</tspan></text></g>"
        "<text>Tank</text><foreignObject><div>Valve</div></foreignObject></svg>"
        "<p>So <math><mi>E</mi><mo>=</mo><mi>m</mi><annotation>no</annotation></math>."
    ) == [("paragraph", "Pump 4\nTank"), ("paragraph", "Valve"), ("paragraph", "So E=m.")]


def test_roles_are_read_like_tags() -> None:
    assert read(
        "<div role=heading aria-level=3>Hours</div><div role=table><div role=row><span role=columnheader>Day</span>"
        "<span role=columnheader>Open</span></div><div role=row><span role=cell>Monday</span><span role=cell>8</span>"
        "</div></div>"
    ) == [("heading3", "Hours"), ("header", "Day | Open"), ("row", "Monday | 8")]


@pytest.mark.parametrize(
    ("first", "kinds"),
    [
        ("<td><b>City</b><td><b>Limit</b>", ["header", "row", "row"]),
        ("<td><p><strong>City</strong></p><td style='font-weight: 700'>Limit", ["header", "row", "row"]),
        ("<td><b>City</b><td>Limit", ["row", "row", "row"]),
        ("<td colspan=2><b>Limits</b><tr><td><b>City</b><td><b>Limit</b>", ["header", "header", "row", "row"]),
    ],
)
def test_first_rows_that_are_bold_name_the_columns(first: str, kinds: list[str]) -> None:
    found = read(f"<table><tr>{first}<tr><td>Oslo<td>120<tr><td>Lyon<td>95</table>")
    assert [kind for kind, _ in found] == kinds


@pytest.mark.parametrize(
    ("rows", "is_header"),
    [
        (["<tr bgcolor='#ddd'>", "<tr>", "<tr>"], True),
        (["<tr style='background: navy; color: white'>", "<tr bgcolor=white>", "<tr>"], True),
        (["<tr class='row header'>", "<tr>", "<tr>"], True),
        (["<tr bgcolor='#ddd'>", "<tr>", "<tr bgcolor='#ddd'>"], False),
        (["<tr bgcolor='#ddd'>", "<tr>"], False),
    ],
)
def test_first_rows_of_a_colour_name_the_columns(rows: list[str], is_header: bool) -> None:
    found = read(
        "<table>" + "".join(f"{row}<td>{number}a<td>{number}b" for number, row in enumerate(rows)) + "</table>"
    )
    assert [kind for kind, _ in found] == ["header" if is_header else "row"] + ["row"] * (len(rows) - 1)


def test_a_table_that_is_all_bold_has_no_header() -> None:
    assert [kind for kind, _ in read("<table><tr><td><b>a</b><td><b>b</b><tr><td><b>c</b><td><b>d</b></table>")] == [
        "row"
    ] * 2


def test_cells_over_rows_and_columns_stand_in_each_of_them() -> None:
    assert read(
        "<table><tr><th rowspan=2 colspan=2>Site<th colspan=2>2025<tr><th>Plan<th>Actual<tr><td>N<td>1<td>2<td>3"
        "<tr><td colspan=4>All closed</table>"
    ) == [
        ("header", "Site | Site | 2025 | 2025"),
        ("header", "Site | Site | Plan | Actual"),
        ("row", "N | 1 | 2 | 3"),
        ("row", "All closed"),
    ]


def test_a_cell_over_all_rows_that_follow() -> None:
    assert read("<table><tr><td rowspan=0>Red<td>a<tr><td>b<tr><td>c</table>")[2] == ("row", "Red | c")


def test_a_table_that_arranges_a_page_keeps_its_titles() -> None:
    assert read("<table><tr><td><h1>News</h1><p>The roof is tight.</p><td><ul><li>one<li>two</ul></table>") == [
        ("heading1", "News"),
        ("paragraph", "The roof is tight."),
        ("item1", "one"),
        ("item1", "two"),
    ]
    assert read("<table role=presentation><tr><td>a<td>b</table>") == [("paragraph", "a"), ("paragraph", "b")]
    assert read("<table><tr><td><h4>Plan</h4><td><h4>Cost</h4><tr><td>Gold<td>9</table>") == [
        ("row", "Plan | Cost"),
        ("row", "Gold | 9"),
    ]


def test_a_table_in_a_cell_of_a_table_with_names_is_words() -> None:
    assert read(
        "<table><tr><th>Site<th>Hours<tr><td>North<td><table><tr><td>Mon<td>8<tr><td>Tue<td><table><tr><td>9</table></table>"
        "<tr><td>South<td>closed</table><p>end"
    ) == [("header", "Site | Hours"), ("row", "North | Mon 8 Tue 9"), ("row", "South | closed"), ("paragraph", "end")]


def test_definitions_in_groups() -> None:
    assert read("<dl><div><dt>Net<dd>without tax</div><div><dt>Gross<dd>with tax</div></dl>") == [
        ("item1", "Net\nwithout tax"),
        ("item1", "Gross\nwith tax"),
    ]
