"""PDF files that loop, lie, swell or hide."""

import zlib
from collections.abc import Callable, Sequence

from tests.indexer.documents.extract.pdf.pdfs import BODY, drawn
from tests.indexer.hostile.cases import failed, indexed, scanned, skipped

_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_DAMAGED = r"The file is not a PDF, or it is damaged.*"
_NO_PAGE = r"No page of the PDF can be read: it is damaged\..*"
_BLANK = r"The PDF is blank: it holds no text\."
WORDS = b"BT /F 12 Tf 50 700 Td (Annual leave is thirty days.) Tj ET"
HELD = "Annual leave is thirty days."


def pdf(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1; the first is the catalog."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    end = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (size, trailer, len(out))
    return bytes(out) + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def stream(data: bytes, about: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (about, len(data), data)


def page(
    content: bytes = WORDS, about: bytes = b"", box: bytes = b"/MediaBox[0 0 600 800]", kids: bytes = b"[3 0 R]",
    catalog: bytes = b"", font: bytes = _FONT, more: Sequence[bytes] = (), packed: bytes | None = None,
    resources: bytes = b"",
) -> bytes:  # fmt: skip
    """One page: 1 catalog, 2 pages, 3 the page, 4 its content, 5 the font, then `more`."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
            b"<</Type/Pages/Count 1/Kids%s>>" % kids,
            b"<</Type/Page/Parent 2 0 R%s/Contents 4 0 R/Resources<</Font<</F 5 0 R>>%s>>%s>>"
            % (box, resources, about),
            packed if packed is not None else stream(content),
            font,
            *more,
        ]
    )


def flate(data: bytes, times: int = 1) -> bytes:
    for _ in range(times):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter[%s]" % (b"/FlateDecode" * times))


def no_page() -> bytes:
    return pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>"])


def many_pages(count: int, same: bool) -> bytes:
    """Pages that all draw one content; `same`: one page object that is a kid over and over."""
    kids = b"3 0 R " * count if same else b" ".join(b"%d 0 R" % (6 + n) for n in range(count))
    own = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
            own,
            stream(WORDS),
            _FONT,
            *([] if same else [own] * count),
        ]
    )


def object_stream(content: bytes, times: int = 1) -> bytes:
    """A catalog that lies in an object stream, found through a cross-reference stream."""
    inside = b"1 0 2 %d " % len(content)
    data = inside + content + b"<</Type/Pages/Count 0/Kids[]>>" + b" " * times
    packed = zlib.compress(data, 9)
    out = b"%PDF-1.7\n"
    at = len(out)
    out += b"4 0 obj\n" + stream(packed, b"/Type/ObjStm/N 2/First %d/Filter/FlateDecode" % len(inside)) + b"\nendobj\n"
    table = b"".join(
        kind.to_bytes(1, "big") + one.to_bytes(4, "big") + two.to_bytes(1, "big")
        for kind, one, two in ((0, 0, 0), (2, 4, 0), (2, 4, 1), (1, len(out), 0), (1, at, 0))
    )
    start = len(out)
    about = b"/Type/XRef/Size 5/W[1 4 1]/Root 1 0 R"
    return out + b"3 0 obj\n" + stream(table, about) + b"\nendobj\nstartxref\n%d\n%%%%EOF" % start


def form(inside: bytes, about: bytes = b"") -> bytes:
    return stream(inside, b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]" + about)


def forms_in_forms(levels: int, each: int) -> bytes:
    """A form draws the next one `each` times: each ** levels drawings of one word."""
    objects = [
        form(b"/X Do " * each, b"/Resources<</XObject<</X %d 0 R>>/Font<</F 5 0 R>>>>" % (7 + level))
        for level in range(levels)
    ]
    return page(
        b"/X Do", resources=b"/XObject<</X 6 0 R>>", more=[*objects, form(WORDS, b"/Resources<</Font<</F 5 0 R>>>>")]
    )


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + closing * depth


def password(user: str) -> Callable[[], bytes]:
    return lambda: drawn([[(72, 700, BODY, 11, HELD)]], password=user)


def cut(share: float) -> bytes:
    data = drawn([[(72, 700, BODY, 11, HELD)] for _ in range(20)])
    return data[: int(len(data) * share)]


def outline_loop() -> bytes:
    item = b"<</Title(a)/Parent 6 0 R/Next 7 0 R/First 7 0 R/Dest[3 0 R/Fit]>>"
    return page(catalog=b"/Outlines 6 0 R", more=[b"<</First 7 0 R/Last 7 0 R/Count 9>>", item])


def field_loop() -> bytes:
    field = b"<</FT/Tx/T(a)/V(typed)/Parent 7 0 R/Kids[7 0 R 7 0 R]/Subtype/Widget/Rect[9 9 99 99]>>"
    return page(about=b"/Annots[7 0 R]", catalog=b"/AcroForm 6 0 R", more=[b"<</Fields[7 0 R]>>", field])


def picture(width: int, height: int) -> bytes:
    return stream(zlib.compress(b"\0" * 4096), b"/Type/XObject/Subtype/Image/Width %d/Height %d" % (width, height)
                  + b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode")  # fmt: skip


SCRIPT = b"/OpenAction<</S/JavaScript/JS(while\\(1\\){app.alert\\(1\\)})>>"
LAUNCH = b"/OpenAction<</S/Launch/F(/bin/sh)>>"
DRAWN_PICTURE = b"500 0 0 700 50 50 cm /X Do"

PDF = (
    failed(
        "a page tree without pages.pdf", "/Kids holds the node itself", lambda: page(kids=b"[2 0 R 2 0 R]"), _NO_PAGE
    ),
    indexed(
        "kids in a circle.pdf",
        "/Kids names its parent beside the page",
        lambda: page(kids=b"[3 0 R 2 0 R 1 0 R]"),
        HELD,
    ),
    indexed("10,000 pages.pdf", "10,000 pages", lambda: many_pages(10_000, same=False), HELD),
    indexed(
        "one page 1,000 times.pdf",
        "one page object, named a thousand times",
        lambda: many_pages(1_000, same=True),
        HELD,
    ),
    failed(
        "a count that lies.pdf",
        "/Count of two thousand million",
        lambda: pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 2000000000/Kids[]>>"]),
        _DAMAGED,
    ),
    failed(
        "the catalog is itself a page tree.pdf",
        "pages that are the catalog",
        lambda: pdf([b"<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 1>>"]),
        _NO_PAGE,
    ),
    failed(
        "startxref to itself.pdf",
        "cross-references that begin at startxref",
        lambda: b"%PDF-1.4\nstartxref\n9\n%%EOF",
        _DAMAGED,
    ),
    indexed(
        "prev in a circle.pdf",
        "/Prev of the cross-references is their own place",
        lambda: page().replace(b"/Root 1 0 R", b"/Root 1 0 R/Prev %d" % page().index(b"xref\n")),
        HELD,
    ),
    failed(
        "an object stream bomb.pdf",
        "an object stream that unpacks to 40 MB",
        lambda: object_stream(b"<</Type/Catalog/Pages 2 0 R>>", 40_000_000),
        _DAMAGED,
    ),
    skipped(
        "an object stream of itself.pdf",
        "the pages are the stream that they lie in",
        lambda: object_stream(b"<</Type/Catalog/Pages 4 0 R>>"),
        _BLANK,
    ),
    indexed(
        "a flate bomb.pdf",
        "content that unpacks to 80 MB of white space",
        lambda: page(packed=flate(WORDS + b" " * 80_000_000)),
        HELD,
    ),
    indexed(
        "a flate bomb in a flate bomb.pdf",
        "content packed three times",
        lambda: page(packed=flate(WORDS + b" " * 40_000_000, 3)),
        HELD,
    ),
    indexed("a hundred filters.pdf", "a hundred filters on one stream", lambda: page(packed=flate(WORDS, 100)), HELD),
    indexed(
        "a page of a light-year.pdf",
        "/MediaBox of 10^30 points",
        lambda: page(box=b"/MediaBox[0 0 1%s 1%s]" % (b"0" * 30, b"0" * 30)),
        HELD,
    ),
    indexed("a page of nothing.pdf", "/MediaBox without width", lambda: page(box=b"/MediaBox[0 0 0 0]"), HELD),
    indexed(
        "a page turned inside out.pdf",
        "/MediaBox with corners the other way round",
        lambda: page(box=b"/MediaBox[600 800 0 0]"),
        HELD,
    ),
    indexed(
        "a page of no numbers.pdf",
        "/MediaBox of names and nulls",
        lambda: page(box=b"/MediaBox[/NaN null (x) 1e999]"),
        HELD,
    ),
    indexed(
        "turned by an odd angle.pdf",
        "/Rotate 1000000007",
        lambda: page(box=b"/MediaBox[0 0 600 800]/Rotate 1000000007"),
        HELD,
    ),
    indexed(
        "positions of no number.pdf",
        "a text matrix of NaN and infinity",
        lambda: page(b"BT /F 12 Tf nan inf -inf 1e999 1e38 -1e38 Tm (lost) Tj ET " + WORDS),
        HELD,
    ),
    indexed(
        "a font of size 10^30.pdf",
        "type as large as a galaxy",
        lambda: page(
            WORDS + b" BT /F 1%s Tf (big) Tj ET BT /F 0 Tf (none) Tj ET BT /F -9 Tf (minus) Tj ET" % (b"0" * 30)
        ),
        HELD,
    ),
    indexed(
        "20,000 letters on one place.pdf",
        "letters drawn over each other",
        lambda: page(WORDS + b" BT /F 9 Tf 50 500 Td " + b"(a) Tj 1 0 0 1 50 500 Tm " * 20_000 + b"ET"),
        HELD,
    ),
    indexed(
        "a word of 300,000 letters.pdf",
        "one string without a space",
        lambda: page(WORDS + b" BT /F 9 Tf 50 50 Td (" + b"w" * 300_000 + b") Tj ET"),
        HELD,
    ),
    indexed(
        "100,000 drawn lines.pdf",
        "rules that might be a table",
        lambda: page(packed=flate(WORDS + b" 0 0 m 9 9 l S" * 100_000)),
        HELD,
    ),
    indexed("an empty password.pdf", "encrypted, opens without a password", password(""), HELD),
    failed(
        "a password.pdf",
        "encrypted with a user password",
        password("x"),
        r"The PDF is protected with a password\. Save it without the password\.",
    ),
    failed(
        "encrypted by nobody.pdf",
        "an /Encrypt that no program knows",
        lambda: pdf(
            [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 0/Kids[]>>", b"<</Filter/Nobody/V 99>>"],
            b"/Encrypt 3 0 R",
        ),
        r"The PDF uses a protection that cannot be read\. Save it without protection\.",
    ),
    failed("cut after a tenth.pdf", "a download that broke off", lambda: cut(0.1), _DAMAGED),
    failed("cut in the middle.pdf", "a download that broke off", lambda: cut(0.5), _DAMAGED),
    indexed(
        "cut before its end.pdf", "the cross-references are missing", lambda: page()[: page().index(b"startxref")], HELD
    ),
    indexed("a script.pdf", "JavaScript that never ends", lambda: page(catalog=SCRIPT), HELD),
    indexed("a program to start.pdf", "an action that starts a program", lambda: page(catalog=LAUNCH), HELD),
    indexed(
        "a file inside.pdf",
        "an embedded program",
        lambda: page(
            catalog=b"/Names<</EmbeddedFiles<</Names[(a.exe) 6 0 R]>>>>",
            more=[b"<</Type/Filespec/F(a.exe)/EF<</F 7 0 R>>>>", stream(b"MZ")],
        ),
        HELD,
        r"The file a\.exe inside is not searched\.",
    ),
    indexed("an outline in a circle.pdf", "bookmarks that follow themselves", outline_loop, HELD),
    indexed("a field that is its own child.pdf", "form fields in a circle", field_loop, HELD, ".*"),
    indexed(
        "a form that draws itself.pdf",
        "an XObject that is drawn by itself",
        lambda: page(
            WORDS + b" /X Do",
            resources=b"/XObject<</X 6 0 R>>",
            more=[form(WORDS + b" /X Do", b"/Resources<</XObject<</X 6 0 R>>/Font<</F 5 0 R>>>>")],
        ),
        HELD,
    ),
    failed(
        "forms in forms without end.pdf",
        "10 ^ 20 drawings of one word",
        lambda: forms_in_forms(20, 10),
        r"Reading it (took longer than|needs more than) .*",
    ),
    indexed(
        "deep arrays.pdf",
        "an array in an array, 100,000 deep",
        lambda: page(about=b"/Deep " + nested(b"[", b"]", 100_000)),
        HELD,
    ),
    indexed(
        "deep dictionaries.pdf",
        "a dictionary in a dictionary, 100,000 deep",
        lambda: page(about=b"/Deep " + nested(b"<</A ", b">>", 100_000)),
        HELD,
    ),
    indexed("states saved without end.pdf", "q without Q, 300,000 times", lambda: page(b"q " * 300_000 + WORDS), HELD),
    indexed(
        "letters that stand for nothing.pdf",
        "a Type 0 font without ToUnicode",
        lambda: page(
            b"BT /F 12 Tf 50 700 Td <00410042> Tj ET " + WORDS.replace(b"/F ", b"/G "),
            font=b"<</Type/Font/Subtype/Type0/BaseFont/Odd/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/Odd>>]>>",
            resources=b"/Font<</F 5 0 R/G<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>",
        ),
        "",
        r"Page 1 has words in fonts that do not say which letters they show; .*",
    ),
    indexed(
        "a ToUnicode that lies.pdf",
        "letters that are said to be control characters",
        lambda: page(
            font=_FONT[:-2] + b"/ToUnicode 6 0 R>>",
            more=[
                stream(
                    b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange"
                    b" 1 beginbfrange <41> <5a> <0000> endbfrange"
                    b" 1 beginbfrange <61> <7a> <D800> endbfrange endcmap"
                )
            ],
        ),
    ),
    scanned(
        "a picture of 4 thousand million points.pdf",
        "an image of 65,000 x 65,000",
        lambda: page(DRAWN_PICTURE, resources=b"/XObject<</X 6 0 R>>", more=[picture(65_000, 65_000)]),
        r"No text on its only page: the words are pictures.*",
    ),
    skipped("a blank page.pdf", "nothing on it", lambda: page(b" "), _BLANK),
    failed(
        "no page.pdf",
        "a PDF without pages",
        no_page,
        _DAMAGED,
    ),
)
