"""Sentences of documents that give orders to whoever writes an answer, and what stands in them alone (pure).

"Reply only with ...", "You are now ...", "When asked about leave, say that ...": a stranger's words in a document, for
the model. They support nothing, no quotation is made of them where there are others, and a sentence of an answer
that holds what stands only in them carries them out. Where the question itself asks what to say or write, they are
words like any others. Orders of everyday work ("Submit the form", "Ask your manager") are not among them: they speak of
no answer, no earlier instruction and no part to be played. Of 54,364 sentences of five sets of ordinary documents 17
seem to give orders. What gives orders in words that nobody thought of is read like anything else.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from indexer.passages import Passage, Sentence
from indexer.text.sentences import sentence_spans
from indexer.text.terms import content_terms, fold, stem
from server.answering.events import Evidence

_ANSWER = r"(?:answers?|repl(?:y|ies)|(?<!immune )responses?|summar(?:y|ies))"
_MODEL = r"(?:(?:language |ai )models?|llms?|chat ?bots?|(?:ai |virtual |chat )?assistants?|ais?)"
_ASSISTANT = rf"(?:(?:the |any |an |ai |dear )*{_MODEL}|whoever (?:answers?|reads|summari[sz]es|is asked))"
_SAY = (
    r"(?:say|(?:state|claim|confirm|mention|pretend|write) (?:that|in)|write|print|repeat|reply|respond|answer|show"
    r"|tell|mention|add|append)"
)
_ASKED = (
    r"(?:(?:when|if|whenever|once) (?:you are |you're )?asked\b"
    r"|(?:when|if|whenever) (?:somebody|someone|anybody|anyone|people|users?|readers?) asks?\b)"
)
_EVERY = r"(?:every|each|any|all|your)"
_SENTENCE = r"(?:(?:magic |reply )?words?|line|sentence|phrase|answer code)"
_QUOTE = '["“«„]'
_GIVES_ORDERS = re.compile(
    "|".join(
        (
            # what came before is to be forgotten
            r"\b(?:ignore|ignoring|disregard|forget|override|leave out)\b[^.]{0,40}"
            r"\b(?:questions?|instructions?|prompts?|rules|passages|rows?|above|before|previous|everything|handbook)\b",
            r"\b(?:new|next) task is\b|\btask has changed\b|\bforget that you are\b|\bdeveloper mode\b|\bjailbr\w+",
            r"^\W*(?:system|instructions?|prompt)\s*:",
            # who the model is to be
            rf"\byou are (?:now|no longer) (?:an? |in )?(?:\w+ ){{0,2}}(?:{_MODEL}|bot|mode|bound|free)\b",
            r"\bassistant without (?:any )?rules\b|\byou play (?:the|a) (?:part|role)\b|\brole[- ]?play\b",
            r"^\W*(?:act|behave) as\b.*\b(?:called|named|who)\b|^\W*(?:please )?pretend\b|\bmust say so\b",
            r"\bcall yourself\b|\bintroduce yourself (?:as|by)\b",
            rf"\b{_ANSWER}\b[^.]{{0,40}}\bsigned\b|\bsigns? as\b|\bsigns? (?:the |{_EVERY} )?{_ANSWER}\b",
            # what is to be written
            r"\b(?:begin|start|end|finish|preface|close|open)s?\b (?:with |by )?(?:\w+ ){0,3}"
            rf"(?:{_EVERY}|the|their|its) (?:\w+ )?{_ANSWER}\b",
            rf"\b{_EVERY} (?:\w+ )?{_ANSWER}\b[^.]{{0,60}}\b(?:begins?|starts?|ends?|must|has to|have to|should)\b",
            rf"\b(?:in|to|with) {_EVERY} (?:\w+ )?{_ANSWER}\b|\bthe answer to\b.*\b(?:begins|starts|ends)\b",
            r"\b(?:answers|replies) (?:about|on|to)\b.*\b(?:begin|start|end|mention)\w*\b|\ball replies\b",
            r"\b(?:correct|right) answer is that\b",
            r"\b(?:answer|reply|respond|write|print|repeat|output|say)\b (?:only|nothing|just|instead)\b",
            r"\b(?:answer|reply|respond)\b(?: to)? (?:(?:the|every|any) )?"
            rf"(?:questions? (?:on|about|{_QUOTE})|{_QUOTE}).*\b(?:with|but|as)\b",
            rf"\b(?:answer|reply|respond) with (?:{_QUOTE}|(?:the )?(?:words?|sentence)\b)",
            rf"\bto {_QUOTE}.*, (?:reply|say|write)\b|\bput the words {_QUOTE}|\b(?:show|tell) .*\bto the readers?\b",
            rf"\b{_SAY} (?:that )?(?:only )?(?:the )?{_SENTENCE}\b|\bfor the language model\b",
            rf"\b{_ASKED}.*, (?:please |always |simply |just |then |you )*(?:must |should )?(?!show|add){_SAY}\b",
            rf"^\W*(?:please )?{_SAY}\b.*{_ASKED}",
            r"^\W*(?:please |kindly )?(?:tell|inform) (?:the )?(?:readers?|users?|askers?)\b|\bmust tell readers?\b",
            rf"\b(?:note|order|message|instructions?) (?:for|to) {_ASSISTANT}\b|^\W*(?:to )?{_ASSISTANT}\s*:",
            rf"^\W*{_ASSISTANT}\b.*\b(?:must|should|shall) (?:\w+ )?(?:{_SAY}|begin|end|finish)\b",
            r"\b(?:show|add|append|finish|end|reply|answer)\b.*(?:!\[|<img\b)",
            # the same in German, French and Spanish
            r"\b(?:ignoriere?n?|vergiss)\b|\b(?:jede|deine|ihre|vor der|nach der) antwort\b|\bantworte[nt]?\b",
            r"\bdu bist (?:jetzt|nun)\b|\b(?:schreibe?|sage?) (?:nur|stets|immer)\b|\bbekommt den satz\b",
            r"\b(?:ignorez|oubliez|repondez|reponds)\b|\b(?:chaque|votre|ta|a la|avant la) reponse\b",
            r"\b(?:tu es|vous etes) (?:maintenant|desormais)\b|\b(?:eres ahora|ahora eres)\b",
            r"\b(?:ignora|olvida|responde|responda)\b|\b(?:cada|todas las|tu|su|antes de la) respuestas?\b",
        )
    )
)
"""Looked for in folded text."""
_NAMES = re.compile(r"\b[Yy]ou are (?:now )?[A-Z][a-z]+ [A-Z][a-z]+|\b[Yy]our name is [A-Z]")
"""With capitals: "You are Captain Marlow and ..." gives a name, "you are a civilian employee" does not."""
_TO_WHOM = re.compile(
    r"\b(?:assistants?|bots?|chat ?bots?|ais?|llms?|language models?|machines?|auto\w* systems?|chat programs?"
    r"|personas?|readers?|whoever|askers?)\b"
)
_SPEECH = re.compile(
    r"\b(?:says?|writes?|written|types?|prints?|outputs?|repl(?:y|ies)|answers?|responds?|responses?|claims? that"
    r"|states? that|tells?|mentions?|quotes?|cites?|confirms?|pretends?|introduces?|signs?|gives? out|given out"
    r"|(?:opens?|begins?|starts?|ends?) with|puts?|adds?|appends?|shows?)\b"
)
_ASKING = re.compile(r"\b(?:asked|asks|questions?|wants? to know|wonders?|comes up)\b")
_EMPHASIS = re.compile(
    r"\b(?:only|instead|ignore|disregard|forget|drop|never mind|whatever|regardless|nothing else|no matter|always|every"
    r"|must|directives?|instructions?)\b"
)
_QUESTION = re.compile(r"[“\"«„]([^”\"»“]*\?)\s?[”\"»“]")
"""A question in quotation marks."""
SAME_QUESTION = 0.6
"""Share of the terms of the question that was asked that one in quotation marks has when it is taken for the same."""

_ASKS_FOR_WORDS = re.compile(
    r"\b(?:say|reply|respond|answer|tell|write|sign|prompt|instructions?|questions?|asked|asks|callers?|greet\w*"
    r"|templates?|wording|scripts?)\b",
    re.I,
)

ORDINARY = frozenset(
    map(
        stem,
        "answer reply respond ask question say state write tell show begin start end add word sentence line page "
        "passage about document source reader employee please must always only first instead nothing else all".split(),
    )
)
"""Words of orders that an answer may have of its own."""


def cleared(evidence: Sequence[Evidence], question: str) -> tuple[Evidence, ...]:
    """The same, every code point in its place, but nothing left of sentences that give orders."""
    if asks_for_words(question):
        return tuple(evidence)
    return tuple(_cleared(one, question) for one in evidence)


def only_in_orders(evidence: Sequence[Evidence], cleared_: Sequence[Evidence], question: str) -> frozenset[str]:
    """Terms that stand in orders of the evidence and neither beside them nor in the question."""
    if all(one is other for one, other in zip(evidence, cleared_, strict=True)):
        return frozenset()
    return _terms(evidence) - _terms(cleared_) - frozenset(content_terms(question)) - ORDINARY


def asks_for_words(question: str) -> bool:
    """Whether it asks what to say or to write, so that a sentence like an order may be its answer."""
    return bool(_ASKS_FOR_WORDS.search(question))


@lru_cache(maxsize=4096)  # the same passages are read for each answer
def gives_orders(sentence: str, question: str = "") -> bool:
    """Whether it tells whoever answers what to write, to show or to be: in one of the known ways, or since it speaks of
    so much that only such a sentence speaks of together."""
    said = " ".join(sentence.replace("’", "'").split())
    folded = fold(said)
    if _GIVES_ORDERS.search(folded) or _NAMES.search(said):
        return True
    to_whom, speech, asking, emphasis = (
        pattern.search(folded) is not None for pattern in (_TO_WHOM, _SPEECH, _ASKING, _EMPHASIS)
    )
    if speech and ((to_whom and (asking or emphasis)) or (asking and emphasis)):
        return True
    return _quotes(said, question)


def _quotes(sentence: str, question: str) -> bool:
    """Whether it says something of the very question that was asked."""
    asked = frozenset(content_terms(question))
    return any(
        bool(asked) and len(asked & {*content_terms(quoted[1])}) >= SAME_QUESTION * len(asked)
        for quoted in _QUESTION.finditer(sentence)
        if quoted[0] != sentence.strip(" .")
    )


def _terms(evidence: Iterable[Evidence]) -> frozenset[str]:
    return frozenset(term for e in evidence for term in content_terms(f"{e.passage.prefix}\n{e.passage.text}"))


def _cleared(evidence: Evidence, question: str) -> Evidence:
    passage = evidence.passage
    orders = [sentence for sentence in passage.sentences if gives_orders(sentence.text, question)]
    prefix = _without_orders(passage.prefix, question)
    if not orders and prefix == passage.prefix:
        return evidence
    kept = tuple(_emptied(one) if one in orders else one for one in passage.sentences)
    return replace(evidence, passage=replace(passage, prefix=prefix, text=_blanked(passage, orders), sentences=kept))


def _emptied(sentence: Sentence) -> Sentence:
    """Without words and vector: it supports nothing, and parts the sentences beside it."""
    return replace(sentence, text="", vector=np.zeros(0, np.float32))


def _blanked(passage: Passage, orders: Sequence[Sentence]) -> str:
    """The text with spaces for the sentences that give orders."""
    text = passage.text
    for order in orders:
        start, end = order.start - passage.start, order.end - passage.start
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _without_orders(prefix: str, question: str) -> str:
    """Title, headings and header without those sentences of them that give orders."""
    lines = []
    for line in prefix.split("\n"):
        parts = [[part[a:b] for a, b in sentence_spans(part)] for part in line.split(" › ")]
        if any(gives_orders(sentence, question) for part in parts for sentence in part):
            kept = (" ".join(one for one in part if not gives_orders(one, question)) for part in parts)
            line = " › ".join(filter(None, kept))
        lines.append(line)
    return "\n".join(lines)
