"""What proves one execution: which events, whether they are all there, and what they tell a third person."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from halo_engine.model.canonical import canonical_json
from halo_engine.model.event import Event
from halo_engine.model.proof import EFFECTS, EventProof, ReceiptProof, discloses, gate, is_whole
from tests.halo_engine.model.samples import event, terms

HASH = "ab" * 32
OF_IT = {"draft_id": "dft_1", "draft_hash": HASH, "execution_id": "exe_1"}


def happened(event_type: str, entity_id: str, **payload: Any) -> Event:
    return event(event_type=event_type, entity_id=entity_id, payload=payload)


CREATED = happened("draft.created", "dft_1", draft_hash=HASH)
REVISED = happened("draft.revised", "dft_1", draft_hash=HASH)
CONFIRMED = happened("draft.confirmed", "dft_1", draft_hash=HASH)
SENT = happened("execution.submitting", "exe_1")
DONE = happened("execution.done", "exe_1")
PARTIAL = happened("execution.partial", "exe_1")
STORED = happened("receipt.stored", "rct_1", execution_id="exe_1")


class TestTheGate:
    @pytest.mark.parametrize("one", [CREATED, REVISED, CONFIRMED, SENT, DONE, PARTIAL, STORED], ids=lambda one: one.event_type)
    def test_is_made_of_each_of_these(self, one: Event) -> None:
        assert gate([one], **OF_IT) == (one,)

    @pytest.mark.parametrize(
        "other",
        [
            happened("draft.created", "dft_2", draft_hash=HASH),
            happened("draft.revised", "dft_1", draft_hash="cd" * 32),
            happened("draft.confirmed", "dft_1"),
            happened("draft.cancelled", "dft_1", draft_hash=HASH),
            happened("execution.submitting", "exe_2"),
            happened("execution.done", "exe_2"),
            happened("execution.failed", "exe_1"),
            happened("receipt.stored", "exe_1", execution_id="exe_2"),
            happened("request.parsed", "req_1"),
        ],
        ids=lambda other: f"{other.event_type} of {other.entity_id}",
    )
    def test_is_made_of_no_other(self, other: Event) -> None:
        """Of another draft, other terms, another execution, or of another kind."""
        assert gate([CREATED, other, CONFIRMED], **OF_IT) == (CREATED, CONFIRMED)


class TestTheStory:
    @pytest.mark.parametrize(
        "told",
        [
            (CREATED, CONFIRMED, SENT, DONE, STORED),
            (REVISED, CONFIRMED, SENT, PARTIAL, STORED),
            (CREATED, CONFIRMED, SENT, SENT, DONE, STORED),
        ],
    )
    def test_is_whole_from_the_terms_to_the_receipt(self, told: tuple[Event, ...]) -> None:
        """Also where it was sent again, because the vendor had lost it."""
        assert is_whole(told) is True

    @pytest.mark.parametrize("missing", range(5))
    def test_is_not_whole_without_one_of_them(self, missing: int) -> None:
        told = [CREATED, CONFIRMED, SENT, DONE, STORED]
        assert is_whole([*told[:missing], *told[missing + 1 :]]) is False
        assert is_whole(told[:missing]) is False
        assert is_whole([*told[:missing], REVISED, *told[missing + 1 :]]) is (missing == 0)

    def test_is_told_in_the_order_in_which_it_happened(self) -> None:
        assert is_whole((CONFIRMED, CREATED, SENT, DONE, STORED)) is False
        assert is_whole((CREATED, CONFIRMED, SENT, STORED, DONE)) is False
        assert is_whole((CREATED, CONFIRMED, SENT, DONE, SENT, DONE, STORED)) is False

    def test_ends_in_one_of_two_ways(self) -> None:
        """What failed has no receipt."""
        assert EFFECTS == ("execution.done", "execution.partial")


class TestAnEventsProof:
    def test_has_the_leaf_its_place_and_the_path(self) -> None:
        """In the log's own form, counted from 0 as the standard does."""
        one = event(seq=1)
        found = EventProof.of(one, [b"\x00" * 32, b"\xff" * 32])
        assert (found.index, found.leaf) == (0, one.leaf().decode())
        assert [base64.b64decode(each) for each in found.path] == [b"\x00" * 32, b"\xff" * 32]
        assert EventProof.of(event(seq=12), []).index == 11

    def test_is_of_no_place_before_the_first(self) -> None:
        with pytest.raises(ValueError, match="index"):
            EventProof(index=-1, leaf="{}", path=())


def proof(**given: Any) -> ReceiptProof:
    """Of the sample terms, where nothing else is said."""
    told = canonical_json(terms(**given).material()).decode()
    of_the_events = (EventProof.of(CREATED, [bytes(32)]),)
    return ReceiptProof(checkpoint="checkpoint", key="key", events=of_the_events, terms=told, receipt='Thank you, "Jo" and Zoë')


class TestAProof:
    def test_is_a_file_of_canonical_json_with_a_newline(self) -> None:
        """So that there is one way to write it, and its format is in it."""
        text = proof().text
        assert text == f"{canonical_json(json.loads(text)).decode()}\n"
        assert json.loads(text)["format"] == "halo/receipt-proof/v1"
        assert ReceiptProof.model_validate_json(text) == proof()

    def test_says_what_it_discloses(self) -> None:
        """Everything of it, so that whoever hands it on knows."""
        assert discloses(proof(), names=()) == (
            "what was confirmed: Order paper towels and dish soap, with each line, charge and policy, from Amazon",
            "how it was paid: Visa •••• 4242",
            "how it was to be fulfilled: delivery, to",
            "what the vendor was asked for, word for word: asin, quantity, ship_to",
            "the receipt, word for word",
            "when it was shown, confirmed, sent and done, and the ids of who asked and who confirmed",
            "how many events the log has, and nothing of the others",
        )

    def test_says_nothing_of_what_is_not_in_it(self) -> None:
        bare = discloses(proof(payment_method=None, fulfilment=(), instruction={}), names=())
        assert bare[1] == "how it was paid: not at all"
        assert len(bare) == 5

    def test_names_whoever_stands_in_it(self) -> None:
        """By the whole name, in any script, also where JSON writes it otherwise."""
        names = ("Alex", "Zoë", '"Jo"', "UZoë", "Zoëx")
        assert 'names of members: Zoë, "Jo"' in discloses(proof(), names=names)
