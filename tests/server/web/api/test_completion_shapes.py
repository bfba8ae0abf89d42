"""Requests become Questions and Answers become OpenAI's shapes, with nothing lost on the way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from indexer.passages import Passage, Place, Scope
from server.answering.events import BENEATH, Answer, Citation, Evidence, Exchange
from server.errors import BadRequest
from server.llm.generator import Sampling
from server.settings import ServerSettings
from server.web.api.completion_shapes import Completion, read_messages, to_question
from server.web.api.schemas import ChatMessage, ChatRequest


def test_client_histories_become_exchanges() -> None:
    def say(*pairs: tuple[str, str]) -> list[ChatMessage]:
        return [ChatMessage(role=role, content=content) for role, content in pairs]

    read = read_messages(say(("user", "a"), ("assistant", "b"), ("user", "c")))
    assert (read.question, read.history, read.system) == ("c", (Exchange("a", "b"),), "")
    read = read_messages(say(("assistant", "hello"), ("user", "a"), ("user", "b"), ("system", "s")))
    assert (read.question, read.history, read.system) == ("b", (Exchange("", "hello"), Exchange("a", "")), "s")


def test_a_client_may_have_its_own_spelling_searched_for_alone() -> None:
    def asked(**options: str) -> bool:
        request = ChatRequest.model_validate(
            {"model": "docent", "messages": [{"role": "user", "content": "x"}], "docent": options}
        )
        return to_question(request, Scope(frozenset()), ServerSettings.model_construct(context=4096)).exact

    assert (asked(), asked(spelling="auto"), asked(spelling="exact")) == (False, False, True)
    with pytest.raises(ValidationError):
        asked(spelling="exactly")


ROLES = st.sampled_from(["system", "developer", "user", "assistant"])


@given(st.lists(st.tuples(ROLES, st.text(max_size=20)), max_size=12))
def test_no_message_is_lost(pairs: list[tuple[str, str]]) -> None:
    try:
        read = read_messages([ChatMessage.model_construct(role=role, content=content) for role, content in pairs])
    except BadRequest:
        talk = [pair for pair in pairs if pair[0] in ("user", "assistant")]
        assert not talk or talk[-1][0] == "assistant" or not talk[-1][1].strip()
        return
    said = [text for exchange in read.history for text in (exchange.question, exchange.raw_answer) if text]
    assert [*said, read.question] == [text for role, text in pairs if role in ("user", "assistant") and text]
    assert read.system == "\n\n".join(text for role, text in pairs if role in ("system", "developer") and text.strip())


@given(st.integers(1, 10**12), st.integers(-(2**63), 2**63 - 1))
def test_numbers_stay_within_what_the_engine_takes(tokens: int, seed: int) -> None:
    request = ChatRequest(
        model="docent", messages=[ChatMessage(role="user", content="x")], max_tokens=tokens, seed=seed
    )
    sampling = to_question(request, Scope(frozenset()), ServerSettings.model_construct(context=4096)).sampling

    assert 1 <= sampling.max_tokens <= 4096
    assert sampling.seed is not None
    assert 0 <= sampling.seed < 2**32


def test_how_words_are_chosen_reaches_the_model() -> None:
    more = {
        "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1, "presence_penalty": 0.5, "frequency_penalty": -0.5,
        "logit_bias": {"50256": -100, "7": 1.5},
    }  # fmt: skip

    def sampling(options: dict[str, Any]) -> Sampling:
        body = {"model": "docent", "messages": [{"role": "user", "content": "a"}], **options}
        return to_question(ChatRequest.model_validate(body), Scope(frozenset()), ServerSettings()).sampling

    told = sampling(more)
    assert (told.top_k, told.min_p, told.repeat_penalty) == (40, 0.05, 1.1)
    assert (told.presence_penalty, told.frequency_penalty) == (0.5, -0.5)
    assert told.logit_bias == ((7, 1.5), (50256, -100.0))
    assert sampling(dict.fromkeys(more)) == sampling({}) == Sampling(max_tokens=ServerSettings().max_answer_tokens)


def test_a_citation_whose_mark_is_not_in_the_text_is_no_annotation() -> None:
    def cited(at: int) -> Citation:
        return Citation(1, at, 7, 1, "a.md", "A", "", 3, 5, 9, "word")

    completion = Completion("docent", "http://host/")
    answer = Answer("Word [1].", "", True, "model", citations=(cited(5), cited(0), cited(500)))

    (annotation,) = completion.annotations(answer)
    assert annotation["url_citation"] == {
        "start_index": 5,
        "end_index": 8,
        "title": "A, page 3",
        "url": "http://host/documents/7?start=5&end=9#quote",
    }
    assert len(completion.docent(answer, ())["citations"]) == 3


def test_sources_and_citations_have_the_answer_s_own_numbers_and_quotations_an_address() -> None:
    """Four passages of the conversation came before; nobody outside sees that."""
    passage = Passage(1, 0.5, 0.5, 7, 1, "a.md", "A", "B", 3, 0, 40, "x" * 40, "")
    sources = (Evidence(5, passage, "x", shown=1), Evidence(2, passage, "x", shown=2), Evidence(3, passage, "x"))
    quote = Citation(2, BENEATH, 7, 1, "a.md", "A", "B", 3, 5, 9, "word")
    told = Completion("docent", "http://host/").docent(Answer("Word.", "", True, "model", quotes=(quote,)), sources)

    assert [source["n"] for source in told["sources"]] == [1, 2, 3]
    assert told["quotes"] == [
        {
            "n": 2, "document_id": 7, "document": "a.md",
            "title": "A", "heading": "B", "page": 3, "start": 5, "end": 9, "quote": "word",
            "url": "http://host/documents/7?start=5&end=9#quote",
        }
    ]  # fmt: skip
    assert told["citations"] == []


def test_a_citation_names_the_other_documents_that_hold_its_words() -> None:
    whole = Place(8, 1, "/r", "b.pdf", "A", 2, 100, 140, 0, 40)
    part = Place(9, 1, "/r", "c.md", "C", None, 0, 10, 0, 10)
    passage = Passage(1, 0.5, 0.5, 7, 1, "a.md", "A", "", None, 0, 40, "x" * 40, "", also_in=(whole, part))
    cited = [Citation(1, 0, 7, 1, "a.md", "A", "", None, start, start + 4, "xxxx") for start in (5, 8)]
    answer = Answer("Word.", "", True, "model", citations=tuple(cited), closest=(passage,))
    told = Completion("docent", "http://host/").docent(answer, (Evidence(1, passage, "x"),))

    assert [[other["document"] for other in one["also_in"]] for one in told["citations"]] == [
        ["b.pdf", "c.md"],
        ["b.pdf"],
    ]
    for named in (told["sources"][0], told["closest"][0]):
        assert named["also_in"] == [
            {
                "document_id": 8, "document": "b.pdf", "title": "A", "page": 2,
                "url": "http://host/documents/8?start=100&end=140#quote",
            }
        ]  # fmt: skip
        assert named["partly_in"] == [
            {
                "document_id": 9, "document": "c.md", "title": "C", "page": None,
                "url": "http://host/documents/9?start=0&end=10#quote",
            }
        ]  # fmt: skip
