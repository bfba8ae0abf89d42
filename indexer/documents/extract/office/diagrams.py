"""SmartArt of an Office file: its words in the order in which it is drawn, with how deep they stand (pure)."""

from collections import defaultdict

from indexer.documents.extract.office.charts import drawn_text
from indexer.documents.extract.office.package import Element, every, first, is_true, whole

_UNSEEN = frozenset({"pres", "presOf"})


def diagram_texts(root: Element) -> list[tuple[int, str]]:
    """Depth from 1 and words of each point. `root` is the part with the data: points, and what is part of what."""
    texts = {point.get("modelId", ""): _shown(point) for point in every(root, "ptLst/pt")}
    below: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    inside = set()
    for link in every(root, "cxnLst/cxn"):
        if link.get("type", "parOf") == "parOf":
            child = link.get("destId", "")
            below[link.get("srcId", "")].append((whole(link.get("srcOrd")), child, link.get("sibTransId", "")))
            inside.add(child)
    found: list[tuple[int, str]] = []
    seen: set[str] = set()
    waiting = [(point, 0) for point in reversed(texts) if point not in inside]
    waiting = [one for one in waiting if one[0] not in below] + [one for one in waiting if one[0] in below]
    while waiting:
        point, depth = waiting.pop()
        if point in seen:
            continue
        seen.add(point)
        if texts.get(point):
            found.append((max(depth, 1), texts[point]))
        for _, child, arrow in sorted(below[point], reverse=True):
            waiting += [(arrow, depth + 1), (child, depth + 1)]
    return found + [(1, text) for point, text in texts.items() if text and point not in seen]


def _shown(point: Element) -> str:
    """The words of a point; those that only ask for words are none."""
    about = first(point, "prSet")
    asks = about is not None and is_true(about.get("phldr"))
    return "" if asks or point.get("type") in _UNSEEN else drawn_text(point)
