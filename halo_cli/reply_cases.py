"""How well replies are heard: every case of `fixtures/utterances/replies.yaml`, said to a card of every verb. `halo eval` prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from halo_engine.model.reply import Reply
from halo_engine.parsing.replies import heard
from halo_engine.verbs import VERBS
from halo_sim.data import fixtures_root

#: What the set is called.
NAME = "replies"


@dataclass(frozen=True)
class Heard:
    """A reply to a card about `verb`: what it meant, and what was heard."""

    text: str
    verb: str
    meant: Reply
    said: Reply

    @property
    def is_right(self) -> bool:
        return self.said is self.meant

    @property
    def is_false_confirm(self) -> bool:
        """The one error that could spend: a yes that nobody gave."""
        return self.said is Reply.CONFIRM and not self.is_right


def run() -> tuple[Heard, ...]:
    """Every reply to a card of every verb."""
    cases = yaml.safe_load((fixtures_root() / "utterances" / f"{NAME}.yaml").read_text(encoding="utf-8"))["cases"]
    return tuple(Heard(case["text"], verb, Reply(case["reply"]), heard(case["text"], about=verb)) for case in cases for verb in VERBS)


def right(replies: Sequence[Heard], meant: Reply) -> tuple[int, int]:
    """How many of those that mean `meant` were heard as it, and how many there are."""
    of_it = [reply for reply in replies if reply.meant is meant]
    return sum(reply.is_right for reply in of_it), len(of_it)
