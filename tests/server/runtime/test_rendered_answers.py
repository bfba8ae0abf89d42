"""What has been rendered is kept for the conversations looked at last, and for none that was deleted."""

from server.conversations.shapes import TurnState, TurnView
from server.runtime.rendered_answers import RenderedAnswers


def turn(id_: int, conversation: str = "c", state: TurnState = "done") -> TurnView:
    return TurnView(id_, conversation, "q", state, answer=f"answer {id_}")


class Renderer:
    def __init__(self) -> None:
        self.rendered: list[int] = []

    def __call__(self, turn: TurnView) -> str:
        self.rendered.append(turn.id)
        return f"<p>{turn.answer}</p>"


def test_an_answer_is_rendered_once() -> None:
    answers, render = RenderedAnswers(), Renderer()
    assert [answers.html(turn(id_), render) for id_ in (1, 2, 1)] == [f"<p>answer {id_}</p>" for id_ in (1, 2, 1)]
    assert render.rendered == [1, 2]


def test_an_answer_that_still_grows_is_not_kept() -> None:
    answers, render = RenderedAnswers(), Renderer()
    for state in ("running", "running", "done"):
        answers.html(turn(1, state=state), render)
    assert render.rendered == [1, 1, 1]


def test_a_deleted_conversation_is_forgotten_with_all_its_answers() -> None:
    answers, render = RenderedAnswers(), Renderer()
    shown = [turn(1), turn(2), turn(3, "other")]
    for one in shown:
        answers.html(one, render)
    answers.forget("c")
    answers.forget("never seen")
    for one in shown:
        answers.html(one, render)
    assert render.rendered == [1, 2, 3, 1, 2]


def test_a_conversation_that_is_deleted_while_it_is_rendered_is_not_kept() -> None:
    answers, render = RenderedAnswers(), Renderer()

    def deleted_meanwhile(one: TurnView) -> str:
        answers.forget(one.conversation_id)
        return render(one)

    assert answers.html(turn(1), deleted_meanwhile) == "<p>answer 1</p>"
    answers.html(turn(1), render)
    assert render.rendered == [1, 1]


def test_those_that_were_looked_at_longest_ago_go_first() -> None:
    answers, render = RenderedAnswers(conversations=2), Renderer()
    for id_, conversation in ((1, "a"), (2, "b"), (1, "a"), (3, "c"), (1, "a"), (2, "b")):
        answers.html(turn(id_, conversation), render)
    assert render.rendered == [1, 2, 3, 2]
