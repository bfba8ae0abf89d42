"""Misspelt words: what is mended, what is left alone, and that a scope's words come from that scope alone."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from indexer.embed import Vectors
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from indexer.search.spelling import MOST_LETTERS, MOST_WORDS, corrected
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.text.terms import stem
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

WORDS = {"parental": 5, "parking": 3, "parting": 9, "allocated": 2, "leave": 7, "uber": 1, "überstunden": 4}


def mended(text: str, words: dict[str, int] = WORDS) -> str:
    stems = {stem(word): count for word, count in words.items()}
    return corrected(text, lambda term: stems.get(term, 0), lambda word: word in words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parnetal leave", "parental leave"),  # two letters swapped
        ("paretal leave", "parental leave"),  # one too few
        ("parenttal leave", "parental leave"),  # one too many
        ("parentol leave", "parental leave"),  # a wrong one
        ("Parnetal leave?", "parental leave?"),  # a capital begins a sentence
        ("WHAT ABOUT PARNETAL LEAVE", "WHAT ABOUT parental LEAVE"),  # shouted: capitals are no names
        ("What about PARNETAL, please?", "What about PARNETAL, please?"),  # an abbreviation
        ("Ask Parkinq about it", "Ask Parkinq about it"),  # a name
        ("parrking", "parking"),
        ("parving", "parting"),  # of two that are as near the more frequent
        ("parkings", "parkings"),  # another form of a word that is known
        ("barental", "barental"),  # first letters are rarely wrong
        ("parnetla", "parnetla"),  # two slips
        ("leve", "leve"),  # too short
        ("parent4l", "parent4l"),  # an identifier
        ("", ""),
        ("!!! 🌴 \u2028", "!!! 🌴 \u2028"),
    ],
)
def test_what_is_mended(text: str, expected: str) -> None:
    assert mended(text) == expected


HANDBOOK = dict.fromkeys(
    "change benefits getting married password slack upgrade version docent parts never better father shared fiscal "
    "could cubes allocated ship".split(),
    3,
)
"""Some of the words of a company's documents."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("how do i chnage my benifits after geting maried", "how do i change my benefits after getting married"),
        ("reset passwort slakc", "reset password slack"),
        ("how do i upgrde docnt to a newer verson", "how do i upgrade docent to a newer version"),
        ("Chnage my pasword", "change my password"),
    ],
)
def test_slips_of_the_pen_are_mended(text: str, expected: str) -> None:
    assert mended(text, HANDBOOK) == expected


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Paris tomorrow?",  # not "parts"
        "the weather in paris",
        "a newer laptop",  # not "never"
        "Kubernetes on a cluster",
        "is there help with Alzheimer or alzheimer?",
        "who is Mr. Fisher, Mrs. Slacker and Verison",  # not "father", "slack", "version"
        "letter from Marled",
        "rather a bitter taste",
        "do we ever eat chips",
        "a Versailles of cubs",
        "physical training",  # not "fiscal"
        "sharer or shaped",
        "why couldn't I, why couldn’t we",  # "could" is near
    ],
)
def test_right_words_and_names_that_the_documents_lack_are_never_changed(text: str) -> None:
    assert mended(text, HANDBOOK) == text


def test_what_is_too_long_for_a_word_is_not_looked_up() -> None:
    """All that is one slip away from it would be looked up."""

    def looked_up(_word: str) -> bool:
        raise AssertionError("looked up")

    text = f"{'q' * 4000} and {'漢' * 4000}"
    assert corrected(text, lambda _term: 0, looked_up) == text
    assert mended("a" * (MOST_LETTERS - 1), {"a" * MOST_LETTERS: 3}) == "a" * MOST_LETTERS


def test_a_question_in_other_words_altogether_is_cut_short() -> None:
    asked: list[str] = []

    def is_word(word: str) -> bool:
        asked.append(word)
        return False

    text = "abcdefgh " * 10_000
    assert corrected(text, lambda _term: 0, is_word) == text
    assert len(asked) < MOST_WORDS * 8 * 60


@given(st.text())
def test_a_corpus_without_words_changes_nothing(text: str) -> None:
    assert mended(text, {}) == text


@given(st.lists(st.sampled_from(sorted(WORDS))))
def test_words_that_are_known_are_never_changed(chosen: list[str]) -> None:
    assert mended(" ".join(chosen)) == " ".join(chosen)


def loaded(engine: Engine, settings: IndexerSettings) -> Store:
    store = Store(engine, settings.index_path)
    store.load()
    return store


def scope(*collections: int) -> Scope:
    return Scope(frozenset(collections))


def test_words_come_from_the_scope_alone(engine: Engine, settings: IndexerSettings, knowledge: Knowledge) -> None:
    knowledge.put("a.md", "Parental leave is long.", collection="open")
    knowledge.put("b.md", "The acquisition of Initech is secret.", collection="closed")
    opened, closed = knowledge.collection("open"), knowledge.collection("closed")
    store = loaded(engine, settings)
    text = "parnetal aquisition"
    assert store.view(scope(opened)).corrected(text) == "parental aquisition"
    assert store.view(scope(closed)).corrected(text) == "parnetal acquisition"
    assert store.view(scope(opened, closed)).corrected(text) == "parental acquisition"
    assert store.view(scope()).corrected(text) == text


def test_words_of_deleted_documents_are_forgotten(
    engine: Engine, settings: IndexerSettings, knowledge: Knowledge
) -> None:
    knowledge.put("a.md", "Parental leave.")
    knowledge.put("b.md", "Parking spaces.")
    store = loaded(engine, settings)
    knowledge.delete("a.md")
    store.follow()
    assert store.view(scope(knowledge.collection("docs"))).corrected("parnetal parrking") == "parnetal parking"


def test_a_snapshot_keeps_the_words(engine: Engine, settings: IndexerSettings, knowledge: Knowledge) -> None:
    collection = scope(knowledge.collection("docs"))
    knowledge.put("a.md", "Parental leave. Überstunden.")
    knowledge.put("b.md", "🌴 !!!", collection="signs")
    loaded(engine, settings).save()
    again = loaded(engine, settings)
    assert again.view(collection).corrected("parnetal uberstundn") == "parental uberstunden"
    knowledge.put("c.md", "Parking spaces.")
    again.follow()
    assert again.view(collection).corrected("parrking") == "parking"


def found(retriever: Retriever, question: str, collections: Iterable[int], history: tuple[str, ...] = ()) -> str:
    return retriever.search(question, history, scope(*collections), 1)[0].document


def test_a_misspelt_question_finds_what_was_meant(
    engine: Engine, settings: IndexerSettings, knowledge: Knowledge
) -> None:
    for name in ("reimbursement", "parking", "visitors", "printers"):
        knowledge.put(f"{name}.md", f"Everything that you should know about {name} stands here.")
    retriever = Retriever(engine, WordEmbedder(), loaded(engine, settings), settings)  # type: ignore[arg-type]
    collection = knowledge.collection("docs")
    for name, slip in (("reimbursement", "reimbursment"), ("visitors", "vistiors"), ("printers", "printrs")):
        assert found(retriever, f"And {slip}?", [collection]) == f"{name}.md"
        assert retriever.retrieve(f"And {slip}?", (), scope(collection)).terms.keys() == {stem(name)}
    assert found(retriever, "And where?", [collection], ("Tell me about printrs",)) == "printers.md"


class Knowing(WordEmbedder):
    """Knows by meaning what "vistors" is, though nobody spells it so: printers."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return super().encode_queries([text.replace("vistors", "printers") for text in texts])


@pytest.fixture
def printers_and_visitors(engine: Engine, settings: IndexerSettings, knowledge: Knowledge) -> tuple[Retriever, Scope]:
    knowledge.put("printers.md", "Printers stand at the door.")
    knowledge.put("visits.md", "Visitors are met at the door.")
    retriever = Retriever(engine, Knowing(), loaded(engine, settings), settings)  # type: ignore[arg-type]
    return retriever, scope(knowledge.collection("docs"))


def test_both_spellings_are_searched_for_and_the_better_counts(
    printers_and_visitors: tuple[Retriever, Scope],
) -> None:
    retriever, everything = printers_and_visitors

    def scores(question: str, *, exact: bool = False) -> dict[str, float]:
        found = retriever.retrieve(question, (), everything, exact=exact)
        return {passage.document: passage.score for passage in found.passages}

    mended, written = scores("visitors"), scores("vistors", exact=True)
    assert written["printers.md"] > mended["printers.md"] + 0.1
    assert mended["visits.md"] > written["visits.md"] + 0.1
    assert scores("vistors") == pytest.approx({name: max(mended[name], written[name]) for name in mended})
    asked = retriever.retrieve("vistors", (), everything)
    assert (asked.searched, asked.question, asked.terms.keys()) == ("visitors", "visitors", {"visitor"})


def test_exactly_what_was_written_is_searched_for_when_asked(
    printers_and_visitors: tuple[Retriever, Scope],
) -> None:
    retriever, everything = printers_and_visitors
    exact = retriever.retrieve("vistors", ["printrs"], everything, exact=True)
    assert (exact.searched, exact.question, exact.terms.keys()) == ("", "vistors", {"vistor", "printr"})
    assert exact.passages[0].document == "printers.md"
