"""What a person says to a card that waits for an answer."""

from __future__ import annotations

from enum import StrEnum


class Reply(StrEnum):
    """What words or a tapback say to a card."""

    CONFIRM = "confirm"
    MODIFY = "modify"
    CANCEL = "cancel"
    #: Something, but not which: ask again, do nothing.
    UNSURE = "unsure"
    #: Nothing at all: a tapback that was taken back, or is no answer.
    NONE = "none"


class Tapback(StrEnum):
    """The six reactions of Messages."""

    LOVE = "love"
    LIKE = "like"
    DISLIKE = "dislike"
    LAUGH = "laugh"
    EMPHASIZE = "emphasize"
    QUESTION = "question"
