"""What a hostile file is here: a name, what it attacks, the bytes, and how the ledger must end."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`reason` is a pattern of the ledger's whole reason; an indexed file without one must have no remark."""

    name: str
    attack: str
    make: Callable[[], bytes]
    state: str = "indexed"  # indexed | needs_ocr | skipped | failed
    reason: str = ""
    holds: str = ""  # words that must be found in the document's text


def indexed(name: str, attack: str, make: Callable[[], bytes], holds: str = "", remark: str = "") -> Case:
    return Case(name, attack, make, "indexed", remark, holds)


def skipped(name: str, attack: str, make: Callable[[], bytes], reason: str) -> Case:
    return Case(name, attack, make, "skipped", reason)


def failed(name: str, attack: str, make: Callable[[], bytes], reason: str) -> Case:
    return Case(name, attack, make, "failed", reason)


def scanned(name: str, attack: str, make: Callable[[], bytes], reason: str) -> Case:
    return Case(name, attack, make, "needs_ocr", reason)
