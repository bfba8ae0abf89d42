"""A question in another language than what is found for it: what is said of that (pure)."""

from collections.abc import Iterable

from indexer.text.languages import language


def languages_apart(question: str, texts: Iterable[str]) -> tuple[str, str] | None:
    """The language of a question and that of what was found for it, where both are known and differ."""
    asked = language(question)
    found = language("\n".join(texts)) if asked else ""
    return (asked, found) if found and asked != found else None


def beside_an_answer(question: str, texts: Iterable[str]) -> str:
    """What to say beside an answer; empty where both are in one language."""
    apart = languages_apart(question, texts)
    if apart is None:
        return ""
    return f"{_seems(*apart)} Docent searched with it as it stands; asked in {apart[1]}, it may find more."


def instead_of_a_refusal(question: str, texts: Iterable[str]) -> str:
    """What to say where nothing that was found answers it; empty where both are in one language."""
    apart = languages_apart(question, texts)
    if apart is None:
        return ""
    return f"{_seems(*apart)} Docent searched with it as it stands and found no answer: ask in {apart[1]}."


def _seems(asked: str, found: str) -> str:
    return f"This question seems to be in {asked}, and what comes closest to it is in {found}."
