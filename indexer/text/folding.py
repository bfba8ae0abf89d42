"""When two texts say the same words (pure): folded texts are equal; lines that only date a copy, titles that only name
one.

Nothing that tells a fact is folded away: numbers keep their signs and separators, "10²" stays no "102", and a box to
tick stays ticked or not.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛`´", "'") | dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‐‑‒–—―−", "-") | {"\u00ad": None}
)
_BULLET = re.compile(r"^\s*[•·▪‣◦●○■*]\s+")
_ENDING = ".;:,"

_MONTHS = (
    r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]|janv|f[eé]vr|avr|juin|juil|ao[uû]t|d[eé]c"
    r"|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|mrt|mei)[^\W\d_]{0,8}\.?"
)
_DAY = r"\d{1,2}(?:\.|st|nd|rd|th)?"
_DATE = re.compile(
    rf"(?<!\w)(?:\d{{4}}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-](?:\d{{4}}|\d\d)|\d\d?[./]\d{{4}}"
    rf"|(?:{_DAY}\s+)?{_MONTHS}\s+(?:{_DAY},?\s+)?\d{{4}}|(?:19|20)\d\d)(?!\w)"
)
_TIME = re.compile(r"(?<!\w)\d{1,2}[:.]\d\d(?::\d\d)?(?:\s*(?:am|pm|uhr|h))?(?!\w)")
_VERSION = re.compile(r"(?<!\w)(?:version|ver|v|revision|rev|ausgabe)\W{0,3}\d+(?:\.\d+){0,3}(?!\w)")
_LETTERS = re.compile(r"[^\W_]+")
_DATES_A_COPY = frozenset(
    "updated update modified changed revised revision edited printed created saved date dated version ver rev "
    "stand datum aktualisiert aktualisierung geändert änderung gedruckt erstellt druckdatum ausgabe fassung "
    "jour modifié révisé imprimé actualización actualizado fecha aggiornamento aggiornato bijgewerkt".split()
)
_BESIDE = frozenset(
    "last on at as of the was this document page zuletzt letzte letzter am vom um der die das dokument "
    "mise à dernière le du última ultimo il laatst op".split()
)
_LONGEST_DATE_LINE = 100  # characters
ASKS_FOR_DATES = _DATES_A_COPY | frozenset(
    "latest newest recent current currently issued published edition aktuell neueste veröffentlicht".split()
)
"""Words of a question that lines which date a copy may answer. "When" is none: it asks when the gate opens."""

_COPY = re.compile(
    r"(?<![^\W_])(?:(?:copy|kopie|copie|copia)(?:[\W_]+(?:of|von|de|di))?|final|(?:version|ver|v|rev)(?=[\W_]*\d(?!\d)))"
    r"(?:[\W_]*\d+(?:\.\d+)*)?(?![^\W_])|\(\d{1,3}\)\s*$"
)


def folded(text: str) -> str:
    """One line without case, and with one sign for all quotation marks and one for all dashes."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY)
    return " ".join(text.split()).casefold()


def folded_lines(text: str) -> str:
    """A whole text, folded, without its bullets."""
    return " ".join(filter(None, (folded(_BULLET.sub("", line)) for line in text.splitlines())))


def statements(text: str, sentences: Iterable[Sequence[int]]) -> Iterator[tuple[str, int, int]]:
    """What a text says, folded, and where (code points): its sentences, which are in order, and what stands between
    them, without bullets and final stops."""
    at = 0
    for start, end in [*sentences, (len(text), len(text))]:
        for first, last in ((at, start), (start, end)):
            if said := folded(_BULLET.sub("", text[first:last])).rstrip(_ENDING):
                yield said, first, last
        at = end


def dates_a_copy(statement: str) -> bool:
    """Whether a folded statement is a line such as "last updated: 3 march 2024" or "version 2.1", and nothing else."""
    if len(statement) > _LONGEST_DATE_LINE:
        return False
    undated, dates = _DATE.subn(" ", _VERSION.sub(" version ", statement))
    words = _LETTERS.findall(_TIME.sub(" ", undated))
    has_number = dates > 0 or undated != statement
    return has_number and not _DATES_A_COPY.isdisjoint(words) and set(words) <= _DATES_A_COPY | _BESIDE


def without_copy_marks(title: str) -> str:
    """A title, folded, without what only says which copy it is: "Gate rules (copy 3)", "gate_rules_v2_final"."""
    return " ".join(_LETTERS.findall(_COPY.sub(" ", folded(title))))
