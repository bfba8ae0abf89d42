"""Which language a short question is in, and that English with foreign names stays English."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text.languages import ANOTHER, ENGLISH, language

SETS = ("handbook", "contoso", "squad", "squad-unanswerable", "clapnq", "multi-turn")


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Wie melde ich einen Sicherheitsvorfall?", "German"),
        ("Was ist VPN?", "German"),
        ("kann ich von zu Hause arbeiten", "German"),
        ("Comment puis-je obtenir un badge ?", "French"),
        ("¿Cuántos días de vacaciones tengo?", "Spanish"),
        ("Quanti giorni di ferie ho?", "Italian"),
        ("Quantos dias de férias tenho?", "Portuguese"),
        ("Hoeveel vakantiedagen heb ik?", "Dutch"),
        ("Hur många semesterdagar har jag?", "Swedish"),
        ("Hvor mange feriedage har jeg?", "Danish"),
        ("Ile mam dni urlopu?", "Polish"),
        ("Kolik mám dnů dovolené?", "Czech"),
        ("Kaç gün iznim var?", "Turkish"),
        ("Сколько у меня дней отпуска?", "Russian"),
        ("Скільки у мене днів відпустки?", "Ukrainian"),
        ("Πόσες ημέρες άδειας έχω;", "Greek"),
        ("كم يوم إجازة لدي؟", "Arabic"),
        ("כמה ימי חופשה יש לי?", "Hebrew"),
        ("मेरे पास कितनी छुट्टियाँ हैं?", "Hindi"),
        ("ฉันมีวันหยุดกี่วัน", "Thai"),
        ("我有多少天年假?", "Chinese"),
        ("休暇は何日ありますか?", "Japanese"),
        ("휴가는 며칠입니까?", "Korean"),
        ("de la", ANOTHER),  # French or Spanish
        ("How much leave do I have?", ENGLISH),
        ("how do i upgrde docnt", ENGLISH),
        ("die in service benefits", ENGLISH),
        ("What type of company is Van Gend en Loos?", ENGLISH),
        ("What does 休暇 mean on the form?", ENGLISH),
        ("VPN?", ""),
        ("vacation", ""),
        ("Como", ""),
        ("42", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_question(question: str, name: str) -> None:
    assert language(question) == name


def test_no_english_question_of_the_sets_is_taken_for_another(shared: Path) -> None:
    wrong = []
    for name in SETS:
        lines = (shared / "eval" / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = [json.loads(line)["question"] for line in lines]
        wrong += [question for question in questions if language(question) not in (ENGLISH, "")]
    assert wrong == []


@given(st.text())
def test_any_text_has_one_or_none(text: str) -> None:
    assert isinstance(language(text), str)
