"""What a person says to a card that waits: yes, no, something else instead, or nothing that is certain.

A yes spends money, so two must agree that it is one: the model, and a plain rule that knows all an unconditional yes is made of. A word the rule
does not know may be a condition, a doubt or somebody else's name, whatever it is, so there is no yes with it. Where the two do not agree, the
answer is UNSURE, and the person is asked again. "Yes but make it two" changes the draft, "ok?" is no answer, and a tapback that was taken back
says nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import product

from halo_engine.model.reply import Reply, Tapback
from halo_engine.parsing.marked_text import mark
from halo_engine.parsing.tagger import Tagger, shipped

#: How sure the model has to be of a yes and of a no. Of a yes: surer than of everything else together, which is as much as it takes, because on
#: development data the words alone let nothing else through. Of a no: chosen on development data.
CONFIRMS, CANCELS = 0.5, 0.7


_TAPBACKS = {Tapback.LIKE: Reply.CONFIRM, Tapback.DISLIKE: Reply.CANCEL, Tapback.QUESTION: Reply.UNSURE}

# The model's vocabulary has no emoji: the signs of yes and no are all that speak for themselves, and friendly ones may stand beside a yes.
_YES_SIGNS, _NO_SIGNS, _FRIENDLY = frozenset("👍✅👌✔☑"), frozenset("👎❌🚫🛑✖"), frozenset("🙏😊🙂😀😃😄🎉🥳🙌❤")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")

# A tapback as it arrives where there are none, in words that quote the card: which card, and whether it still stands, nobody knows.
_REACTION = re.compile(
    r"\s*(?:liked|loved|disliked|laughed\s+at|emphasi[sz]ed|questioned|removed\s+an?\s+[\w ]{1,30}\s+from|reacted\b.{0,30}\sto)\s+[“\"«]",
    re.IGNORECASE,
)


def _listed(phrases: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in phrases.split("|"))


def _joined(*lists: str) -> frozenset[str]:
    """Every phrase that takes one part of each list; a part may be empty."""
    return frozenset(" ".join(" ".join(parts).split()) for parts in product(*map(_listed, lists)))


# What an unconditional yes is made of, in words as `_SPELLED` has them.

_SPELLED = {
    spelling: word
    for word, spellings in {
        "yes": "yep yup yeah yea ya yeh yeap yas aye",
        "ok": "okay okey k",
        "thanks": "thx ty cheers",
        "please": "pls plz",
        "that is": "that's thats",
        "it is": "it's its",
        "all right": "alright",
        "let's": "lets",
    }.items()
    for spelling in spellings.split()
}

_SUBJECT = "that | it | this | everything | it all | that all"
_RIGHT = "right | exactly right | correct | all correct | accurate | true | definitely true | affirmative | perfect | good to go"

#: These say yes by themselves.
_YES = (
    _listed("yes | sure | sure thing | absolutely | definitely | certainly | totally | of course | by all means | you bet | right on | lgtm")
    | _listed("confirmed | approved | accepted | agreed | i agree | affirmative | correct | absolutely correct | exactly right | perfect")
    | _listed("proceed | go ahead | go right ahead | go for it | make it happen | please do | let's do this | good to go")
    | _listed("that is it | that is the one | that is what i want | that works | this works | works for me | that works for me")
    | _joined("| let's | go ahead and", "do", "it | that") | _joined("| i", "confirm | approve | accept", "| it | this")
    | _joined(_SUBJECT, "is", f"{_RIGHT} | absolutely right | absolutely correct") | _joined("fine | ok", "by me | with me")
    | _joined(f"| {_SUBJECT}", "looks | sounds", f"{_RIGHT} | good | great | fine", "| to me")
    | _listed("yes it is | yes it does") | _joined("that is", "a yes | a definite yes", "| from me")
    | _joined("that would be", "great | perfect | awesome")
)  # fmt: skip
#: So do these, to a card that buys or books; to one that cancels they would undo it.
_YES_TO_SPENDING = (
    _joined("| let's | go ahead and", "order | reorder | buy | purchase | book | reserve | place", "it")
    | _joined("the order | the booking", "is | looks", _RIGHT) | _joined("the order | the booking", "looks", "good | great | fine")
    | _joined("| i | go ahead and", "place | complete | confirm | approve", "the | my", "order | booking")
)  # fmt: skip
#: And this to a card that cancels, where "cancel it" alone may as well mean the card.
_YES_TO_CANCELLING, _BESIDE_CANCELLING = _listed("go ahead and cancel it"), _listed("cancel it")
#: These say yes only alone: with thanks or praise an "ok" may mean no more than "I have read it", and "y" is also "why".
_YES_ALONE = _listed("y | ok | ok please | all right")
#: These say nothing of their own: thanks, praise, a name for who is asked.
_BESIDE = (
    _listed("please | thanks | thank you | and thanks | and thank you | many thanks | much appreciated | halo | sir | :)")
    | _joined("thanks | thank you", "a lot | so much | very much") | _listed("ok | all right | exactly | indeed | for sure | true | so true")
    | _listed("great | good | all good | fine | cool | nice | awesome | excellent | wonderful | lovely")
    | _joined(_SUBJECT, "is", "good | all good | great | fine | ok | all right | awesome | excellent | confirmed | approved")
    | _listed("you got it | you got it right | you are right | you are correct | that is everything | that is my order | that is what i wanted")
)  # fmt: skip
#: "Please approve" is asked of somebody else.
_ASKED_WITH_PLEASE = _listed("confirm | approve | accept")

_PHRASES = _YES | _YES_TO_SPENDING | _YES_TO_CANCELLING | _BESIDE_CANCELLING | _YES_ALONE | _BESIDE
_WORDS = {word for phrase in _PHRASES for word in phrase.split()} | set(_SPELLED)
_LONGEST_PHRASE_WORDS = max(len(phrase.split()) for phrase in _PHRASES)
_LONGEST_YES_WORDS = 12

_PLAIN = str.maketrans({"’": "'"} | dict.fromkeys([*",.!", *_YES_SIGNS, *_FRIENDLY], " "))
#: "Yes..." hesitates, and after "yes," and "yes it's" more is to come.
_TRAILS_OFF = re.compile(r"\.\s*\.|(?:,|\bit['’]?s)\s*$", re.IGNORECASE)
_HELD_LETTER = re.compile(r"(.)\1+")


def heard(text: str, *, about: str, load: Callable[[], Tagger] = shipped) -> Reply:
    """What `text` says to a card about a request of the verb `about`. Never CONFIRM where it could be anything else."""
    signs = Reply.UNSURE if _REACTION.match(text) else _signs(text)
    if signs is not None:
        return signs
    marked = mark(load(), text, about=about, requested=())
    scores = marked.scores.replies
    likeliest = Reply(max(scores, key=lambda reply: scores[reply]))
    if likeliest is Reply.NONE:
        return Reply.UNSURE
    changes = marked.verb == about and bool(marked.spans)
    if likeliest is Reply.CONFIRM:
        return Reply.CONFIRM if scores[Reply.CONFIRM] >= CONFIRMS and _is_plain(text, about) and not changes else _otherwise(changes)
    if likeliest is Reply.CANCEL and scores[Reply.CANCEL] < CANCELS:
        return _otherwise(changes)
    return likeliest


def tapped(tapback: Tapback, *, removed: bool) -> Reply:
    """What a tapback says; one that was taken back says nothing. Whether it was on the card that stands is the caller's to know."""
    return Reply.NONE if removed else _TAPBACKS.get(tapback, Reply.NONE)


def _otherwise(changes: bool) -> Reply:
    return Reply.MODIFY if changes else Reply.UNSURE


def _is_plain(text: str, about: str) -> bool:
    """Whether `text` is made of an unconditional yes to a card about `about`, and of nothing else. It reads the text as it was given."""
    words = tuple(_words(text))
    if len(words) > _LONGEST_YES_WORDS or _TRAILS_OFF.search(text) or ("please" in words and not _ASKED_WITH_PLEASE.isdisjoint(words)):
        return False
    yes, beside = _YES | _YES_TO_SPENDING, _BESIDE
    if about == "CANCEL":
        yes, beside = _YES | _YES_TO_CANCELLING, _BESIDE | _BESIDE_CANCELLING
    return " ".join(words) in _YES_ALONE or _is_made_of(words, yes, beside)


def _words(text: str) -> Iterator[str]:
    """The words of `text` as the phrases spell them: "yesss" and "Yep!" are "yes"."""
    for written in _SKIN.sub("", text).lower().translate(_PLAIN).split():
        word = written if written in _WORDS else _HELD_LETTER.sub(r"\1", written)
        yield from _SPELLED.get(word, word).split()


def _is_made_of(words: tuple[str, ...], yes: Collection[str], beside: Collection[str], *, said: bool = False) -> bool:
    """Whether `words` are phrases of the two lists, one after the other, and one of `yes` among them or `said` before."""
    if not words:
        return said
    starts = ((" ".join(words[:length]), words[length:]) for length in range(1, min(len(words), _LONGEST_PHRASE_WORDS) + 1))
    return any(_is_made_of(rest, yes, beside, said=said or start in yes) for start, rest in starts if start in yes or start in beside)


def _signs(text: str) -> Reply | None:
    """What emoji alone say; None where there are words."""
    characters = set(_SKIN.sub("", "".join(text.split())))
    if not characters or any(character.isalnum() for character in characters):
        return None if characters else Reply.UNSURE
    if characters & _YES_SIGNS and characters <= _YES_SIGNS | _FRIENDLY:
        return Reply.CONFIRM
    return Reply.CANCEL if characters <= _NO_SIGNS else Reply.UNSURE
