"""Which language a text is in (pure), by its script or the commonest words in it.

A question has a handful of words, of which half are such words; statistics of letters need more of it. Neither a model
nor a library is needed for that: py3langid takes 4.6 MB and guesses for every text, also for "VPN?", lingua 96 MB.
"""

import re

from indexer.text.dictionary import is_english
from indexer.text.terms import fold, words

ENGLISH = "English"
ANOTHER = "another language"
LOOKED_AT = 2000  # characters of a text
SURE = 2
"""Common words that tell a language. One is enough where no longer word is English: "como" is a name as well."""
LONG = 4
"""Letters of a word that is looked for in the dictionary: where half are there and one common word is English too, the
text is English with foreign names in it. Of 3,509 English questions of six sets none is taken for another language."""

_COMMON = {
    ENGLISH: "a about all an and any are as at be been but by can could did do does for from get had has have how i if "
    "in into is it its may me my need no not of on or our should so than that the their them then there these they "
    "this to up us was we were what when where which who why will with would you your",
    "German": "aber als am an auch auf aus bei bin bis bitte darf das dass dem den der des die dir du durch ein eine "
    "einem einen einer es fur gibt habe haben hat ich im in ist kann konnen man mein meine meinen meiner mich mir mit "
    "muss nach nicht noch nur oder ohne sich sie sind so uber um und uns unser vom von vor wann warum was welche "
    "welcher wenn wer wie wir wird wo wofur zu zum zur",
    "French": "a ai au aux avec ce ces cette comment combien dans de des dois du elle en est et faire faut il je la le "
    "les leur lui ma mais mes moi mon ne nous on ou par pas peut peux plus pour pourquoi puis qu quand que quel quelle "
    "quelles quels qui quoi sa sans se ses si son sont sur un une vos votre vous y",
    "Spanish": "a al como con cual cuales cuando cuanto cuantos de debo del donde el ella en es esta estan este hacer "
    "hay la las le lo los mas me mi mis muy no nos o para pero por porque puedo que quien se ser si sin sobre su sus "
    "tengo tiene un una uno y yo",
    "Italian": "a al alla anche che chi ci come con cosa cui da dal dei del della delle devo di dove e ed fare gli ha "
    "ho i il in io la le lo ma mi mia mio nel nella non o per perche piu posso puo qual quale quali quando quanti "
    "quanto se si sono sul sulla tra un una uno vorrei",
    "Portuguese": "a ao as como com da das de devo do dos e ela em esta eu fazer ha isso mais mas me meu meus minha na "
    "nao nas no nos o onde os ou para pela pelo por porque posso preciso qual quais quando quanto quantos que quem se "
    "sem ser seu sobre sua tem tenho um uma voce",
    "Dutch": "aan als ben bij dan dat de deze die dit doe door een en er geen had heb hebben heeft het hij hoe hoeveel "
    "ik in is je kan kunnen maar met mij mijn moet na naar niet nog of om ons onze ook op over te tot uit van voor "
    "waar waarom wanneer wat we welke wie wij wil worden wordt ze zich zijn",
    "Swedish": "alla att av blir da de den det du efter eller en ett far finns for fran ha har hur i inte jag kan "
    "maste med men min mina mitt mycket nar och om pa sig ska skall som till under upp ut vad var vara vem vi vid "
    "vilka vilken ar",
    "Danish": "af alle at blive de den der det du efter eller en er et far for fra ha har hvad hvem hvilke hvilken "
    "hvis hvor hvordan hvorfor hvornar i ikke jeg kan man med men min mine mit og om op pa sig skal som til ud under "
    "var ved vi",
    "Polish": "a ale bez by byc co czy czym dla do gdzie i ile ja jak jaka jaki jakie jest jestem kiedy kto ktora "
    "ktore ktory ma mam mi moge moj moja moje mozna musze na nie o od oraz po pod przez przy sa sie ten to w we z za "
    "ze zeby",
    "Czech": "aby ale bez co do jak jaka jake jaky je jsem jsou k kde kdo kdy kolik ktera ktere ktery ma mam mit moje "
    "muj musim muze mohu muzu na nebo o od po pokud pro proc s se si to u v ve z za ze",
    "Turkish": "bana ben bir bu cok da daha de degil gibi hangi icin ile kac kadar kim mi mu nasil ne nedir neden "
    "nerede olan olarak sonra var ve veya ya yok zaman",
}
_LISTED = {name: frozenset(common.split()) for name, common in _COMMON.items()}
_SCRIPTS = (
    ("Japanese", re.compile(r"[\u3040-\u30ff]")),
    ("Korean", re.compile(r"[\uac00-\ud7af]")),
    ("Chinese", re.compile(r"[\u4e00-\u9fff]")),
    ("Ukrainian", re.compile(r"[іїєґІЇЄҐ]")),
    ("Russian", re.compile(r"[\u0400-\u04ff]")),
    ("Greek", re.compile(r"[\u0370-\u03ff]")),
    ("Arabic", re.compile(r"[\u0600-\u06ff]")),
    ("Hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("Hindi", re.compile(r"[\u0900-\u097f]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
)
"""The language that most people write in a script; a character of the earlier ones stands in no text of the later."""
_LETTER = re.compile(r"[^\W\d_]")


def language(text: str) -> str:
    """Its name in English; `ANOTHER` where several fit alike that are not English; empty where nothing tells."""
    text = text[:LOOKED_AT]
    letters = len(_LETTER.findall(text))
    for name, script in _SCRIPTS:
        of_script = len(script.findall(text))
        if of_script and 2 * sum(len(other.findall(text)) for _, other in _SCRIPTS) > letters:
            return name
    found = words(text)
    counted = {name: sum(word in common for word in found) for name, common in _LISTED.items()}
    most = max(counted.values())
    english = [is_english(fold(word)) for word in found if len(word) >= LONG]
    if most == counted[ENGLISH] or (counted[ENGLISH] and english and 2 * sum(english) >= len(english)):
        return ENGLISH if most else ""
    if most < SURE and any(english):
        return ""
    named = [name for name, count in counted.items() if count == most]
    return named[0] if len(named) == 1 else ANOTHER
