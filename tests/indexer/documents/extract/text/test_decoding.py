"""Bytes of text files to characters: short files in old encodings, damaged ones, and what no encoding may do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents.extract.formats import extract_bytes
from indexer.documents.extract.text.code_pages import code_page, oddities
from indexer.documents.extract.text.decoding import decode
from tests.indexer.documents.extract.invariants import outline

SHORT = {
    "cp1252": (
        "Unser Büro ist im zweiten Stock.",
        "Nom;Ville\nHélène;Paris\nJean;Nîmes\n",
        "The fee is £25 per visit – not refundable.",
        "Artikel;Preis\nBürostuhl;199,00\nTisch;299,00\nLampe;49,90\n",
        "Name;Straße\nMüller;Hauptstraße 5\n",
        "Größe",
        "Ä",
        "Öffnungszeiten: täglich 8–18 Uhr",
        "Preis: 25 €",
        "Price;€\nChair;25\n",
        "Café",
        "Le siège est à Genève.",
        "id,name,city\n1,Peña,Málaga\n2,Ann,Oslo\n",
        "São Paulo;João",
        "Lunedì chiuso",
        "Perché no? Così è la città.",
        "Rødgrød med fløde",
        "Blåbær;25,00 kr",
        "Työntekijä;Määrä\nMäkinen;5\n",
        "“Quoted” text – with dashes…",
        "Don’t do this",
        "20 °C max",
        "§ 4 Urlaub",
        "µm;±0,5",
        "x;y\n1;½\n",
        "MÜLLER;KÖLN\nJÄGER;DÜSSELDORF\n",
        "© 2024 Müller GmbH",
        "Rohr Ø 5 mm",
        "Größe 5 × 3 m²",
        "Zürich;8001\nBern;3000\nGenève;1200\n",
        "Température;21,5 °C",
        "See the Zürich office for details. " + "Employees may carry over 240 hours. " * 400,
        "id;name;price\n" + "".join(f"{n};Article {n};{n},50\n" for n in range(3000)) + "9;Bürostuhl;5\n",
    ),
    "iso8859-15": ("Preis: 25 €", "Artikel;Preis €\nStuhl;25\nTür;99\n", "Cœur;Œuvre", "Le prix est de 25 € à l'œuvre"),
    "cp1250": (
        "Jméno;Město\nNovák;Plzeň\nDvořák;Třebíč\n",
        "Nazwa;Cena\nKrzesło;199,00\nŁóżko;899,00\n",
        "Imię;Nazwisko\nŁukasz;Wiśniewski\n",
        "Név;Város\nNagy Ödön;Győr\nKővári Edit;Pécs\n",
        "Cenník služieb spoločnosti\nŽilina;5\n",
        "Pracownicy mają prawo do urlopu wypoczynkowego.",
        "Kraków;Łódź",
        "Braşov",
        "Član društva plaća članarinu",
    ),
    "cp1251": (
        "Имя;Город\nИванов;Москва\nПетров;Казань\n",
        "Договор №5 от 1 марта",
        "Name;City\nИван;Moscow\n",
        "Отчет",
        "id,name\n1,Мария\n2,Анна\n3,Олег\n",
        "Ціна;Місто\nСтілець;Київ\n",
    ),
    "cp1253": ("Όνομα;Πόλη\nΓιώργος;Αθήνα\n",),
    "cp1254": ("Çalışanların yıllık izin hakkı vardır", "Ürün;Fiyat\nSandalye;25\nMasa;99\nIşık\n"),
    "cp1257": ("Vārds;Pilsēta\nJānis;Rīga\nŽanis;Liepāja\n",),
    "cp850": ("Artikel;Preis\nBürostuhl;199,00\nSchreibtisch mit Höhenverstellung;899,00\n",),
    "mac_roman": ("Hélène est à Nîmes depuis l’été dernier, à côté du musée.",),
    "shift_jis": ("名前,都市\n田中,東京\n鈴木,大阪\n", "従業員は年次休暇を取得できます。"),
    "gb18030": ("公司员工每年可以享受十五天的带薪年假。", "姓名,城市\n张伟,北京\n李娜,上海\n"),
    "big5": ("姓名,城市\n陳大文,台北\n",),
    "euc-kr": ("이름,도시\n김철수,서울\n",),
    "koi8-r": ("Сотрудник имеет право на ежегодный отпуск.",),
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in SHORT.items() for text in texts])
def test_short_texts_in_old_encodings(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_short_files_of_the_field(shared: Path) -> None:
    folder = shared / "field/fail-03-windows-1252-read-as-chinese"
    assert extract_bytes((folder / "c.txt").read_bytes(), "c.txt").text == "Unser Büro ist im zweiten Stock."
    assert outline(extract_bytes((folder / "d.csv").read_bytes(), "d.csv")) == [
        ("header", "Nom | Ville"),
        ("row", "Hélène | Paris"),
        ("row", "Jean | Nîmes"),
    ]
    assert "£25 per visit – not" in extract_bytes((folder / "g.txt").read_bytes(), "g.txt").text


def test_few_wrong_bytes_do_not_make_another_encoding_of_utf8() -> None:
    rows = "Büro\nStraße\nKöln\nGröße\nMüller\n"
    assert decode(rows.encode() + "Tür\n".encode("cp1252") + rows.encode()) == rows + "Tür\n" + rows
    assert decode(rows.encode()[:-1] + b"\xc3") == rows[:-1] + "Ã"
    assert decode("nur ein Wort: Tür".encode("cp1252")) == "nur ein Wort: Tür"


@pytest.mark.parametrize(
    "text", ["Сотрудник имеет право на отпуск.\r\n", "Ο εργαζόμενος δικαιούται άδεια\n", "העובד זכאי לחופשה"]
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_in_other_scripts(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_the_end_mark_of_dos_is_no_binary_data() -> None:
    assert decode("Büro\r\n\x1a".encode("cp850")) == "Büro\r\n"
    assert decode(b"one\r\n\x1a\0\0") == "one\r\n"


def test_bytes_that_are_no_character_are_said() -> None:
    data = "Größe und Maß\n".encode("utf-16")[:-1]
    for name in ("a.txt", "a.csv"):
        assert extract_bytes(data, name).remarks == (
            "1 character cannot be read: the file is damaged, or in an encoding that is not known.",
        )
    assert extract_bytes("Größe".encode("cp1252"), "a.txt").remarks == ()


@pytest.mark.parametrize("text", ["Straﻑe", "Bürо", "H”he", "Genиve", "Ł25", "¤ 5", "vÆÆÆÆ"])
def test_what_no_writer_writes_is_odd(text: str) -> None:
    assert oddities(text)


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis", "gb18030", "euc-kr", "cp1251"])
def test_one_long_line_and_a_late_letter(encoding: str) -> None:
    text = {"cp1252": "Bürostuhl ", "cp1251": "Договор ", "euc-kr": "직원은 연차 "}.get(encoding, "東京 大阪 田中 ")
    assert decode((text * 40_000).encode(encoding)) == text * 40_000
    late = "plain words " * 50_000 + text * 3
    assert decode(late.encode(encoding)) == late


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_have_an_encoding(data: bytes) -> None:
    data.decode(code_page(data + b"\xe4"), "replace")


def test_a_guess_at_some_bytes_is_said() -> None:
    """As where a program adds lines to a file in its own encoding."""
    mixed = "Größe und Länge, für alle Fälle geprüft, übrige später\n".encode() + b"M\xfcller; 3 St\xfcck\n"
    for name in ("a.txt", "a.csv", "a.md", "a.html"):
        document = extract_bytes(mixed, name)
        assert "Müller" in document.text
        assert document.remarks == (
            "2 bytes in another encoding than the rest of the file: read as Western European letters.",
        ), name


def test_what_cannot_be_seen_is_left_out_without_a_word() -> None:
    for name in ("a.txt", "a.csv", "a.md"):
        document = extract_bytes(b"A bell\x07 and a \0 null in many words of text\n" + b"more words\n" * 90, name)
        assert "A bell and a null in many words of text" in document.text
        assert document.remarks == ()
