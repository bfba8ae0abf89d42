"""Tell the menus of a saved page from what it says (pure).

A menu is what the page marks as one, by tag, role or name, and what looks like one: links, alone and short, that stand
on the page twice, name languages, or come in numbers before its first title. Words that are no links stay wherever they
stand: addresses in a footer, a summary in a header.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from indexer.documents.extract.html.flow import AROUND, CONTENT, MENU, Part, letters

_MENU_ROLES = frozenset("navigation menubar menu search".split())
_AROUND_ROLES = frozenset({"banner", "contentinfo"})
_NAMES = re.compile(
    r"(?:(?:main|site|page|top|left|right|primary|secondary|global|wp|mobile|sub)[_-]?)?"
    r"(?:nav|navbar|navigation|navmenu|menu|breadcrumbs?|pagination|pager|skip-?links?|footer|masthead|languages?"
    r"|lang(?:uage)?-?(?:switcher|menu|list|selector))"
    r"(?:[_-]?(?:list|bar|menu|links|items|container|wrapper))?",
    re.IGNORECASE,
)
"""Names of elements that hold menus, as a whole: a page "with-sidebar" is no menu."""
_WHOLE = frozenset({"html", "body", "main", "article"})
COOKIES = re.compile(
    r"(?:cookie|consent|gdpr)s?[_-]?(?:banner|notice|consent|bar|popup|overlay|dialog|modal)|onetrust-", re.I
)
"""Of the name of an element that asks to accept cookies."""
_SENTENCE = 12  # words from which text in a menu is more than a label
_MOSTLY = 0.7
_LONGEST_LABEL = 8  # words
_LEADING = 8  # links before the first title, of a page that says more than twice as many words
_LANGUAGES = frozenset(
    """
    afrikaans العربية azərbaycanca беларуская български বাংলা català čeština cymraeg dansk deutsch eesti
    ελληνικά english español esperanto euskara فارسی suomi français gaeilge galego עברית हिन्दी hrvatski
    magyar հայերեն indonesia íslenska italiano 日本語 ქართული қазақша 한국어 latina latviešu lietuvių македонски
    melayu nederlands norsk bokmål nynorsk polski português română русский shqip slovenčina slovenščina српски
    srpski svenska தமிழ் తెలుగు ไทย tagalog türkçe українська اردو o'zbekcha oʻzbekcha vietnamese 中文 简体中文 繁體中文
    german french spanish italian dutch polish portuguese russian chinese japanese korean turkish arabic czech
    danish finnish greek hungarian norwegian romanian swedish ukrainian bahasa tiếng việt malti luxembourgish
    lëtzebuergesch rumantsch
    """.split()
)
_SKIPS = re.compile(
    r"(?:skip|jump) (?:to|navigation)|zum inhalt|aller au contenu|ir al contenido|vai al contenuto", re.I
)
_CODES = frozenset(
    "ar bg ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu id it ja ko lt lv nb nl nn no pl pt ro ru sk sl sq"
    " sr sv th tr uk vi zh".split()
)
"""Of languages, as menus show them: not of any country or state, whose lists are content."""


def region_of(tag: str, attributes: Mapping[str, str], is_in_content: bool) -> int:
    """Where what stands in an element belongs to, by the element's own marks."""
    role = attributes.get("role", "")
    if tag == "nav" or role in _MENU_ROLES:
        return MENU
    if (tag in ("header", "footer") and not is_in_content) or role in _AROUND_ROLES:
        return AROUND
    names = f"{attributes.get('class', '')} {attributes.get('id', '')}".split() if tag not in _WHOLE else ()
    return AROUND if any(len(name) < 40 and _NAMES.fullmatch(name) for name in names[:20]) else CONTENT


def is_language(text: str) -> bool:
    words = text.replace("(", " ").replace(")", " ").split()
    return 0 < len(words) < 4 and (
        all(word.casefold() in _LANGUAGES for word in words) or text.strip().partition("-")[0].lower() in _CODES
    )


def without_menus(parts: Sequence[Part], is_page: bool) -> tuple[list[Part], int]:
    """What is content, and how many parts are not. Of a page that is all menu everything stays, and so do, of what is
    no page of its own (`is_page`), all links that are not marked as a menu."""
    has_title = any(part.kind == "heading" and part.region == CONTENT for part in parts)
    kept = [place for place, part in enumerate(parts) if not _is_marked(part, has_title, is_page)]
    if is_page:
        left_out = _by_look([parts[place] for place in kept])
        kept = [place for number, place in enumerate(kept) if number not in left_out]
    if not any(parts[place].rows or parts[place].text.strip() for place in kept):
        return list(parts), 0
    return [parts[place] for place in kept], len(parts) - len(kept)


def _is_marked(part: Part, has_title: bool, is_page: bool) -> bool:
    if part.region == MENU:
        return _is_linked(part) or (not part.rows and len(part.text.split()) < _SENTENCE)
    if part.region == AROUND and is_page:
        return _is_linked(part) and (part.kind != "heading" or has_title)
    return False


def _is_linked(part: Part) -> bool:
    if not part.linked:
        return False
    return part.linked > _MOSTLY * letters(part.text or "".join(cell for row in part.rows for cell in row))


def _by_look(parts: Sequence[Part]) -> set[int]:
    """Numbers of the parts that are menus though nothing marks them."""
    runs = list(_runs(parts))
    times = Counter(text for run in runs for text in {parts[number].text.strip() for number in run})
    first_title = next((number for number, part in enumerate(parts) if part.kind == "heading" and part.level < 3), 0)
    said = sum(len(part.text.split()) for part in parts if not part.linked)
    left_out: set[int] = set()
    seen: set[str] = set()  # links of the runs above: what comes again below the first title has stood there once
    for run in runs:
        languages = sum(max(parts[number].languages, is_language(parts[number].text)) for number in run)
        texts = {parts[number].text.strip() for number in run}
        repeated = sum(1 for text in texts if times[text] > 1 and (text in seen or run[0] < first_title))
        seen |= texts
        left_out.update(n for n in run if n < first_title and _SKIPS.match(parts[n].text.strip()))
        is_leading = len(run) >= _LEADING and run[-1] < first_title and said >= 2 * len(run)
        is_menu = (len(run) > 2 and repeated >= _MOSTLY * len(texts)) or is_leading
        if is_menu or (languages > 2 and languages >= _MOSTLY * len(run)):
            left_out.update(run)
    return left_out


def _runs(parts: Sequence[Part]) -> Iterable[list[int]]:
    """Links that stand alone, one after the other."""
    run: list[int] = []
    for number, part in enumerate(parts):
        is_label = len(part.text.split()) <= _LONGEST_LABEL or part.languages > 2
        if part.kind in ("item", "paragraph") and not part.rows and is_label and _is_linked(part):
            run.append(number)
        elif run:
            yield run
            run = []
    if run:
        yield run
