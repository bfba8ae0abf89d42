"""CSV and TSV files: which sign stands between cells, and where their tables begin."""

from pathlib import Path

import pytest

from indexer.documents.extract.formats import extract_bytes
from tests.indexer.documents.extract.invariants import check, outline


def read(source: str | bytes, name: str = "a.csv") -> list[tuple[str, str]]:
    document = extract_bytes(source.encode() if isinstance(source, str) else source, name)
    check(document)
    return outline(document)


PRICES = [("header", "Artikel | Preis | Lager"), ("row", "Bürostuhl | 1.299,50 | 12"), ("row", "Tisch | 899,00 | 4")]
SEMICOLONS = "Artikel;Preis;Lager\r\nBürostuhl;1.299,50;12\r\nTisch;899,00;4\r\n"


@pytest.mark.parametrize(
    "first_line",
    ["", "sep=;\r\n", "SEP=;\r\n", '"sep=;"\r\n', "sep=; \n", "\ufeffsep=;\r\n", "sep=;\r"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_line_that_names_the_sign_is_no_row(first_line: str, encoding: str) -> None:
    assert read((first_line + SEMICOLONS).encode(encoding, "ignore")) == PRICES


def test_the_named_sign_may_be_any() -> None:
    assert read("sep=^\na^b,c\n1^2,5\n") == [("header", "a | b,c"), ("row", "1 | 2,5")]
    assert read("sep=\t\na\tb,c\n1\t2,5\n") == [("header", "a | b,c"), ("row", "1 | 2,5")]
    assert read("sep,price\na,1\n") == [("header", "sep | price"), ("row", "a | 1")]


@pytest.mark.parametrize(
    ("source", "row"),
    [
        ("Name;Preis\nStuhl;1,50\nTisch;2,50\n", "Stuhl | 1,50"),
        ("Stuhl;1,50\nTisch;2,50\nBank;7,25\n", "Stuhl | 1,50"),
        ("a|b\nx, y|1\nz, w|2\n", "x, y | 1"),
        ("a\tb\nx, y\t1,5\nz, w\t2,5\n", "x, y | 1,5"),
        ('a,b\n"x; y",1\n"z; w; v",2\n', "x; y | 1"),
        ("a, b\n'tis, 1\n'twas, 2\n", "'tis | 1"),
        ('Role,Duty\nWarden,"Checks ""routes"",\nkeeps the list"\n', 'Warden | Checks "routes", keeps the list'),
        ("Export of today\n\nName;City;Note\nAnn;Oslo;a, b, c\nBo;Rome;d, e, f\n", "Ann | Oslo | a, b, c"),
    ],
)
def test_the_sign_that_makes_even_rows(source: str, row: str) -> None:
    assert ("row", row) in read(source)


def test_tabs_in_a_tsv_file_count_more_than_commas() -> None:
    assert read("a\tb, c\n1\t2, 3\n", "a.tsv") == [("header", "a | b, c"), ("row", "1 | 2, 3")]


def test_a_preamble_and_two_tables() -> None:
    source = "Export of 2026-03-01,,\nCreated by,System 7,\n\nInvoice,Customer,Total\n1001,Nordlicht,250.00\n,,\n"
    assert read(f"{source}Supplier,City,Discount\nNorthwind,Oslo,4%\n") == [
        ("row", "Export of 2026-03-01"),
        ("row", "Created by | System 7"),
        ("header", "Invoice | Customer | Total"),
        ("row", "1001 | Nordlicht | 250.00"),
        ("header", "Supplier | City | Discount"),
        ("row", "Northwind | Oslo | 4%"),
    ]
    without_gap = "Export,,\nCreated by,System 7,\nInvoice,Customer,Total\n1001,Nordlicht,250.00\n1002,Stern,310.00\n"
    assert read(without_gap)[:3] == [
        ("paragraph", "Export"),
        ("paragraph", "Created by | System 7"),
        ("header", "Invoice | Customer | Total"),
    ]


def test_measurements_have_no_header() -> None:
    assert read("2026-03-01,4.2,ok\n2026-03-02,4.4,ok\n")[0] == ("row", "2026-03-01 | 4.2 | ok")


def test_lines_between_which_a_program_put_empty_ones() -> None:
    assert read("a,b\r\r\nx,1\r\r\ny,2\r\r\nz,3\r\r\n") == [
        ("header", "a | b"),
        *(("row", row) for row in ("x | 1", "y | 2", "z | 3")),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "fail-11-xlsx-header-guessed-from-first-wide-row/csv-preamble.csv",
            [
                ("row", "Export of 2026-03-01"),
                ("row", "Created by | System 7"),
                ("header", "Invoice | Customer | Total"),
                ("row", "1001 | Nordlicht | 250.00"),
                ("row", "1002 | Seestern | 310.00"),
            ],
        ),
        (
            "fail-15-csv-sep-line/csv-sep-line.csv",
            [
                ("header", "Artikel | Preis | Lager"),
                ("row", "Bürostuhl | 1.299,50 | 12"),
                ("row", "Schreibtisch | 899,00 | 4"),
            ],
        ),
    ],
)
def test_files_of_the_field(shared: Path, path: str, expected: list[tuple[str, str]]) -> None:
    assert read((shared / "field" / path).read_bytes()) == expected
