"""What the controls of a form show: boxes and buttons to tick, values of fields, chosen options (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FIELDS = frozenset("text email number tel url date time datetime-local month week search".split()) | {""}
_TICKED_ROLES = frozenset("checkbox radio switch menuitemcheckbox menuitemradio".split())
_DRAWN = {"[ ]": "[ ] ", "[x]": "[x] ", "unchecked": "[ ] ", "checked": "[x] ", "☐": "[ ] ", "☑": "[x] ", "☒": "[x] "}
_ICON = re.compile(
    r"(?:^|[\s-])(?:(?P<on>check-square|square-check|checkbox-marked|check-box)|square-o|checkbox-blank)\b"
)
TICKED, EMPTY = "[x] ", "[ ] "


def is_box(tag: str, attributes: Mapping[str, str]) -> bool:
    return tag == "input" and attributes.get("type", "").lower() in ("checkbox", "radio")


def shown(tag: str, attributes: Mapping[str, str]) -> str:
    """What a control, or what is drawn like one, puts on the page; "" for all else."""
    if is_box(tag, attributes):
        return TICKED if "checked" in attributes else EMPTY
    if tag == "input":
        is_field = attributes.get("type", "").lower() in _FIELDS
        return f" {attributes.get('value', '')} " if is_field and attributes.get("value") else ""
    if tag == "img":
        return _DRAWN.get(attributes.get("alt", "").strip().lower(), "")
    if attributes.get("role") in _TICKED_ROLES and "aria-checked" in attributes:
        return TICKED if attributes["aria-checked"] == "true" else EMPTY
    if tag == "li" and "data-inline-task-id" in attributes:
        return TICKED if "checked" in attributes.get("class", "").split() else EMPTY
    if tag in ("i", "span"):
        icon = _ICON.search(attributes.get("class", ""))
        return "" if icon is None else TICKED if icon["on"] else EMPTY
    return ""


@dataclass
class Choice:
    """An open `select`: of a list that drops down the first option shows where none is chosen."""

    drops_down: bool
    _options: list[tuple[bool, list[str]]] = field(default_factory=list)

    def open_option(self, is_chosen: bool) -> None:
        self._options.append((is_chosen, []))

    def put(self, text: str) -> None:
        if self._options:
            self._options[-1][1].append(text)

    def shown(self) -> str:
        chosen = [" ".join("".join(text).split()) for is_chosen, text in self._options if is_chosen]
        if not chosen and self.drops_down and self._options:
            chosen = [" ".join("".join(self._options[0][1]).split())]
        return f" {', '.join(filter(None, chosen))} "
