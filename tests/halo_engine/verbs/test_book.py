"""BOOK, as a card shows it: what a table costs and binds to, and what stands in its way."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import VendorFailed
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.vendors.square import Square
from halo_engine.verbs.book import DESKS, Book, _desk
from halo_engine.verbs.booking import which_of_two
from tests.installation import Installation


def table(home: Installation, words: str) -> Card:
    """The draft, at the nearest time where the one asked for is not free."""
    card = home.ask(words)
    return home.ask("1", answers=card.request_id) if card.kind is CardKind.CLARIFICATION else card


class TestFees:
    def test_are_told_for_each_guest_and_for_all(self, home: Installation) -> None:
        """Ten dollars a head are sixty for six, for cancelling late and for not coming."""
        card = table(home, "book a table for 6 at Nopa tomorrow at 7:30pm")
        assert "Cancelling late costs $10.00 per person, $60.00 for 6." in card.warnings
        assert "Not showing up costs $10.00 per person, $60.00 for 6." in card.warnings

    def test_that_rise_after_the_yes_stop_it(self, home: Installation) -> None:
        """They are terms like any other."""
        card = table(home, "book a table for 6 at Nopa tomorrow at 7:30pm")
        home.fault("fee_changed", amount=1)
        assert home.carry_out(card).status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()

    def test_that_are_none_are_not_mentioned(self, home: Installation) -> None:
        """No warning without a reason."""
        assert table(home, "book a table for 2 at Thai Basil House tomorrow at 7pm").warnings == ()

    def test_paid_in_advance_are_the_total(self, home: Installation) -> None:
        """A deposit is charged now, and irreversible money is told as such."""
        card = table(home, "book a table for 2 at Maison Clavel saturday at 7pm")
        assert (card.cost, card.warnings[0]) == ("$150.00", "A deposit of $150.00 ($75.00 per person) is charged now.")
        execution = home.carry_out(card)
        assert execution.final_cost == home.ledger()[0].charged == Money(cents=15000)


class TestATableInTheWay:
    @pytest.fixture
    def dinner(self, home: Installation) -> str:
        """Dinner tomorrow in New York; the time of it."""
        card = table(home, "book a table for 2 at Thai Basil House tomorrow at 7pm")
        home.carry_out(card)
        return str(home.ledger()[0].detail["time"])[:5]

    def test_is_a_warning_and_so_a_term(self, home: Installation, dinner: str) -> None:
        """The household cannot sit at two tables."""
        second = table(home, f"book a table for 2 at Noodle Pavilion tomorrow at {dinner}")
        said = f"The household has a reservation at Thai Basil House on Wed 4 Mar {dinner} for 2 already."
        assert said in second.warnings
        with home.queries() as queries:
            assert said in queries.draft(str(second.draft_id)).terms.warnings

    def test_on_another_day_is_none(self, home: Installation, dinner: str) -> None:
        """Tomorrow's dinner does not stand in the way of the one after."""
        other = table(home, f"book a table for 2 at Noodle Pavilion on friday at {dinner}")
        assert not any("already" in warning for warning in other.warnings)

    def test_that_was_booked_after_the_card_was_drawn_stops_it(self, home: Installation) -> None:
        """It was not on the card that was confirmed."""
        first = table(home, "book a table for 2 at Thai Basil House tomorrow at 7pm")
        second = table(home, "book a table for 2 at Noodle Pavilion tomorrow at 7pm")
        home.carry_out(first)
        assert home.carry_out(second).status is ExecutionStatus.TERMS_CHANGED
        assert len(home.ledger()) == 1


class TestADesk:
    def test_is_named_in_its_instruction_and_its_terms(self, home: Installation) -> None:
        """So that a look-up asks the vendor that was booked with."""
        for words, vendor in (
            ("book a haircut at Shear Joy on friday at 3pm", "square"),
            ("book a table for 2 at Nopa tomorrow at 7pm", "resy"),
        ):
            with home.queries() as queries:
                terms = queries.draft(str(table(home, words).draft_id)).terms
            assert (terms.vendor, terms.instruction["vendor"]) == (vendor, vendor)

    def test_that_nobody_knows_is_an_error_in_words(self) -> None:
        """Terms of another version of Halo."""
        with pytest.raises(VendorFailed, match="opentable"):
            _desk("opentable")

    def test_exists_for_every_vendor_once(self) -> None:
        """Two of them."""
        assert {vendor: desk.recognises_repeats for vendor, desk in DESKS.items()} == {"resy": False, "square": True}
        assert Book.spec.name == "BOOK"


class TestATimeThatComesTwice:
    @pytest.mark.parametrize(
        ("instant", "said"),
        [
            ((2026, 11, 1, 5, 30), ", before the clocks go back"),
            ((2026, 11, 1, 6, 30), ", after the clocks went back"),
            ((2026, 11, 1, 7, 30), ""),
            ((2026, 3, 8, 7, 30), ""),
        ],
    )
    def test_says_which_of_the_two_it_is(self, instant: tuple[int, int, int, int, int], said: str) -> None:
        """Half past one in New York is two instants on the day the clocks go back, and a card must mean one."""
        assert which_of_two(datetime(*instant, tzinfo=UTC).astimezone(ZoneInfo("America/New_York"))) == said


class TestAServiceNobodyOffers:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("book a tattoo appointment on friday at 3pm", "offers “tattoo”"),
            ("book a haircut at Nowhere Hair on friday at 3pm", "at Nowhere Hair"),
            ("book a haircut at Shear Joy on monday at 3pm", "no time for haircut"),
        ],
    )
    def test_is_a_plain_no(self, home: Installation, words: str, says: str) -> None:
        """With no draft."""
        card = home.ask(words)
        assert card.kind is CardKind.UNAVAILABLE
        assert says in card.summary


class TestAPlantedBug:
    def test_a_new_key_for_every_try_loses_sight_of_the_booking(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the execution's own key the look-up finds nothing, and a booking that was made is not called done."""
        book = Square.book
        monkeypatch.setattr(Square, "book", lambda adapter, time, *, key: book(adapter, time, key=home.clock.token_hex(8)))
        card = home.ask("book a haircut at Shear Joy on friday at 3pm")
        home.fault("lose_answer", target="square.create_booking")
        assert home.carry_out(card).status is not ExecutionStatus.DONE
        assert len(home.ledger()) == 1
