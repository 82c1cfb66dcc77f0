"""ORDER: which product is meant, and what is asked where that is not clear."""

from __future__ import annotations

from halo_engine.model.card import CardKind
from tests.installation import Installation


class TestADetail:
    def test_goes_before_the_habit(self, home: Installation) -> None:
        """The household buys 48; who says 24 is asked which 24."""
        card = home.ask("order AA batteries 24 pack")
        assert card.kind is CardKind.CLARIFICATION
        assert all("24 Count" in option.label for option in card.options)


class TestTheOptions:
    def test_stand_by_price_and_say_so(self, home: Installation) -> None:
        """Without a history the cheapest is the first."""
        card = home.ask("order AAA batteries")
        prices = [int(option.reason.split(",")[0].removeprefix("$").replace(".", "")) for option in card.options]
        assert prices == sorted(prices)
        assert "the cheapest" in card.options[0].reason
