from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card, CardKind
from halo_engine.verbs.booking import BookParams
from tests.installation import NOON, Installation
from tests.torture.daylight import _a_shop_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """Next to a shop in New York that is open day and night."""
    with _a_shop_in("America/New_York"):
        installation = Installation.open(tmp_path / "home", clock=FakeClock(NOON))
        yield installation
        installation.engine.close()


def _start(home: Installation, card: Card) -> str:
    with home.queries() as queries:
        return str(queries.draft(str(card.draft_id)).terms.instruction["start_at"])


class TestATimeThatComesTwice:
    ASKED = "book a haircut at Shear Joy on 2026-11-01 at 01:30"

    @pytest.fixture
    def question(self, tmp_path: Path) -> Iterator[tuple[Installation, Card]]:
        """Asked three days before the clocks go back."""
        with _a_shop_in("America/New_York"):
            home = Installation.open(tmp_path / "home", clock=FakeClock(NOON.replace(month=10, day=29)))
            yield home, home.ask(self.ASKED)
            home.engine.close()

    def test_is_asked(self, question: tuple[Installation, Card]) -> None:
        """Both are offered, in their order."""
        _, card = question
        assert card.kind is CardKind.CLARIFICATION
        assert [option.label for option in card.options] == ["01:30, before the clocks go back", "01:30, after the clocks went back"]

    @pytest.mark.parametrize(("answer", "starts"), [("1", "2026-11-01T05:30:00Z"), ("2", "2026-11-01T06:30:00Z")])
    def test_is_booked_as_answered(self, question: tuple[Installation, Card], answer: str, starts: str) -> None:
        """Half past one in New York is an hour later in the rest of the world the second time."""
        home, card = question
        draft = home.ask(answer, answers=card.request_id)
        assert draft.kind is CardKind.DRAFT
        assert _start(home, draft) == starts


class TestATimeThatIsNot:
    def test_is_asked_for_another(self, home: Installation) -> None:
        """Half past two is left out when the clocks go forward; the question says so."""
        card = home.ask("book a haircut at Shear Joy on 2026-03-08 at 02:30")
        assert card.kind is CardKind.CLARIFICATION
        assert "there is no 02:30" in card.summary
        assert [option.label for option in card.options] == ["03:00", "01:45", "03:15"]

    def test_is_any_other_day_a_time_like_any_other(self, home: Installation) -> None:
        """A day later it is booked."""
        assert home.ask("book a haircut at Shear Joy on 2026-03-09 at 02:30").kind is CardKind.DRAFT


class TestTheChoiceOfTwo:
    def test_is_no_part_of_the_published_form(self) -> None:
        """It is there only where it says something, and no model is told of it."""
        assert "of_two" not in BookParams().model_dump(mode="json")
        assert BookParams(of_two="second").model_dump(mode="json")["of_two"] == "second"
        assert "of_two" not in BookParams.model_json_schema()["properties"]
