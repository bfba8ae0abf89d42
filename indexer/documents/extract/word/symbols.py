"""Characters of fonts that draw signs instead of letters, and boxes to tick (pure).

What the codes mean: the encoding vector of Symbol in Adobe's PostScript Language Reference, and Microsoft's tables of
Wingdings, Wingdings 2 and Webdings. A box becomes a private character until its line is whole (`with_boxes`).
"""

import re

TICKED, EMPTY = "\ue001", "\ue002"
_PRIVATE = 0xF000  # where Word puts the codes of such fonts
_SYMBOL = {
    0x20: " !∀#∃%&∍()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_",
    0x61: "αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑",
    0xF1: "〉∫",
}
_WINGDINGS = {
    0x22: "✂", 0x28: "☎✆✉", 0x46: "☞", 0x4A: "☺", 0x4C: "☹", 0x6C: "●❍■", 0x6F: EMPTY * 4, 0x74: "⧫◆❖", 0x78: TICKED,
    0x80: "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿", 0x9F: "•", 0xA1: "○", 0xA4: "◉◎", 0xA7: "▪", 0xA8: EMPTY, 0xAB: "★",
    0xDF: "←→↑↓", 0xE8: "➔", 0xEF: "⇦⇨⇧⇩", 0xFB: "✗✓", 0xFD: TICKED * 2,
}  # fmt: skip
_WINGDINGS_2 = {0x4F: "✗✓", 0x51: TICKED * 4, 0x2A: EMPTY, 0xA3: EMPTY, 0x6A: "⓪①②③④⑤⑥⑦⑧⑨⑩"}
_WEBDINGS = {0x61: "✓", 0x63: EMPTY, 0x67: "■", 0x72: "✗", 0x3D: "◄►▲▼"}


def _table(stretches: dict[int, str]) -> dict[int, str]:
    codes = {start + place: sign for start, signs in stretches.items() for place, sign in enumerate(signs)}
    return codes | {_PRIVATE + code: sign for code, sign in codes.items()}


_FONTS = {
    "symbol": _table(_SYMBOL),
    "wingdings": _table(_WINGDINGS),
    "wingdings 2": _table(_WINGDINGS_2),
    "webdings": _table(_WEBDINGS),
    "wingdings 3": {},
}
_ANY = {code: sign for code, sign in _FONTS["wingdings"].items() if code >= _PRIVATE}
_BOXES = str.maketrans({"☐": EMPTY, "□": EMPTY, "❏": EMPTY, "❑": EMPTY, **dict.fromkeys("☑☒🗹🗷🗵", TICKED)})
_NOT_OURS = str.maketrans("", "", "\ue000" + TICKED + EMPTY)
_SIGNS = re.compile("[\uf000-\uf0ff]")
_BEFORE_WORD = re.compile(f"([{TICKED}{EMPTY}])(?=\\S)")


def is_of_signs(font: str) -> bool:
    return font.lower() in _FONTS


def sign(code: str, font: str) -> str:
    """The character that a symbol element names by its code in hexadecimal; "" for a mere ornament."""
    try:
        number = int(code[:6], 16)
    except ValueError:
        return ""
    known = _FONTS.get(font.lower())
    if known is None:
        plain = number - _PRIVATE if _PRIVATE <= number <= _PRIVATE + 0xFF else number
        return _ANY.get(number, "") if plain != number else chr(plain) if 32 <= plain < 0xD800 else ""
    return known.get(number, "")


def written(text: str, font: str) -> str:
    """The text of a run as it is seen in this font; boxes as private characters."""
    text = text.translate(_NOT_OURS)
    known = _FONTS.get(font.lower()) if font else None
    if known is not None:
        return "".join(known.get(ord(one), " " if one == " " else "") for one in text)
    if _SIGNS.search(text):
        text = "".join(_ANY.get(ord(one), one) for one in text)
    return text.translate(_BOXES)


def with_boxes(text: str) -> str:
    """Boxes as `[x]` and `[ ]`, apart from the word behind them."""
    if TICKED not in text and EMPTY not in text:
        return text
    return _BEFORE_WORD.sub(r"\1 ", text).replace(TICKED, "[x]").replace(EMPTY, "[ ]")
