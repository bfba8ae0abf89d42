"""The invariants hold for any nesting of the elements of Word files, and no word that is plainly there is lost."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import FileError
from tests.indexer.documents.extract.invariants import check, check_characters
from tests.indexer.documents.extract.word.words import part, word

NAMES = """
    w:p w:r w:t w:tbl w:tr w:tc w:pPr w:rPr w:tcPr w:trPr w:tblPr w:sdt w:sdtPr w:sdtContent w:ins w:del
    w:moveFrom w:moveTo w:hyperlink w:fldSimple w:ruby w:rt w:rubyBase w:drawing w:pict w:object w:txbxContent
    w:sectPr w:altChunk w:framePr mc:AlternateContent mc:Choice mc:Fallback w:footnote w:comment w:br w:tab
    w:sym w:noBreakHyphen w:vanish w:b w:strike w:tblHeader w:numPr w14:checkbox w14:checked w:ffData w:checkBox
    w:ddList w:listEntry c:chart v:textpath wp:docPr
""".split()
MARKED = {
    "w:fldChar": ("w:fldCharType", ("begin", "separate", "end", "odd")),
    "w:gridSpan": ("w:val", ("1", "2", "70", "-1", "999999999", "x")),
    "w:vMerge": ("w:val", ("restart", "continue")),
    "w:pStyle": ("w:val", ("Heading1", "List", "Gone")),
    "w:ilvl": ("w:val", ("0", "1", "8", "77", "-3")),
    "w:numId": ("w:val", ("0", "1", "2", "9")),
    "w:outlineLvl": ("w:val", ("0", "8", "9", "x")),
    "w:footnoteReference": ("w:id", ("0", "1")),
    "w:commentReference": ("w:id", ("0", "1")),
    "w:headerReference": ("r:id", ("rId1", "rId2", "rId99")),
    "w:tblLook": ("w:val", ("04A0", "zz", "")),
    "w:char": ("w:char", ("F0FE", "zz", "110000")),
}
words = st.sampled_from(["word", "ж \u2610", "\ue001\uf0fe", "12", " ", "&amp;", "e\u0301\u202e"])
marked = st.sampled_from(sorted(MARKED)).flatmap(
    lambda name: st.sampled_from(MARKED[name][1]).map(lambda value: f'<{name} {MARKED[name][0]}="{value}"/>')
)
leaf = st.one_of(
    marked, words.map("<w:r><w:t>{}</w:t></w:r>".format), words.map("<w:instrText>PAGE {}</w:instrText>".format)
)
tree = st.recursive(
    leaf,
    lambda inner: st.builds(
        lambda name, children: f"<{name}>{''.join(children)}</{name}>",
        st.sampled_from(NAMES),
        st.lists(inner, max_size=5),
    ),
    max_leaves=40,
)
bodies = st.lists(tree, max_size=6).map("".join)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LISTS = (
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:lvlText w:val="%1.%9"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="7"/></w:num>'
)


@many
@given(bodies, bodies, bodies)
def test_any_nesting_is_read_or_refused(body: str, header: str, notes: str) -> None:
    inside = f'<w:footnote w:id="0">{notes}</w:footnote><w:footnote w:id="1">{body}</w:footnote>'
    data = word(
        body,
        header1=part("header", header, "hdr"),
        footnotes=part("footnotes", inside),
        comments=part("comments", f'<w:comment w:id="0">{notes}</w:comment>'),
        numbering=part("numbering", LISTS),
    )
    try:
        check(extract_bytes(data, "a.docx"))
    except FileError as error:
        check_characters(error.what)


WRAPPERS = (
    "<w:ins>{}</w:ins>",
    "<w:moveTo>{}</w:moveTo>",
    "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>",
    "<w:customXml>{}</w:customXml>",
    "<mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback/></mc:AlternateContent>",
    "<w:p><w:r><w:drawing><w:txbxContent>{}</w:txbxContent></w:drawing></w:r></w:p>",
    "<w:tbl><w:tr><w:tc><w:p/>{}<w:p/></w:tc><w:tc><w:p><w:r><w:t>beside</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    "<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>",
)


@many
@given(st.lists(st.sampled_from(WRAPPERS), max_size=12))
def test_a_word_is_found_once_whatever_stands_around_it(around: list[str]) -> None:
    body = "<w:p><w:r><w:t>needle</w:t></w:r></w:p>"
    for wrapper in around:
        body = wrapper.format(body)
    document = extract_bytes(word(body), "a.docx")
    check(document)
    assert document.text.count("needle") == 1
