"""Which encoding the bytes of a text are in where nothing names it and they are no UTF.

A statistical detector is right about long texts, and about scripts. In a price list with three umlauts each reading is
likely to it, so what it says is held against what a reader would see: does one language have all these letters, does
a sign stand inside a word, a capital behind a small letter, a Greek letter among Latin ones? Measured on 5,550 short
texts of 33 languages in 20 encodings, .93 are read right, .99 of those in Windows-1252; the detector alone .92 and .90,
charset-normalizer .49 and .77.
"""

import re
import unicodedata
from collections.abc import Callable

_SAMPLE = 1 << 16  # bytes that the detector is given
_LOOKED_AT = 1 << 13  # bytes in which oddities are counted, for each of ten readings
_HIGH = re.compile(rb"[\x80-\xff]{1,400}")
_AROUND = 60  # bytes that are looked at before and behind one: more of them would only dilute what tells

_ALPHABETS = (
    *("éèêïç", "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíóúüñ", "àçèéíïòóúü", "àèéìíîòóù", "éèëïóöüáíêú"),  # en de fr es ca it nl
    r"áâàçéêíóôúü|[õÕ](?=[eE])|[ãÃ](?=[oeOE]|\b)",  # Portuguese has õ and ã in these places alone
    *("åäöéáàü", "æøåéüöä", "äöåšž", "áéíóúýðþæö", "äöüõšž", "ëç"),  # sv da fi is et sq
    *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),  # pl cs sk hu ro hr
    *("çğıöşüâîûİ", "āčēģīķļņōŗšūž", "ąčęėįšųūž"),  # tr lv lt
    *("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "абвгдеёжзійклмнопрстуўфхцчшыьэюя"),
    *("абвгдђежзијклљмнњопрстћуфхцчџшѓќѕ", "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"),  # sr, el
    *("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ"),  # he, ar
)
"""The letters of a language beside a to z, and patterns of some behind a bar."""
_SMALL_SIGNS = "¤¦¨´¸¹£¥˛˝˘˙†‡‰"
_GLUED = re.compile(
    rf"""(?<=[^\W\d_])[^\x00-\x7f\w’·™®°–]+(?=[^\W\d_])               # a sign between two letters
       | (?<![^\W\d_])[{_SMALL_SIGNS}¼½¾²³±¬÷×]+(?=[^\W\d_])          # before a letter
       | (?<=[^\W\d_])[ºª](?=[^\W\d_]) | (?<=[^\W\d_m])[²³] | (?<=[^\W\d_])[{_SMALL_SIGNS}]           # behind one
       | [^\W\d_\x00-\x7f](?=\d) | (?<=\d)[^\W\d_\x00-\x7fºª²³¹¼½¾µ]  # a letter beside a digit""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]+")
_ALONE = frozenset("àÀéÉèÈêÊáÁóÓíÍúÚôÔöÖåÅäÄüÜæøØµªº½¼¾²³¹ßñÑçÇавикосуяАВИКОСУЯіІйЙјЈ")
"""What stands as a word by itself in some language, or as a sign."""
_SIGNS = frozenset("°©®±×™¬")

_READ = "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 iso8859-2 iso8859-15 koi8-r koi8-u cp850 cp852 cp866"
_READ_TOO = "mac-roman shift_jis cp932 euc-jp gb18030 big5 cp949 euc-kr utf-8"  # the detector wants UTF-8 in its list
_ONE_BYTE = frozenset([*_READ.split(), "mac_roman"])
_LOST_AMONG_LATIN = re.compile(
    r"(?<=[A-Za-z])[^\x00-\x7f]{1,2}(?![^\x00-\x7f])|(?<![^\x00-\x7f])[^\x00-\x7f]{1,2}(?=[A-Za-z])"
)
"""One or two characters of East Asia beside a Latin letter: as an umlaut with its neighbour looks there."""
_NEIGHBOURS = frozenset({"cp1250", "cp1254", "cp1257", "iso8859-2"})
"""Latin encodings in which many bytes are the letters of Windows-1252, and the others are letters as well."""
_TELLING = frozenset("õûÕÛãþÞ")
"""Letters of Windows-1252 one of which is enough to tell: they are rare there, and frequent letters elsewhere."""
_OTHERS = (
    "cp1252",
    "iso8859-15",
    "cp1250",
    "cp1254",
    "cp1257",
    "iso8859-2",
    "cp850",
    "mac_roman",
    "cp852",
    "cp1251",
    "cp1253",
)
_RARE = frozenset({"iso8859-15", "cp850", "mac_roman", "cp852"})


def code_page(data: bytes) -> str:
    """Python's name of the likeliest encoding of `data`, which holds bytes above 127."""
    sample = _telling_lines(data, _SAMPLE)
    likely = _detected(sample)
    odd = _counter(_telling_lines(sample, _LOOKED_AT))
    if likely in _NEIGHBOURS:
        foreign = _letters_that_differ(sample, likely)
        if len({letter.lower() for letter in foreign}) == 1 and not foreign & _TELLING and not odd("cp1252"):
            return "cp1252"
    elif likely != "cp1252" and not odd("cp1252"):
        return "cp1252"
    oddities = odd(likely)
    if not oddities:
        return likely
    # Another has to be clearly better, one that few programs write more so.
    others = [(2 * odd(other) + 0.5 * (other in _RARE), place) for place, other in enumerate(_OTHERS)]
    least, place = min(others)
    return _OTHERS[place] if least < oddities else likely


def _telling_lines(data: bytes, most: int) -> bytes:
    """The lines that hold bytes above 127, or what is around these in long lines, until it is enough. A character of
    several bytes is not cut: what lies between two stretches is ASCII."""
    parts: list[bytes] = []
    taken = 0
    for high in _HIGH.finditer(data):
        if high.end() <= taken:
            continue
        start = max(taken, high.start() - _AROUND, data.rfind(b"\n", max(high.start() - _AROUND, 0), high.start()) + 1)
        end = data.find(b"\n", high.end(), high.end() + _AROUND)
        end = min(high.end() + _AROUND, len(data)) if end < 0 else end
        parts.append((b"\n" if start > taken else b"") + data[start:end])
        most -= end - start
        taken = end
        if most <= 0:
            return b"".join(parts).rstrip(bytes(range(128, 256))).lstrip(b"\n")
    return b"".join(parts).lstrip(b"\n")


def _detected(sample: bytes) -> str:
    from chardet import detect

    found = detect(sample, include_encodings=[*_READ.split(), *_READ_TOO.split()])["encoding"] or "cp1252"
    name = found.lower().replace("windows-", "cp").replace("iso-", "iso").replace("ibm", "cp")
    return {"macroman": "mac_roman", "utf-8": "cp1252", "ascii": "cp1252"}.get(name, name)


def _letters_that_differ(sample: bytes, encoding: str) -> set[str]:
    """Characters that Windows-1252 has where the other encoding has another."""
    ours, theirs = (sample.decode(name, "replace") for name in ("cp1252", encoding))
    return {one for one, other in zip(ours, theirs, strict=True) if one != other}


def _counter(sample: bytes) -> Callable[[str], float]:
    """Counts what is odd in the sample as an encoding has it, once for each."""
    counts: dict[str, float] = {}

    def odd(encoding: str) -> float:
        if encoding not in counts:
            text = sample.decode(encoding, "replace")
            lost = sum(len(lone[0]) for lone in _LOST_AMONG_LATIN.finditer(text))
            counts[encoding] = oddities(text) if encoding in _ONE_BYTE else lost
        return counts[encoding]

    return odd


def oddities(text: str) -> float:
    """How much in a text no writer would have written: about one a wrong character, 0 for a sound text."""
    found = float(sum(len(sign[0]) for sign in _GLUED.finditer(text)))
    letters = 0
    for character in text:
        if character < "\x80":
            continue
        letters += character.isalpha()
        if character < "\xa0" or character in "\ufffd¤\xad" or "\ue000" <= character < "\uf900":
            found += 2
        elif unicodedata.category(character) in ("So", "Sk", "Sm", "Cf") and character not in _SIGNS:
            found += 0.5
    found += sum(_in_word(word) for word in _WORD.findall(text) if not word.isascii())
    if letters:
        found += letters - min(letters, max(sum(1 for _ in own.finditer(text)) for own in _OWN))
    return found


def _in_word(word: str) -> float:
    high = [character for character in word if character > "\x7f"]
    other_script = sum(1 for character in high if character.isalpha() and not _is_latin(character))
    found = 2.0 * min(other_script, len(word) - other_script)
    if len(word) == 1 and word.isalpha() and word not in _ALONE:
        found += 0.5 if _is_latin(word) else 1
    if not other_script and len(high) >= 3 and len(high) > 0.6 * len(word):
        found += len(high) - 2
    if word.isupper() or word.islower() or word[1:].islower():
        return found
    for place, character in enumerate(word):
        if character <= "\x7f" or place == 0:
            continue
        before, behind = word[place - 1], word[place + 1 : place + 2]
        if character.isupper() and (before.islower() or behind.islower()):
            found += 1
        elif character.islower() and before.isupper() and place > 1:
            found += 0.5
    return found


def _is_latin(character: str) -> bool:
    return character in "µªº" or unicodedata.name(character, "").startswith("LATIN")


def _own(alphabet: str) -> re.Pattern[str]:
    single, *patterns = alphabet.split("|")
    return re.compile("|".join([f"[{single}{single.upper().replace('SS', '')}µªº]", *patterns]))


_OWN = tuple(map(_own, _ALPHABETS))
