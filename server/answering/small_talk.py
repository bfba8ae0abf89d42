"""What an employee types that is no question to the documents (pure).

A greeting, thanks or "what can you do" has a fixed reply and is never searched for. "Shorter", "as a list" or "in
German" is about the last answer and is done with that answer's evidence. Only a whole message counts: "hi, how much
leave do I have?" is a question.
"""

import re

from indexer.text.terms import words

NEEDS_MODEL = (
    "Changing an answer needs a language model, and none is in use: without one Docent quotes the documents as they "
    "are. You can copy the answer above, or ask for a smaller part of it."
)
GREETING = "Hello. Ask a question about your organisation’s documents, and you will see the words each answer rests on."
THANKS = "You are welcome."
FAREWELL = "Goodbye. Your conversations stay in the list."
ABILITIES = """Ask a question in your own words. Docent searches your organisation’s documents, answers from what they \
say, and numbers the passages it used.

- Press a number to open the source at the very words.
- Ask on in the same conversation: “and for part-timers?” is understood.
- With a language model, “shorter”, “as a list” or “in German” changes the last answer.

Where the documents do not say, Docent says so and shows the closest passages."""

_THERE = "( there| docent| all| everyone| again| team)?"
_REPLIES = [
    (
        "(hi|hello|hey|hiya|hallo|howdy|greetings|good (morning|afternoon|evening|day)|guten (morgen|tag|abend))"
        rf"{_THERE}"
        "( how are you( doing)?( today)?)?|how are you( doing)?( today)?",
        GREETING,
    ),
    (
        "((ok|okay|great|perfect|good|nice|cool|super) )?(many thanks|thanks|thank you|thx|ty|cheers|danke|vielen dank)"
        "( you)?( so much| very much| a lot| again| docent| schon| for (your|the) help| that helps?| that helped)?"
        "|(ok|okay|great|perfect|cool|nice|got it|understood|good to know|very helpful|that helps|that helped)",
        THANKS,
    ),
    ("(good ?bye|bye( bye)?|see you( later| soon)?|tschuss|that s all|that is all)( docent)?", FAREWELL),
    (
        "(what|who) are you|(what|which things) can (you|i) (do|ask|ask you)( here| for me)?"
        "|how do(es)? (you|this|docent) work|how do i use (this|docent)"
        "|what is (this|docent)|what do you do|help( me)?|what can docent do|how can you help( me)?",
        ABILITIES,
    ),
]
_LANGUAGE = (
    "(plain |simple |simpler |easy )?"
    "(english|german|french|spanish|italian|dutch|polish|portuguese|turkish|russian|czech"
    "|swedish|danish|norwegian|finnish|greek|romanian|hungarian|ukrainian|arabic|hindi|chinese|japanese|korean|deutsch"
    "|francais|espanol)"
)
_IT = "(it|that|this|them|the (last )?answer|your (last )?answer|the above)"
_FORM = (
    "(bullets|bullet points|(a |an )?((short|bulleted|bullet|numbered|ordered|check ?) ?)?(list|table|email|checklist)"
    "|(one|a single|two|three|1|2|3|a few) (sentences?|words|lines?|bullet points)|a nutshell|short|other words"
    "|(plain|simple|simpler|easy) (words|terms|language)|more detail|less detail)"
)
_QUALITY = (
    "((a (bit|little) |much |even )?"
    "(shorter|longer|simpler|clearer|easier|briefer|more (detailed|concise|formal|simple)"
    "|less (formal|detailed))|short|brief|concise|kurzer|langer|einfacher)"
)
_TRANSLATIONS = [
    f"((put|say|write|rewrite|give|give me|repeat|explain|answer) )?({_IT} )?(in|into|auf|en) {_LANGUAGE}",
    f"translate( {_IT})?( (in)?to {_LANGUAGE})?",
]
_REWRITES = [
    f"((make|keep|put|say|write|rewrite|give|explain) {_IT} )?{_QUALITY}( version)?",
    f"((put|show|say|write|rewrite|give|give me|explain|format|list|summari[sz]e|repeat|answer) )?"
    f"({_IT} )?(as|in|into) {_FORM}",
    *_TRANSLATIONS,
    f"(summari[sz]e|rephrase|reword|rewrite|shorten|simplify|expand|paraphrase|repeat)( {_IT})?",
    "tl ?dr|als liste",
    f"(say|put|explain) {_IT} (again|differently|another way)",
]
_POLITE = re.compile(r"^((and|now|ok|okay|please|can you|could you|would you|bitte) )+|( (please|now|bitte))+$")
_SMALL = [(re.compile(pattern), reply) for pattern, reply in _REPLIES]
_REWRITE = re.compile("|".join(f"(?:{pattern})" for pattern in _REWRITES))
_TRANSLATE = re.compile("|".join(f"(?:{pattern})" for pattern in _TRANSLATIONS))
LONGEST = 80
"""Characters of a message that can be either."""


def small_talk(text: str) -> str | None:
    """The fixed reply to a message that asks the documents nothing; None for everything else."""
    said = _said(text)
    return next((reply for pattern, reply in _SMALL if said and pattern.fullmatch(said)), None)


def rewrites(text: str) -> bool:
    """Whether a message asks for the last answer in another form, length or language."""
    said = _said(text)
    return bool(said and _REWRITE.fullmatch(_POLITE.sub("", said)))


def translates(text: str) -> bool:
    """Whether a message asks for the last answer in a language, whose words cannot be compared with the sources'."""
    said = _said(text)
    return bool(said and _TRANSLATE.fullmatch(_POLITE.sub("", said)))


def _said(text: str) -> str:
    return " ".join(words(text)) if len(text) <= LONGEST else ""
