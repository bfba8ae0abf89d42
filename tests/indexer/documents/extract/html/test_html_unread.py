"""What a person sees on a web page and Docent does not read is a remark, by kind and place."""

import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnsupportedFile
from tests.indexer.documents.extract.invariants import check


def remarks(html: str) -> tuple[str, ...]:
    document = extract_bytes(html.encode(), "page.html")
    check(document)
    return document.remarks


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ("<img src=plan.png>", "1 picture"),
        ("<img src=plan.png alt='Plan of the site'>", "1 picture"),
        ("<picture><source srcset=a.webp><img src=a.png></picture>", "1 picture"),
        ("<object type=image/svg+xml data=a.svg></object>", "1 picture"),
        ("<canvas>old browsers</canvas>", "1 drawing made by a script"),
        ("<iframe src=/prices></iframe>", "1 embedded page"),
        ("<embed src=a.pdf><object data=b.pdf>x</object>", "2 embedded files"),
        ("<video src=a.mp4></video>", "1 film"),
        ("<audio src=b.mp3></audio>", "1 sound recording"),
    ],
)
def test_pictures_films_and_frames(shown: str, told: str) -> None:
    end = "; words inside are not searched."
    assert remarks(f"<p>Words</p>{shown}") == (f"It shows {told}{end}",)
    assert remarks(f"<h1>Site</h1><p>Words</p>{shown}") == (f'It shows {told} (below "Site"){end}',)


def test_drawings_without_words() -> None:
    page = "<h1>Site</h1><p>Words</p><svg viewBox='0 0 800 600'><path d='M0 0'/></svg>"
    assert remarks(page) == ('It shows 1 drawing without words (below "Site").',)


def test_what_stands_behind_an_embedded_file_is_read() -> None:
    assert extract_bytes(b"<embed src=a.pdf><p>Words</p>", "a.html").text == "Words"


@pytest.mark.parametrize(
    "shown",
    [
        "<img src=a.png alt=''>",
        "<img src=a.png role=presentation>",
        "<img src=a.png width=16 height=16>",
        "<img src=a.png style='width: 40px'>",
        "<img src=a.png hidden>",
        "<nav><img src=logo.png></nav>",
        "<header><img src=logo.png></header>",
        "<svg viewBox='0 0 24 24'><path d='M0 0'/></svg>",
        "<svg viewBox='0 0 800 600' width=24 height=24><path d='M0 0'/></svg>",
        "<svg viewBox='0 0 800 600'><text>Exit</text></svg>",
        "<iframe src=/count width=1 height=1></iframe>",
        "<iframe src=/count style='display:none'></iframe>",
        "<img alt='[x]' src=box.png>",
        "<style>.a::before { content: '\\f101' }</style>",
        "<style>.a::before { content: '' }</style>",
        "<noscript>Switch scripts on.</noscript>",
        "<script>var a</script>",
    ],
)
def test_ornaments_and_what_is_not_shown(shown: str) -> None:
    assert remarks(f"<p>Words and more words.</p>{shown}") == ()


def test_words_that_are_struck_out_or_added_by_a_style_sheet() -> None:
    assert remarks("<p>Now 5 <del>was 4</del> <s>or 3</s></p>") == ("Words that are struck out are not searched: 4.",)
    added = "Words or numbers that its style sheet adds are not searched."
    assert remarks('<style>.draft::after { content: "Draft only" }</style><p>Words</p>') == (added,)
    assert remarks("<style>h2::before { content: counter(part) '. ' }</style><p>Words</p>") == (added,)


def test_a_template_that_is_shown_is_read() -> None:
    page = "<div><template shadowrootmode=open><p>Shown</p></template></div><template><p>Not</p></template>"
    assert extract_bytes(page.encode(), "a.html").text == "Shown"


def test_details_that_are_closed_are_read() -> None:
    assert extract_bytes(b"<details><summary>More</summary><p>Keys</p></details>", "a.html").text == "More\n\nKeys"


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<img src=a.png><img src=b.png>", "no text that Docent reads. It shows 2 pictures; words inside"),
        ("<img src=a.png alt=''>", "no text that Docent reads. It shows 1 small picture."),
        ("<div id=root></div><script src=app.js></script>", "no text that Docent reads. Its words are made by scripts"),
        ("<iframe src=a></iframe>", "no text that Docent reads. It shows 1 embedded page"),
        ("<meta http-equiv=Refresh content='0; url=/new'><script></script>", "It only leads on to another page: /new."),
        ("<p></p>", "no text that a reader would see"),
        ("<div hidden>Words</div>", "no text that a reader would see"),
    ],
)
def test_no_text_is_said_only_where_it_is_true(page: str, told: str) -> None:
    with pytest.raises(UnsupportedFile) as raised:
        extract_bytes(page.encode(), "a.html")
    assert told in raised.value.what


def test_bytes_that_stand_for_no_character() -> None:
    page = b"<meta charset=shift_jis><p>Words \x81\xff\x82 " + "日本語".encode("shift_jis") * 9 + b"</p>"
    assert "cannot be read" in extract_bytes(page, "a.html").remarks[0]
    mixed = "<p>Größe und Länge, für alle Fälle geprüft</p>".encode() + b"<p>M\xfcller</p>"
    document = extract_bytes(mixed, "a.html")
    assert "Müller" in document.text
    assert document.remarks == (
        "1 byte in another encoding than the rest of the file: read as Western European letters.",
    )
