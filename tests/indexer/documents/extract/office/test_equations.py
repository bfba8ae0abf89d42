"""Equations as lines of text."""

import pytest
from lxml import etree

from indexer.documents.extract.office.equations import equation
from tests.indexer.documents.extract.word.words import paragraph, run, texts


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def e(name: str, inside: str) -> str:
    return f"<m:{name}>{inside}</m:{name}>"


SQUARE = e("sSup", e("e", r("b")) + e("sup", r("2")))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (r("x = ") + r("1"), "x = 1"),
        (e("f", e("num", r("a+b")) + e("den", r("2"))), "(a+b)/2"),
        (e("f", e("num", r("(a)(b)")) + e("den", r("(a+b)"))), "((a)(b))/(a+b)"),
        (SQUARE, "b^2"),
        (e("sSub", e("e", r("x")) + e("sub", r("i+1"))), "x_(i+1)"),
        (e("sSubSup", e("e", r("x")) + e("sub", r("i")) + e("sup", r("2"))), "x_i^2"),
        (e("rad", e("radPr", "") + e("deg", "") + e("e", SQUARE + r("-4ac"))), "√(b^2-4ac)"),
        (e("rad", e("deg", r("3")) + e("e", r("x"))), "root 3 of (x)"),
        (
            e(
                "nary",
                '<m:naryPr><m:chr m:val="∑"/></m:naryPr>' + e("sub", r("i=1")) + e("sup", r("n")) + e("e", r("i")),
            ),
            "∑_(i=1)^n i",
        ),
        (e("d", '<m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr>' + e("e", r("x"))), "[x]"),
        (e("m", e("mr", e("e", r("1")) + e("e", r("2"))) + e("mr", e("e", r("3")) + e("e", r("4")))), "[1, 2; 3, 4]"),
        (e("func", e("fName", r("sin")) + e("e", r("x"))), "sin x"),
        (e("acc", e("e", r("x"))), "x"),
        (e("limLow", e("e", r("lim")) + e("lim", r("n"))), "lim_n"),
        (e("eqArr", e("e", r("a")) + e("e", r("b"))), "a; b"),
        (e("newThing", r("kept")), "kept"),
    ],
)
def test_equation(inside: str, text: str) -> None:
    root = etree.fromstring(
        f'<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">{inside}</m:oMath>'
    )
    assert equation(root) == text


def test_equations_stand_in_their_sentence() -> None:
    math = f'<m:oMath xmlns:m="m">{r("E=m")}{e("sSup", e("e", r("c")) + e("sup", r("2")))}</m:oMath>'
    assert texts(paragraph(run("Energy is ") + math + run("."))) == ["Energy is E=mc^2."]
