"""Feedback as data: what was not liked can be completed and evaluated, what was liked or corrected trained on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from indexer.evaluate.retrieval import load_questions
from indexer.passages import Passage, Scope
from server.answering.events import BENEATH, Answer, Citation, Evidence, Question
from server.answering.prompt import build_messages
from server.cli import main
from server.conversations.shapes import Outcome
from server.conversations.store import Conversations, open_conversations
from server.settings import ServerSettings

HOSTILE = 'How many\u2028days? "}\n{"id": "forged"} \x85 🌴'


@pytest.fixture
def conversations(settings: ServerSettings) -> Conversations:
    return open_conversations(settings)


def evidence(text: str = "Employees have 25 days.") -> Evidence:
    return Evidence(1, Passage(1, 0.5, 0.5, 7, 3, "leave.md", "Leave", "", None, 0, len(text), text, ""), text)


def answered(
    conversations: Conversations,
    text: str,
    value: int = 0,
    *,
    question: str = "How many days?",
    mode: Any = "model",
    remark: str = "",
    owner: str = "ann",
    **place: Any,
) -> Any:
    turn = conversations.begin(question, owner, **place)
    outcome = Outcome("done", evidence=(evidence(),), answer=Answer(text, text, True, mode))
    conversations.finish(turn.id, outcome)
    if value:
        conversations.give_feedback(turn.id, owner, value, remark)
    return turn


def export(settings: ServerSettings, folder: Path, status: int = 0) -> Result:
    result = CliRunner().invoke(main, ["feedback", "export", str(folder)], env={"DOCENT_DATA": str(settings.data)})
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_what_was_not_liked_becomes_a_question(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    first = answered(conversations, "25 days [1].", question="Annual leave?")
    bad = answered(
        conversations, "Nobody knows.", -1, question=HOSTILE, remark="Wrong", conversation_id=first.conversation_id
    )
    answered(conversations, "Unjudged.", question="Else?")
    export(settings, tmp_path / "out")
    (row,) = rows(tmp_path / "out" / "questions.jsonl")
    assert (row["id"], row["remark"], row["answered_then"]) == (f"turn-{bad.id}", "Wrong", "Nobody knows.")
    assert row["found_then"] == ["leave.md"]
    (question,) = load_questions(tmp_path / "out")
    assert (question.question, question.answerable, question.gold) == (HOSTILE, None, ())
    assert question.history == (("user", "Annual leave?"), ("assistant", "25 days [1]."))


def test_a_liked_answer_is_an_example_under_the_prompt_that_was_sent(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    answered(conversations, "25 days [1].", 1)
    export(settings, tmp_path)
    (row,) = rows(tmp_path / "sft.jsonl")
    sent = build_messages(Question("How many days?", Scope(frozenset({3}))), (evidence(),), ())
    assert row["messages"][:-1] == [{"role": m.role, "content": m.content} for m in sent]
    assert row["messages"][-1] == {"role": "assistant", "content": "25 days [1]."}
    assert "Employees have 25 days." in row["messages"][1]["content"]
    assert rows(tmp_path / "dpo.jsonl") == rows(tmp_path / "questions.jsonl") == []


def test_an_example_cites_the_numbers_that_the_prompt_has(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    """The page counts from 1 in each answer; the passage was the fourth of the conversation."""
    turn = conversations.begin("How many days?", "ann")
    fourth = replace(evidence(), n=4, shown=1)
    text = "25 days [1], not 30 [7]."
    conversations.finish(turn.id, Outcome("done", evidence=(fourth,), answer=Answer(text, text, True, "model")))
    conversations.give_feedback(turn.id, "ann", 1)
    export(settings, tmp_path)
    (row,) = rows(tmp_path / "sft.jsonl")
    assert "[4] Leave" in row["messages"][1]["content"]
    assert row["messages"][-1]["content"] == "25 days [4], not 30 [7]."


def test_a_question_says_what_was_quoted_beneath_its_answer(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    turn = conversations.begin("How many days?", "ann")
    quote = Citation(1, BENEATH, 7, 3, "leave.md", "Leave", "", None, 0, 23, "Employees have 25 days.")
    answer = Answer("30 [1].", "30.", True, "model", quotes=(quote,))
    conversations.finish(turn.id, Outcome("done", evidence=(evidence(),), answer=answer))
    conversations.give_feedback(turn.id, "ann", -1)
    export(settings, tmp_path)
    (row,) = rows(tmp_path / "questions.jsonl")
    assert (row["answered_then"], row["quoted_then"]) == ("30 [1].", ["Employees have 25 days."])


def test_two_answers_to_one_prompt_are_a_preference(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    bad = answered(conversations, "Nobody knows.", -1)
    again = {"conversation_id": bad.conversation_id, "instead_of": bad.id}
    answered(conversations, "25 days [1].", 1, **again)
    answered(conversations, "Other [1].", 1, question="Something else?", **again)
    answered(conversations, "Elsewhere [1].", 1)
    export(settings, tmp_path)
    (pair,) = rows(tmp_path / "dpo.jsonl")
    assert pair["chosen"] == [{"role": "assistant", "content": "25 days [1]."}]
    assert pair["rejected"] == [{"role": "assistant", "content": "Nobody knows."}]
    assert [message["role"] for message in pair["prompt"]] == ["system", "user"]


def test_a_correction_is_kept_and_becomes_an_example(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    answered(conversations, "Nobody knows.", -1)
    export(settings, tmp_path)
    (row,) = rows(tmp_path / "questions.jsonl")
    row |= {"gold": ["leave.md"], "answers": ["25"], "answerable": True, "correction": " 25 days [1]. "}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row))
    answered(conversations, "Wrong too.", -1, question="And parents?")

    for _ in range(2):
        export(settings, tmp_path)
        completed, further = rows(tmp_path / "questions.jsonl")
        assert completed == row
        assert (further["question"], further["correction"]) == ("And parents?", "")
        (example,) = rows(tmp_path / "sft.jsonl")
        assert example["messages"][-1]["content"] == "25 days [1]."
        (pair,) = rows(tmp_path / "dpo.jsonl")
        assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("25 days [1].", "Nobody knows.")


def test_quotations_are_no_examples(conversations: Conversations, settings: ServerSettings, tmp_path: Path) -> None:
    answered(conversations, "> Employees have 25 days. [1]", 1, mode="extractive")
    bad = answered(conversations, "> Travel by train. [1]", -1, mode="extractive")
    assert "1 liked answers are quotations" in export(settings, tmp_path).stderr
    (row,) = rows(tmp_path / "questions.jsonl")
    assert row["id"] == f"turn-{bad.id}"
    assert rows(tmp_path / "sft.jsonl") == rows(tmp_path / "dpo.jsonl") == []


def test_deleted_conversations_and_withdrawn_feedback_are_left_out(
    conversations: Conversations, settings: ServerSettings, tmp_path: Path
) -> None:
    gone = answered(conversations, "Bad.", -1)
    conversations.delete(gone.conversation_id, "ann")
    withdrawn = answered(conversations, "Good [1].", 1, owner="bea")
    conversations.give_feedback(withdrawn.id, "bea", 0)
    answered(conversations, "Kept [1].", 1, owner="cem")
    export(settings, tmp_path)
    assert rows(tmp_path / "questions.jsonl") == []
    assert [row["messages"][-1]["content"] for row in rows(tmp_path / "sft.jsonl")] == ["Kept [1]."]


def test_no_conversations_yet(settings: ServerSettings, tmp_path: Path) -> None:
    export(settings, tmp_path)
    assert [rows(tmp_path / name) for name in ("questions.jsonl", "sft.jsonl", "dpo.jsonl")] == [[], [], []]
    assert not settings.chat_path.exists()


def test_what_is_written_is_its_owner_s_alone(settings: ServerSettings, tmp_path: Path) -> None:
    export(settings, tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.jsonl")} == {0o600}
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"question": "no id"}', b"5"])
def test_a_file_that_is_not_understood_is_not_written_over(
    content: bytes, settings: ServerSettings, tmp_path: Path
) -> None:
    (tmp_path / "questions.jsonl").write_bytes(content)
    assert "is not written over" in export(settings, tmp_path, status=2).stderr
    assert (tmp_path / "questions.jsonl").read_bytes() == content
    assert not (tmp_path / "sft.jsonl").exists()


def test_a_folder_that_cannot_be_made(settings: ServerSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "could not be written" in export(settings, tmp_path / "file" / "out", status=2).stderr
