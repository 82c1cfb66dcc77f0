"""A card as iMessage takes it: `render` for a bubble that an app extension draws, `business` for Messages for Business. The bridge sends both.

The bubble is Halo's own JSON, one to one with `MSMessage` and `MSMessageTemplateLayout` (Apple developer documentation), so that a client only copies
fields. Its captions hold a few lines, and Messages cuts what is longer without a word. So a caption says a thing whole or says that there is more to
open: half a warning would be worse than none. Neither form carries a hash of terms or anything else that would be a yes by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypedDict

from cards import text
from cards.words import MAX_WARNING_CHARS
from halo_engine.model.card import Button, Card
from halo_engine.model.option import Option
from halo_engine.model.text import inert

#: `MSMessageErrorCode.urlExceedsMaxSize`.
MAX_URL_CHARS = 5000
#: A text in Messages for Business, from a provider's documentation.
MAX_BODY_CHARS = 3000
#: A quick reply has 1 to 5 items.
MAX_ITEMS = 5
#: Three lines beside an amount on the narrowest telephone, at the standard size of type.
CAPTION_CHARS = 75
#: The same in the smaller type below.
SUBCAPTION_CHARS = 90
_AMOUNT_CHARS = 24
_SUMMARY_CHARS = 120
_TITLE_CHARS, _SUBTITLE_CHARS = 120, 250

_BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps.messages.business.extension"


class Layout(TypedDict):
    """`MSMessageTemplateLayout`. None leaves a place empty; `image` is `sha256:` and the digest of the bytes that the sender attaches."""

    caption: str
    subcaption: str | None
    trailingCaption: str | None
    trailingSubcaption: str | None
    imageTitle: str | None
    imageSubtitle: str | None
    image: str | None
    mediaFileURL: str | None


class Bubble(TypedDict):
    """`MSMessage`. `session` names the `MSSession`: a later message of it takes the place of the earlier, which leaves its `summaryText` behind."""

    v: Literal[1]
    kind: str
    session: str | None
    url: str
    layout: Layout
    summaryText: str
    accessibilityLabel: str
    #: Of all that the card shows, so that two clients can tell whether they show the same.
    hash: str


class Item(TypedDict, total=False):
    """An item of a list picker, or of a quick reply, which has no more than its first two fields."""

    identifier: str
    title: str
    subtitle: str
    order: int
    style: str


class Section(TypedDict):
    """Items of a list picker under one heading."""

    title: str
    order: int
    multipleSelection: bool
    items: list[Item]


class ListPicker(TypedDict):
    sections: list[Section]


class QuickReply(TypedDict):
    summaryText: str
    items: list[Item]


class Slot(TypedDict):
    """`startTime` in UTC, as `2026-12-05T00:00+0000`; `duration` in seconds."""

    identifier: str
    startTime: str
    duration: int


class Event(TypedDict):
    """A time picker. `timezoneOffset` is the place's, in minutes east of UTC."""

    identifier: str
    title: str
    timezoneOffset: int
    timeslots: list[Slot]


#: With a hyphen, as Apple spells it.
Data = TypedDict(
    "Data",
    {"version": str, "requestIdentifier": str, "listPicker": ListPicker, "quick-reply": QuickReply, "event": Event},
    total=False,
)


class Told(TypedDict, total=False):
    """What the bubble of an interactive message says, before and after it was answered."""

    title: str
    subtitle: str
    style: Literal["icon", "small", "large"]


class InteractiveData(TypedDict):
    bid: str
    data: Data
    receivedMessage: Told
    replyMessage: Told


class TextMessage(TypedDict):
    """Plain words. The sender adds `id`, `sourceId` and `destinationId` to every message."""

    v: Literal[1]
    type: Literal["text"]
    body: str


class InteractiveMessage(TypedDict):
    """Something to choose from. A reply echoes its `requestIdentifier`; one that does not is no answer to it."""

    v: Literal[1]
    type: Literal["interactive"]
    interactiveData: InteractiveData


BusinessMessage = TextMessage | InteractiveMessage


def render(card: Card, *, url: str, image: bytes | None = None) -> Bubble:
    """`card` as a bubble that opens `url` (`model.link`). Raises `ValueError` for a URL that Messages would refuse."""
    return Bubble(
        v=1,
        kind=card.kind.value,
        session=card.session,
        url=_sendable(url),
        layout=_layout(card, image),
        summaryText=_summary(card),
        accessibilityLabel=_label(card),
        hash=card.hash,
    )


def business(card: Card, *, request_identifier: str, url: str, slot_s: int = 3600) -> tuple[BusinessMessage, ...]:
    """`card` as messages to send one after the other: a question is something to choose from, anything else a text with its buttons after it.

    Items are identified by their number, counting from 1, or by their button (`confirm`). A question about times is a time picker; `slot_s` is how
    long to show each, which no vendor tells before a draft. Raises `ValueError` as `render` does.
    """
    if card.options:
        return (_interactive(_chooser(card, request_identifier, slot_s), received=_asks(card), chosen="Chosen"),)
    body, is_whole = _body(card, _sendable(url))
    # Whoever has not been shown every term is not asked for a yes to them.
    buttons = [button for button in card.buttons if is_whole or button is not Button.CONFIRM]
    told = TextMessage(v=1, type="text", body=body)
    if not buttons:
        return (told,)
    reply = QuickReply(
        summaryText=_summary(card), items=[Item(identifier=_name(button), title=button.value) for button in buttons[:MAX_ITEMS]]
    )
    data: Data = {"version": "1.0", "requestIdentifier": request_identifier, "quick-reply": reply}
    return (told, _interactive(data, received=Told(title=inert(card.title, max_chars=_TITLE_CHARS), style="small"), chosen="Answered"))


# The bubble


def _layout(card: Card, image: bytes | None) -> Layout:
    return Layout(
        caption=_caption(card),
        subcaption=_subcaption(card) or None,
        trailingCaption=inert(card.cost, max_chars=_AMOUNT_CHARS) if card.cost else None,
        trailingSubcaption=_about_the_amount(card),
        # Messages writes these over the picture, which is the card itself.
        imageTitle=None,
        imageSubtitle=None,
        image=f"sha256:{hashlib.sha256(image).hexdigest()}" if image else None,
        mediaFileURL=None,
    )


def _caption(card: Card) -> str:
    """What it is; before it, that there are warnings, where they do not stand whole in the lines below."""
    notice = "" if _warnings_fit(card) else f"{_counted(len(card.warnings), 'warning')}: open to read · "
    return notice + inert(card.title, max_chars=CAPTION_CHARS - len(notice))


def _subcaption(card: Card) -> str:
    """What is done or what changed; then the warnings, where they fit; then policies and who may say yes, while there is a yes to give."""
    conditions = (*card.policies, *card.approval) if Button.CONFIRM in card.buttons else ()
    warnings = card.warnings if _warnings_fit(card) else ()
    said = _said(card, SUBCAPTION_CHARS)
    if not (warnings or conditions):
        return said
    whole = _joined((said, *warnings, *conditions))
    if len(whole) <= SUBCAPTION_CHARS:
        return whole
    notice = f"{_counted(len(conditions), 'condition')}: open to read"
    room = SUBCAPTION_CHARS - len(notice) - len(" · ")
    # Warnings that fit do so beside this notice.
    return f"{_joined((said, *warnings)) if warnings else _said(card, room)} · {notice}"


def _said(card: Card, room: int) -> str:
    """What changed, whole or counted, where something did; else what would be done."""
    if not card.changes:
        return inert(card.summary, max_chars=room)
    changed = inert(card.difference)
    return changed if changed and len(changed) <= room else f"{_counted(len(card.changes), 'change')}: open to read"


def _warnings_fit(card: Card) -> bool:
    """Whether they all stand whole below the caption, with room for a notice after them."""
    whole = _joined((_said(card, SUBCAPTION_CHARS), *card.warnings))
    return not card.warnings or len(whole) <= SUBCAPTION_CHARS - len(" · 99 conditions: open to read")


def _about_the_amount(card: Card) -> str | None:
    if card.cost is None:
        return None
    if card.execution_id:
        return "charged"
    return "at most" if card.maximum and card.cost != card.maximum.display else None


def _summary(card: Card) -> str:
    """One line of it, for a list or for what is left of a replaced card."""
    cost = f", {inert(card.cost, max_chars=_AMOUNT_CHARS)}" if card.cost else ""
    return inert(card.title, max_chars=_SUMMARY_CHARS - len(cost)) + cost


def _label(card: Card) -> str:
    """The card as it is spoken. What may not be left out comes before the particulars, since a listener may stop there."""
    said = [card.title, card.summary, card.difference, f"{_amount_name(card)}: {card.cost}" if card.cost else ""]
    said += [f"Warning: {warning}" for warning in card.warnings]
    said += [*card.policies, *card.approval]
    said += [f"{f'{line.quantity} of ' if (line.quantity or 1) > 1 else ''}{line.text}, {line.amount}" for line in card.lines]
    said += [f"{row.label}: {row.text}" for row in card.rows]
    said += [f"{position}: {option.label}, {option.reason}".rstrip(", ") for position, option in enumerate(card.options, 1)]
    said += [card.note or "", "Open to answer." if card.buttons or card.options else ""]
    return spoken(_joined(said, max_chars=MAX_WARNING_CHARS))


def _amount_name(card: Card) -> str:
    return "Charged" if card.execution_id else "Cost"


_ENDS = (".", "?", "!", "…", "。", "？", "！")


def _joined(parts: Sequence[str], *, max_chars: int = 500) -> str:
    """Sentences one after the other, each made harmless by itself: an unfinished escape in one must not swallow the next."""
    sentences = (inert(part, max_chars=max_chars) for part in parts)
    return " ".join(sentence if sentence.endswith(_ENDS) else f"{sentence}." for sentence in sentences if sentence)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


# What a voice says well

_AMOUNT = re.compile(
    r"(?P<sign>(?<!\w)[+\-−])?(?P<symbol>CA\$|A\$|\$|€|£)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<part>[0-9]{2}))?(?![0-9])"
)
_UNITS = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "CA$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}


def spoken(words: str) -> str:
    """`words` with what a screen reader stumbles over said in words: $36.91 is 36 dollars and 91 cents."""
    said = _AMOUNT.sub(_spoken_amount, words)
    for sign, instead in (
        (" – ", " to "),
        ("×", " times "),
        (" → ", " to "),
        (" · ", ", "),
        ("•••• ", "ending in "),
        ("••••", "ending in "),
    ):
        said = said.replace(sign, instead)
    return " ".join(said.split())


def _spoken_amount(match: re.Match[str]) -> str:
    one, many, cent, cents = _UNITS[match["symbol"]]
    whole, part = int(match["whole"].replace(",", "")), int(match["part"] or 0)
    said = [f"{whole} {one if whole == 1 else many}"] * bool(whole or not part)
    said += [f"{part} {cent if part == 1 else cents}"] * bool(part)
    sign = {"+": "plus ", None: ""}.get(match["sign"], "minus ")
    return sign + " and ".join(said)


# Messages for Business


def _body(card: Card, url: str) -> tuple[str, bool]:
    """The card in words, and whether they are all there; where they are too many, what it is about and where to read it."""
    whole = text.render(card)
    if len(whole) <= MAX_BODY_CHARS:
        return whole, True
    notices = [
        f"{_counted(len(each), name)}: open to read" for each, name in ((card.warnings, "warning"), (card.policies, "policy")) if each
    ]
    head = [inert(card.title, max_chars=_SUBTITLE_CHARS), inert(card.cost or "", max_chars=_AMOUNT_CHARS), *notices]
    short = "\n".join(line for line in head if line)
    return f"{short}\n{url}" if len(short) + len(url) < MAX_BODY_CHARS else short, False


def _chooser(card: Card, request_identifier: str, slot_s: int) -> Data:
    starts = [option.starts for option in card.options if option.starts]
    data: Data = {"version": "1.0", "requestIdentifier": request_identifier}
    # Compared as instants: two times of one zone are equal by the clock alone, and one comes twice where the clocks go back.
    if len({start.astimezone(UTC) for start in starts}) == len(card.options):
        data["event"] = _event(card, starts, slot_s)
    else:
        items = [_item(position, option) for position, option in enumerate(card.options)]
        section = Section(title=inert(card.summary, max_chars=_TITLE_CHARS), order=0, multipleSelection=False, items=items)
        data["listPicker"] = ListPicker(sections=[section])
    return data


def _item(position: int, option: Option) -> Item:
    item = Item(identifier=str(position + 1), title=inert(option.label, max_chars=_TITLE_CHARS), order=position, style="default")
    return item | Item(subtitle=inert(option.reason, max_chars=_SUBTITLE_CHARS)) if option.reason else item


def _event(card: Card, starts: Sequence[datetime], slot_s: int) -> Event:
    offset = starts[0].utcoffset()
    slots = [
        Slot(identifier=str(number), startTime=f"{start.astimezone(UTC):%Y-%m-%dT%H:%M}+0000", duration=slot_s)
        for number, start in enumerate(starts, 1)
    ]
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    return Event(identifier="times", title=inert(card.summary, max_chars=_TITLE_CHARS), timezoneOffset=minutes, timeslots=slots)


def _asks(card: Card) -> Told:
    told = Told(title=inert(card.summary, max_chars=_TITLE_CHARS), style="small")
    return told | Told(subtitle=inert(card.note, max_chars=_SUBTITLE_CHARS)) if card.note else told


def _interactive(data: Data, *, received: Told, chosen: str) -> InteractiveMessage:
    interactive = InteractiveData(bid=_BID, data=data, receivedMessage=received, replyMessage=Told(title=chosen, style="small"))
    return InteractiveMessage(v=1, type="interactive", interactiveData=interactive)


def _name(button: Button) -> str:
    return button.value.lower().replace(" ", "_")


def _sendable(url: str) -> str:
    if not url.startswith(("https://", "http://")) or len(url) > MAX_URL_CHARS:
        raise ValueError(f"a bubble's URL is http or https and no longer than {MAX_URL_CHARS} characters")
    return url
