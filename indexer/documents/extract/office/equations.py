"""Equations of Office files (OMML) as a line of text: `x = (-b ± √(b^2 - 4ac))/2a`."""

from indexer.documents.extract.office.package import Element, attribute, every, first, is_true, local

_ABOUT = ("rPr", "ctrlPr", "fPr", "sSupPr", "sSubPr", "sSubSupPr", "sPrePr", "radPr", "naryPr", "dPr", "mPr", "accPr")
_SKIPPED = frozenset((*_ABOUT, "barPr", "funcPr", "limLowPr", "limUppPr", "eqArrPr", "groupChrPr", "boxPr", "del"))
_SUM = "∫"  # where the file does not say which sign


def equation(element: Element) -> str:
    """`element` is an `oMath`, or whatever stands in one."""
    made = "".join(_part(child) for child in element)
    return " ".join(made.split()) if local(element) in ("oMath", "oMathPara") else made


def _part(element: Element) -> str:
    name = local(element)
    if name == "t":
        return element.text or ""
    if name in _SKIPPED or not name:
        return ""
    if name == "br":
        return " "
    made = _FORMS[name](element) if name in _FORMS else equation(element)
    return f" {made} " if name == "oMath" else made


def _of(element: Element, name: str) -> str:
    found = first(element, name)
    return equation(found) if found is not None else ""


def _about(element: Element, path: str, otherwise: str) -> str:
    found = first(element, path)
    return attribute(found, "val") if found is not None else otherwise


def _grouped(text: str) -> str:
    """In parentheses where it is more than a word."""
    text = text.strip()
    return text if len(text) < 2 or text.isalnum() or _is_closed(text) else f"({text})"


def _is_closed(text: str) -> bool:
    """Whether one pair of parentheses holds it all."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    deep = 0
    for place, sign in enumerate(text):
        deep += (sign == "(") - (sign == ")")
        if not deep:
            return place == len(text) - 1
    return False


def _fraction(element: Element) -> str:
    above, below = _of(element, "num"), _of(element, "den")
    if _about(element, "fPr/type", "") == "noBar":
        return f"({above.strip()} over {below.strip()})"
    return f"{_grouped(above)}/{_grouped(below)}"


def _raised(element: Element) -> str:
    below, above = _of(element, "sub"), _of(element, "sup")
    return _of(element, "e") + (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")


def _before(element: Element) -> str:
    below, above = _of(element, "sub"), _of(element, "sup")
    return (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "") + _of(element, "e")


def _root(element: Element) -> str:
    degree = _of(element, "deg").strip()
    if degree and degree != "2":
        return f"root {degree} of ({_of(element, 'e').strip()})"
    return f"√({_of(element, 'e').strip()})"


def _sum(element: Element) -> str:
    sign = _about(element, "naryPr/chr", _SUM)
    below, above = _of(element, "sub"), _of(element, "sup")
    limits = (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")
    return f"{sign}{limits} {_of(element, 'e')}"


def _bracketed(element: Element) -> str:
    start, end = _about(element, "dPr/begChr", "("), _about(element, "dPr/endChr", ")")
    between = _about(element, "dPr/sepChr", "|")
    return start + between.join(equation(one) for one in every(element, "e")) + end


def _matrix(element: Element) -> str:
    rows = (", ".join(equation(one).strip() for one in every(row, "e")) for row in every(element, "mr"))
    return f"[{'; '.join(rows)}]"


def _lines(element: Element) -> str:
    return "; ".join(equation(one).strip().replace("&", "") for one in every(element, "e"))


def _function(element: Element) -> str:
    inner = _of(element, "e").strip()
    return f"{_of(element, 'fName').strip()} {inner}"


def _limit(element: Element) -> str:
    sign = "_" if local(element) == "limLow" else "^"
    return f"{_of(element, 'e').strip()}{sign}{_grouped(_of(element, 'lim'))}"


def _phantom(element: Element) -> str:
    """Keeps room for what is not shown, unless it says that it is."""
    shown = first(element, "phantPr/show")
    return equation(element) if shown is None or is_true(attribute(shown, "val") or "1") else ""


_FORMS = {
    "f": _fraction,
    "sSup": _raised,
    "sSub": _raised,
    "sSubSup": _raised,
    "sPre": _before,
    "rad": _root,
    "nary": _sum,
    "d": _bracketed,
    "m": _matrix,
    "eqArr": _lines,
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
    "phant": _phantom,
}
