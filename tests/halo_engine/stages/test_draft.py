"""Drafting: words become terms, a question, or a plain no; and drafts are changed and dropped without being edited."""

from __future__ import annotations

import pytest

from halo_engine.model.card import Button, CardKind
from halo_engine.model.draft import DraftStatus
from halo_engine.model.errors import AlreadyCancelled, Conflict, DraftExpired, InvalidInput, NotFound, VendorFailed
from tests.installation import Installation


class TestADraft:
    def test_is_the_specifications_contract(self, home: Installation) -> None:
        """Title, summary, vendor, cost, payment, warnings and actions are there, and the hash belongs to them."""
        card = home.ask("order 2 packs of AA batteries")
        with home.queries() as queries:
            contract = queries.draft(str(card.draft_id)).contract()
        assert contract["title"].startswith("Draft: Order")
        assert (contract["vendor"], contract["estimated_cost_cents"]) == ("amazon", 4995)
        assert contract["payment_method_masked"] == "Visa •••• 0000"
        assert contract["actions"] == ["confirm", "modify", "cancel"]
        assert contract["warnings"]
        assert contract["draft_hash"] == card.draft_hash

    def test_buys_nothing(self, home: Installation) -> None:
        """A quote is no order."""
        home.ask("order 2 packs of AA batteries")
        assert home.ledger() == ()

    def test_never_repeats_a_hash(self, home: Installation) -> None:
        """The same words twice are two decisions."""
        assert home.ask("cancel streamly").draft_hash != home.ask("cancel streamly").draft_hash

    def test_says_what_it_left_out(self, home: Installation) -> None:
        """Of two requests the first is drafted, and the card says what was left."""
        card = home.ask("order 2 packs of AA batteries and cancel streamly")
        assert card.kind is CardKind.DRAFT
        assert "cancel streamly" in str(card.note)


class TestAClarification:
    def test_offers_up_to_three_products_with_reasons(self, home: Installation) -> None:
        """Without a history of it, several products are a question."""
        card = home.ask("order AAA batteries")
        assert card.kind is CardKind.CLARIFICATION
        assert 1 < len(card.options) <= 3
        assert all("$" in option.reason for option in card.options)

    def test_is_answered_by_number(self, home: Installation) -> None:
        """The chosen product is what is drafted."""
        asked = home.ask("order 3 AAA batteries")
        card = home.ask("2", answers=asked.request_id)
        assert card.kind is CardKind.DRAFT
        assert card.lines[0].quantity == 3
        assert asked.options[1].label in card.lines[0].text

    def test_is_answered_in_words(self, home: Installation) -> None:
        """A field that was asked for is filled by what is said next."""
        asked = home.ask("cancel my subscription")
        assert asked.kind is CardKind.CLARIFICATION
        assert home.ask("streamly", answers=asked.request_id).kind is CardKind.DRAFT

    def test_of_another_request_is_not_found(self, home: Installation) -> None:
        """Answers belong to a question of this household."""
        with pytest.raises(NotFound):
            home.ask("2", answers="req_01kjtdpp80ewsr5kkf8hzdd828")

    def test_that_nobody_asked_cannot_be_answered(self, home: Installation) -> None:
        """A finished request asks nothing any more."""
        done = home.ask("cancel streamly")
        with pytest.raises(Conflict):
            home.ask("2", answers=done.request_id)

    def test_is_not_answered_by_a_repeat_of_everything(self, home: Installation) -> None:
        """ "Same as last time" is no product, and "which tea?" must not buy last week's groceries."""
        asked = home.ask("order 3 tea")
        for words in ("same as last time", "the usual one"):
            again = home.ask(words, answers=asked.request_id)
            assert again.kind is CardKind.CLARIFICATION
            assert again.title == asked.title
            asked = again

    def test_gives_way_to_another_request(self, home: Installation) -> None:
        """Somebody who changes the subject is not asked about tea again."""
        asked = home.ask("order 3 tea")
        card = home.ask("cancel streamly", answers=asked.request_id)
        assert (card.kind, card.title) == (CardKind.DRAFT, "Draft: Cancel Streamly")

    def test_is_answered_without_adding_up(self, home: Installation) -> None:
        """Three are asked for, and the answer says which: it is still three."""
        asked = home.ask("order 3 tea")
        card = home.ask(asked.options[1].label, answers=asked.request_id)
        assert card.kind is CardKind.DRAFT
        assert card.lines[0].quantity == 3


class TestAPlainNo:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("order unobtainium batteries", "Amazon has no unobtainium batteries"),
            ("cancel netflix", "no subscription called"),
            ("order paper towels under $3", "more than your $3.00"),
            ("order 500 AA batteries", "at most"),
            ("book a tattoo appointment thursday at 3pm", "offers “tattoo”"),
            ("book a table for 2 at The Quiet Room tomorrow at 7pm", "no table"),
            ("book Velvet Hour for 2 tomorrow at 7pm", "people only"),
        ],
    )
    def test_says_why(self, home: Installation, words: str, says: str) -> None:
        """What Halo does but cannot have is said plainly, with no draft."""
        card = home.ask(words)
        assert card.kind is CardKind.UNAVAILABLE
        assert says in card.summary
        assert card.draft_id is None

    def test_of_a_vendor_in_trouble_is_an_error_that_loses_nothing(self, home: Installation) -> None:
        """The request is on record, and can be asked again."""
        home.fault("unavailable", times=99)
        with pytest.raises(VendorFailed):
            home.ask("order 2 packs of AA batteries")
        with home.queries() as queries:
            assert [entry.kind for entry in queries.activity(limit=9)] == ["request"]


class TestModifying:
    def test_that_changes_nothing_keeps_the_hash(self, home: Installation) -> None:
        """Another hash for the same terms would make every yes to them so far worthless."""
        first = home.ask("order 2 packs of AA batteries")
        with pytest.raises(InvalidInput, match="changes nothing"):
            home.engine.amend(str(first.draft_id), {"budget_cents": "80.00"}, member="Sam")
        with home.queries() as queries:
            assert queries.draft(str(first.draft_id)).draft_hash == first.draft_hash

    def test_makes_a_new_revision_and_keeps_the_old(self, home: Installation) -> None:
        """Both versions are in the books, word for word; the newer one stands."""
        first = home.ask("order 2 packs of AA batteries")
        second = home.engine.modify(str(first.draft_id), "make it 3", member=None)
        with home.queries() as queries:
            hashes = [draft.draft_hash for draft in queries.revisions(str(first.draft_id))]
        assert hashes == [first.draft_hash, second.draft_hash]
        assert {change.field for change in second.changes} >= {first.lines[0].text, "total"}

    @pytest.mark.parametrize("words", ["lorem ipsum", "make it 2", "yes", "cancel streamly", "ok?"])
    def test_with_words_that_change_nothing_leaves_it(self, home: Installation, words: str) -> None:
        """What is not understood as a change of this draft does not touch it."""
        card = home.ask("order 2 packs of AA batteries")
        with pytest.raises(InvalidInput):
            home.engine.modify(str(card.draft_id), words, member=None)
        with home.queries() as queries:
            assert queries.draft(str(card.draft_id)).draft_hash == card.draft_hash

    def test_to_what_cannot_be_had_leaves_it(self, home: Installation) -> None:
        """A change that the vendor cannot serve is refused, and the draft stands as it was."""
        card = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        with pytest.raises((Conflict, InvalidInput)):
            home.engine.modify(str(card.draft_id), "for 45 people", member=None)
        assert home.confirm(card)

    def test_to_one_of_several_things_asks_which(self, home: Installation) -> None:
        """And the draft stays as it was until it is said."""
        card = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        with pytest.raises(InvalidInput, match=r"\(1\) .* \(2\) ") as caught:
            home.engine.modify(str(card.draft_id), "at 3:17pm", member=None)
        assert "Say it with the answer in it." in caught.value.hint
        with home.queries() as queries:
            assert queries.draft(str(card.draft_id)).draft_hash == card.draft_hash

    def test_by_taking_something_away_asks_for_it(self, home: Installation) -> None:
        """A form can be emptied where it must not be."""
        card = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        with pytest.raises(InvalidInput) as caught:
            home.engine.amend(str(card.draft_id), {"party_size": ""}, member=None)
        assert caught.value.message.endswith("?")
        assert home.confirm(card)

    def test_an_expired_draft_says_so(self, home: Installation) -> None:
        """A draft whose time is over is not changed but asked for again."""
        card = home.ask("cancel streamly")
        home.later(seconds=home.settings.draft_lives_s)
        with pytest.raises(DraftExpired):
            home.engine.modify(str(card.draft_id), "right away", member=None)


class TestCancelling:
    def test_ends_the_draft_and_twice_is_once(self, home: Installation) -> None:
        """No is final, and saying it again changes nothing."""
        card = home.ask("cancel streamly")
        for _ in range(2):
            dropped = home.engine.cancel(str(card.draft_id), member=None)
            assert (dropped.kind, dropped.buttons, dropped.draft_hash) == (CardKind.CANCELLED, (), None)
        with pytest.raises(AlreadyCancelled):
            home.engine.modify(str(card.draft_id), "right away", member=None)


class TestHostileText:
    HOSTILE = "order \x1b[31m2 packs\x1b]8;;http://evil\x07 of \u202eAA\u200b batteries\x00 [red]now[/red] '; DROP TABLE draft;--"

    def test_is_kept_as_data(self, home: Installation) -> None:
        """Escapes, markup, SQL and hidden characters are words; the books hold and nothing is confirmed."""
        home.ask(self.HOSTILE)
        with home.queries() as queries:
            entry = queries.activity(limit=1)[0]
        assert entry.title
        assert home.verify().ok
        assert home.ledger() == ()

    def test_of_a_hundred_thousand_characters_has_an_answer(self, home: Installation) -> None:
        """Any length is read; what is no clear request is not supported."""
        assert home.ask("order milk " * 9_000).kind in set(CardKind) - {CardKind.DONE}
        assert home.ask("la " * 33_000).kind is CardKind.NOT_SUPPORTED


class TestExpiry:
    def test_is_told_by_the_time_and_not_stored(self, home: Installation) -> None:
        """An open draft past its time shows as expired everywhere, and waits for nobody."""
        card = home.ask("cancel streamly")
        assert Button.CONFIRM in card.buttons
        home.later(seconds=home.settings.draft_lives_s)
        with home.queries() as queries:
            assert queries.draft(str(card.draft_id)).status is DraftStatus.EXPIRED
            assert queries.waiting() == ()
            assert queries.activity(limit=1)[0].status == "expired"
