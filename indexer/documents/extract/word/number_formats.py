"""Numbers of lists as Word writes them: "3", "iii", "c", "③", "三" (pure). Names: ECMA-376 part 1, 17.18.59."""

CUSTOM = "custom:"
"""Before the first number of a form that is given by examples: "001", "α"."""
_MOST_PLACES = 12
_LARGEST_ROMAN = 3_999
_LONGEST_LETTERS = 30  # Word repeats a letter: the 27th is "aa", the 53rd "aaa"
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
    (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_LETTERS = {
    "lowerLetter": "abcdefghijklmnopqrstuvwxyz",
    "upperLetter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "russianLower": "абвгдежзиклмнопрстуфхцчшщыэюя",
    "russianUpper": "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЫЭЮЯ",
    "hebrew2": "אבגדהוזחטיכלמנסעפצקרשת",
    "arabicAlpha": "أبتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "arabicAbjad": "أبجدهوزحطيكلمنسعفصقرشتثخذضظغ",
    "aiueo": "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン",
    "iroha": "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセスン",
    "ganada": "가나다라마바사아자차카타파하",
    "chosung": "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "ideographTraditional": "甲乙丙丁戊己庚辛壬癸",
    "ideographZodiac": "子丑寅卯辰巳午未申酉戌亥",
    "thaiLetters": "กขคงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
    "chicago": "*†‡§",
}
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
_DIGITS = {
    "hindiNumbers": "०१२३४५६७८९",
    "thaiNumbers": "๐๑๒๓๔๕๖๗๘๙",
    "decimalFullWidth": "０１２３４５６７８９",
    "decimalFullWidth2": "０１２３４５６７８９",
    "ideographDigital": "〇一二三四五六七八九",
    "japaneseDigitalTenThousand": "〇一二三四五六七八九",
    "taiwaneseDigital": "○一二三四五六七八九",
    "koreanDigital": "영일이삼사오육칠팔구",
    "koreanDigital2": "零一二三四五六七八九",
}
_COUNTED = {
    "chineseCounting": "零一二三四五六七八九",
    "chineseCountingThousand": "零一二三四五六七八九",
    "japaneseCounting": "〇一二三四五六七八九",
    "taiwaneseCounting": "零一二三四五六七八九",
    "taiwaneseCountingThousand": "零一二三四五六七八九",
    "koreanCounting": "영일이삼사오육칠팔구",
}
_RANKS = {"koreanCounting": "십백천"}
_ENCLOSED = {
    "decimalEnclosedCircle": ("①", 20),
    "decimalEnclosedCircleChinese": ("①", 20),
    "decimalEnclosedParen": ("⑴", 20),
    "decimalEnclosedFullstop": ("⒈", 20),
    "ideographEnclosedCircle": ("㊀", 10),
}
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS |= {"twelve": "twelfth"}


def formatted(number: int, form: str) -> str:
    """`form` is the name that the file uses; what is unknown counts in digits."""
    form = form.removesuffix("FullWidth") if form.startswith(("aiueo", "iroha")) else form
    if form in ("none", "bullet"):
        return ""
    if form in ("upperRoman", "lowerRoman") and 0 < number <= _LARGEST_ROMAN:
        return _roman(number) if form == "lowerRoman" else _roman(number).upper()
    if form in _LETTERS and 0 < number <= len(_LETTERS[form]) * _LONGEST_LETTERS:
        repeats, place = divmod(number - 1, len(_LETTERS[form]))
        return _LETTERS[form][place] * (repeats + 1)
    if form in _DIGITS:
        return "".join(_DIGITS[form][int(digit)] for digit in str(number))
    if form in _COUNTED and 0 < number < 10_000:
        return _counted(number, _COUNTED[form], _RANKS.get(form, "十百千"))
    if form in _ENCLOSED and 0 < number <= _ENCLOSED[form][1]:
        return chr(ord(_ENCLOSED[form][0]) + number - 1)
    return _western(number, form)


def _western(number: int, form: str) -> str:
    if form.startswith(CUSTOM):
        return _like(number, form.removeprefix(CUSTOM))
    if form == "decimalZero":
        return f"{number:02}"
    if form == "ordinal":
        tail = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number}{tail}"
    if form in ("cardinalText", "ordinalText") and 0 <= number < 100:
        return _in_words(number, form == "ordinalText").capitalize()
    if form == "numberInDash":
        return f"- {number} -"
    if form == "hex":
        return f"{number:X}"
    return str(number)


def _like(number: int, sample: str) -> str:
    """As many digits as the first number has, or the letters that follow the first one."""
    if sample == "α" and 0 < number <= len(_GREEK):
        return _GREEK[number - 1]
    return str(number).zfill(len(sample)) if sample.isdigit() and len(sample) <= _MOST_PLACES else str(number)


def _roman(number: int) -> str:
    made = ""
    for value, letters in _ROMAN:
        made += letters * (number // value)
        number %= value
    return made


def _counted(number: int, digits: str, ranks: str) -> str:
    """The way of writing 十二 for 12 and 一百〇三 for 103."""
    made, gap = "", False
    text = str(number)
    for place, digit in enumerate(text):
        rank = len(text) - 1 - place
        if digit == "0":
            gap = bool(made)
            continue
        made += digits[0] * gap
        gap = False
        made += "" if digit == "1" and rank == 1 and not made else digits[int(digit)]
        made += ranks[rank - 1] if rank else ""
    return made


def _in_words(number: int, is_ordinal: bool) -> str:
    tens, units = divmod(number, 10)
    parts = [_UNITS[number]] if number < 20 else [_TENS[tens], *([_UNITS[units]] if units else [])]
    if is_ordinal:
        last = parts[-1]
        parts[-1] = _ORDINALS.get(last, f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return "-".join(parts)
