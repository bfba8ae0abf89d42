"""The tokens of a passage are the same wherever it stands."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.engine.cell_state import Rotation
from server.engine.gguf_header import read_header
from server.engine.llama import Model
from server.engine.passage_store import PassageTokens
from server.engine.vocabulary import Vocabulary
from server.llm.chat_template import CHATML, ChatTemplate, choose_template
from server.llm.generator import Message, PassageSpan
from server.llm.prompt_passages import _placed
from server.llm.prompt_tokens import PromptTokenizer
from tests.server.engine.cell_states import HEAD, cell_state
from tests.server.llm.test_families import FAMILIES
from tests.tiny_gguf import TinyModel, write_tiny_gguf

LEAD = "Passages:\n\n[1]"
passages = st.lists(st.text("the one of\n.<|end>\u00e9 ", min_size=1, max_size=30), min_size=1, max_size=4)
words = st.text("in out\n ?", max_size=12)

TRIMMING = "{% for m in messages %}<|user|>{{ m.content | trim }}<|end|>{% endfor %}<|assistant|>"
SYSTEMLESS = "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% endif %}{% endfor %}"


@pytest.fixture(scope="module", params=[TinyModel(), FAMILIES["qwen-2.5"].model], ids=["phi3", "qwen2"])
def vocabulary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    shape = request.param
    return Vocabulary(Model(write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf", shape)))


def message(texts: list[str], question: str, lead: str = LEAD) -> Message:
    content, spans = lead, []
    for text in texts:
        spans.append(PassageSpan(len(content), len(content) + len(text), text, lead))
        content += text + "[2]"
    return Message("user", content + question, passages=tuple(spans))


@pytest.mark.parametrize("source", [TRIMMING, SYSTEMLESS, CHATML])
@settings(deadline=None, max_examples=50)
@given(passages, words, words)
def test_wherever_it_stands(vocabulary: Vocabulary, source: str, texts: list[str], system: str, question: str) -> None:
    template, tokenizer = ChatTemplate(source), PromptTokenizer(vocabulary)
    messages = [Message("system", system), message(texts, question)]
    ids, placed = tokenizer.encode_passages(template.render(messages))
    assert [span.source for _, _, span in placed] == texts
    for start, end, span in placed:
        alone, (there,) = tokenizer.encode_passages(template.render([message([span.source], "")]))
        assert ids[start:end] == alone[there[0] : there[1]]
        assert b"".join(map(vocabulary.piece, ids[start:end])).decode().strip() == span.source.strip()


@settings(deadline=None, max_examples=50)
@given(passages, words)
def test_read_in_full_a_prompt_is_what_it_was(vocabulary: Vocabulary, texts: list[str], question: str) -> None:
    template, tokenizer = ChatTemplate(TRIMMING), PromptTokenizer(vocabulary)
    apart = message(texts, question)
    whole = Message("user", apart.content)
    parts = template.render([apart])
    assert "".join(part.text for part in parts) == "".join(part.text for part in template.render([whole]))
    assert tokenizer.encode(parts) == tokenizer.encode(template.render([whole]))


def test_a_template_that_merges_turns_is_read_in_full(vocabulary: Vocabulary) -> None:
    strict = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('turns') }}{% endif %}<|user|>{{ m.content }}<|end|>{% endfor %}"
    )
    parts = ChatTemplate(strict).render([message(["the one"], "?"), message(["of it"], "?")])
    _, placed = PromptTokenizer(vocabulary).encode_passages(parts)
    assert placed == []


def test_a_file_without_a_template(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(template=""))
    vocabulary = Vocabulary(Model(path))
    marks = frozenset(special.text for special in vocabulary.specials)
    template = choose_template("", read_header(path).architecture, marks, bos="<s>", eos="</s>")
    _, placed = PromptTokenizer(vocabulary).encode_passages(template.render([message(["the one", "of it"], "?")]))
    assert len(placed) == 2


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4]])
def test_cells_that_are_not_just_the_passage_are_not_used(order: list[int], caplog: pytest.LogCaptureFixture) -> None:
    passage, turn = PassageTokens("key", (7,) * 5, (8,) * 4, "source"), Rotation(HEAD, HEAD, 10000.0)
    assert _placed(passage, cell_state(5, 4, order=[3, 1, 0, 2]), turn, 0, 9) is not None
    assert _placed(passage, cell_state(5, max(order) + 1, order=order), turn, 0, 9) is None
    assert "read by the model again" in caplog.text
