"""What a cell shows: a number with its format, as Excel does it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents.extract.office.cells import _decimal, _plain, number, shown
from indexer.documents.extract.office.number_format import sections

SHOWN = [
    ("3", "General", "3"),
    ("0.30000000000000004", "General", "0.3"),
    ("1e-7", "General", "1E-07"),
    ("12345678901234567", "General", "12345678901234567"),
    ("12345678901234567", "0", "12345678901234567"),
    ("1.2345678901234567E+16", "0", "12345678901234567"),
    ("1234567.891", "#,##0.00", "1,234,567.89"),
    ("-5", "0.0", "-5.0"),
    ("-1200", "$#,##0", "-$1,200"),
    ("0.075", "0.0%", "7.5%"),
    ("0.0825", "0.00%", "8.25%"),
    ("12", '0" days"', "12 days"),
    ("12.5", "#,##0.00 [$€-407]", "12.50 €"),
    ("-12.5", "[$£-809]#,##0.00;[Red]-[$£-809]#,##0.00", "-£12.50"),
    ("12.5", "0.##", "12.5"),
    ("12", "0.##", "12"),
    ("0.5", "#.##", ".5"),
    ("2.5", "0", "3"),
    ("0.125", "0.00", "0.13"),
    ("1.005", "0.00", "1.01"),
    ("7", "00000", "00007"),
    ("1234", '_("$"* #,##0_);_("$"* (#,##0)', "$1,234"),
    ("-1234.5", "#,##0.00_);(#,##0.00)", "(1,234.50)"),
    ("-1234.5", '_-* #,##0.00 "EUR"_-;-* #,##0.00 "EUR"_-;_-* "-"?? "EUR"_-;_-@_-', "-1,234.50 EUR"),
    ("0", '_-* #,##0.00 "EUR"_-;-* #,##0.00 "EUR"_-;_-* "-"?? "EUR"_-;_-@_-', "- EUR"),
    ("1234567", '#,##0,"k"', "1,235k"),
    ("4200000", '0.0,," M"', "4.2 M"),
    ("1234567890", "0.00,,,", "1.23"),
    ("0", '#,##0;-#,##0;"-"', "-"),
    ("1", '"Yes";"Yes";"No"', "Yes"),
    ("0", '"Yes";"Yes";"No"', "No"),
    ("-1", '"up";"down";"same"', "down"),
    ("5551234567", "(000) 000-0000", "(555) 123-4567"),
    ("1234567", "[<=9999999]000-0000;(000) 000-0000", "123-4567"),
    ("2125551234", "[<=9999999]000-0000;(000) 000-0000", "(212) 555-1234"),
    ("1500", '[>=1000]0.0,"k";0', "1.5k"),
    ("150", '[>=1000]0.0,"k";0', "150"),
    ("-3", '[Red][<0]-0" below";0', "-3 below"),
    ("5", "0,000", "0,005"),
    ("12345", "0,000.0", "12,345.0"),
    ("123456789", "000-00-0000", "123-45-6789"),
    ("0.5", "# ?/?", "1/2"),
    ("2.75", "# ?/?", "2 3/4"),
    ("-2.75", "# ??/??", "-2 3/4"),
    ("0.5", "# ?/8", "4/8"),
    ("3", "# ?/?", "3"),
    ("3.14159", "??/?", "22/7"),
    ("0.99", "# ?/?", "1"),
    ("12345678", "0.00E+00", "1.23E+07"),
    ("0.000123", "0.00E+00", "1.23E-04"),
    ("9.999", "0.00E+00", "1.00E+01"),
    ("12345678", "##0.0E+0", "12.3E+6"),
    ("5", "@", "5"),
    ("-0.001", "0.00", "0.00"),
    ("0", ";;;", ""),
    ("0", "0;-0;;@", ""),
    ("5", "[Blue]General", "5"),
    ("5", 'General" kg"', "5 kg"),
    ("5", "[DBNum1]0", "5"),
    ("1e400", "0", ""),
    ("1e-400", "0.0", "0.0"),
    ("5", "0" * 2000, "5"),
    ("1.2604166666666667", "[h]:mm", "30:15"),
    ("0.0104166667", "[mm]:ss", "15:00"),
    ("2", "[s]", "172800"),
    ("-0.5", "[h]:mm", "-12:00"),
    ("-0.5", "[h]:mm;@", "-12:00"),
    ("-5", "0.0;@", "-5.0"),
    ("-5", "0;(0);@", "(5)"),
    ("0.29513888888888887", "hh:mm", "07:05"),
    ("0.75", "h:mm AM/PM", "6:00 PM"),
    ("0.0000116", "mm:ss.0", "00:01.0"),
    ("46086", "DD.MM.YYYY", "05.03.2026"),
    ("46086", "d.m.yy", "5.3.26"),
    ("46086.6041666667", "yyyy-mm-dd hh:mm", "2026-03-05 14:30"),
    ("46082", "mmm yyyy", "Mar 2026"),
    ("46086", "dddd, d mmmm yyyy", "Thursday, 5 March 2026"),
    ("46086", "[$-409]d-mmm-yy;@", "5-Mar-26"),
    ("46086", "[$-407]dddd, d. mmmm yyyy", "Donnerstag, 5. März 2026"),
    ("46086", "[$-de-AT]d. mmm", "5. Mrz"),
    ("46086", "[$-40C]d mmmm yyyy", "5 mars 2026"),
    ("46086", "[$-F411]d mmmm yyyy", "5 March 2026"),
    ("7.999", "[h]:mm:ss", "191:58:34"),
    ("0.9999999", "h:mm:ss", "0:00:00"),
    ("46086", "m/d/yyyy", "2026-03-05"),
    ("46086", "dd/mm/yy", "2026-03-05"),
    ("46086.5", "m/d/yyyy h:mm", "2026-03-05 12:00"),
    ("46086", "[$-F800]dddd, mmmm dd, yyyy", "2026-03-05"),
    ("46086", "yyyy/mm/dd", "2026/03/05"),
    ("46086", 'yyyy"年"m"月"d"日"', "2026年3月5日"),
    ("46086", "mm/yyyy", "03/2026"),
    ("46086", "yyyy", "2026"),
    ("1", "dd.mm.yyyy", "01.01.1900"),
    ("-1", "dd.mm.yyyy", "-1"),
    ("99999999", "dd.mm.yyyy", "99999999"),
]


@pytest.mark.parametrize(("value", "code", "text"), SHOWN)
def test_numbers(value: str, code: str, text: str) -> None:
    assert shown(number(value), code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (None, "General", ""),
        (True, "General", "TRUE"),
        (False, "0", "FALSE"),
        ("text", "@", "text"),
        ("text", "0;-0;0;@", "text"),
        ("Berg", '0;-0;0;"Dr. "@', "Dr. Berg"),
        ("text", "0.00", "text"),
        ("-", "General", "-"),
        (Decimal("nan"), "0", ""),
        (Decimal("inf"), "0", ""),
    ],
)
def test_other_values(value: str | bool | Decimal | None, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_days_since_1904() -> None:
    assert shown(Decimal(44624), "dd.mm.yyyy", since_1904=True) == "05.03.2026"


@pytest.mark.parametrize("text", ["", "abc", "1,5", "0x5", "1" * 30 + "x"])
def test_what_is_no_number(text: str) -> None:
    assert number(text) is None


SIGNS = '0#?.,%E+-/;@"\\_*[]()$ €hmsdyAP<>=General:k'


@pytest.mark.parametrize("code", [".:#", "0.0#", "#.#", "0.00", "?.??"])
def test_a_number_of_more_digits_than_decimals_keep_loses_none(code: str) -> None:
    assert shown(number("1e+27"), code).replace(":", "").partition(".")[0].strip() == "1" + 27 * "0"


@given(
    st.one_of(st.floats(allow_nan=False, allow_infinity=False).map(repr), st.integers().map(str)),
    st.text(st.sampled_from(SIGNS), max_size=30),
)
def test_any_code_shows_something_or_nothing(value: str, code: str) -> None:
    assert len(shown(number(value), code)) < 2_000


@given(st.decimals(-(10**8), 10**8, places=6), st.integers(0, 6))
def test_digits_are_those_of_the_number(value: Decimal, places: int) -> None:
    code = "#,##0" + "." * (places > 0) + "0" * places
    expected = f"{(abs(value).scaleb(places) + Decimal('0.5')).to_integral_value('ROUND_FLOOR').scaleb(-places):,f}"
    assert shown(value, code).lstrip("-") == expected


@given(
    st.decimals(0, 10**8, places=6),
    st.sampled_from(["#", "0", "#,##0", "00", "#,#", "0,", "#,##0,,", "0.0,", "###"]),
    st.sampled_from(["", ".", ".0", ".0#", ".##", ".00?"]),
    st.sampled_from(["", "%", '" kg"']),
)
def test_digits_that_stand_together_are_put_as_those_that_do_not(
    value: Decimal, whole: str, decimals: str, behind: str
) -> None:
    section = sections(whole + ("" if "." in whole else decimals) + behind)[0]
    if section.plain is not None:
        assert _plain(value, section.plain).split() == _decimal(value, section).split()
