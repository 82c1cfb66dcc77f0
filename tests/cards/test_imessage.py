"""A card in iMessage: everything that may not be left out is there, or it is said that there is more to open."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cards import imessage
from cards.imessage import CAPTION_CHARS, MAX_BODY_CHARS, MAX_URL_CHARS, SUBCAPTION_CHARS, Bubble, business, render, spoken
from halo_engine.model.card import Card, clarification_card
from halo_engine.model.draft import Change
from halo_engine.model.option import Option
from tests.cards.examples import CARDS
from tests.installation import Installation

EVERY = pytest.mark.parametrize("name", list(CARDS))
URL = "https://halo.example/m/dft_01jd9k7q3mf0jv7p2t8z6c4x5e?v=1"
NEW_YORK = ZoneInfo("America/New_York")


def with_warnings(*warnings: str, **given: Any) -> Card:
    return CARDS["draft_order"].model_copy(update={"warnings": warnings, "policies": (), **given})


def hidden_warnings(card: Card, bubble: Bubble) -> list[str]:
    """The warnings of a card that its bubble neither shows whole nor counts."""
    seen = f"{bubble['layout']['caption']} {bubble['layout']['subcaption']}"
    counted = re.search(r"(\d+) warnings?: open to read", bubble["layout"]["caption"])
    if counted and int(counted[1]) == len(card.warnings):
        return []
    return [warning for warning in card.warnings if warning not in seen]


def asking_for_times(*times: datetime | None) -> Card:
    options = [Option(label=str(time), reason="30 minutes later", starts=time) for time in times]
    return clarification_card(request_id="req_01jntp4zv0e4kr0x2s6m8w3b1q", question="Another time?", options=options, verb="BOOK")


class TestABubble:
    @EVERY
    def test_has_the_fields_of_a_message_and_of_its_template_and_no_other(self, name: str) -> None:
        bubble = render(CARDS[name], url=URL)
        assert set(bubble) == {"v", "kind", "session", "url", "layout", "summaryText", "accessibilityLabel", "hash"}
        assert set(bubble["layout"]) == {
            *("caption", "subcaption", "trailingCaption", "trailingSubcaption"),
            *("imageTitle", "imageSubtitle", "image", "mediaFileURL"),
        }

    @EVERY
    def test_fits_its_lines(self, name: str) -> None:
        layout = render(CARDS[name], url=URL)["layout"]
        assert len(layout["caption"]) <= CAPTION_CHARS
        assert len(layout["subcaption"] or "") <= SUBCAPTION_CHARS
        assert len(layout["trailingCaption"] or "") <= 24

    def test_of_a_later_card_takes_the_place_of_the_earlier_and_leaves_its_summary(self) -> None:
        draft, done = render(CARDS["draft_order"], url=URL), render(CARDS["done"], url=URL)
        assert draft["session"] == done["session"] is not None
        assert draft["summaryText"] == "Draft: Order paper towels and dish soap, $36.91"

    def test_names_the_picture_that_goes_with_it(self) -> None:
        layout = render(CARDS["done"], url=URL, image=b"picture")["layout"]
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", layout["image"] or "")
        assert render(CARDS["done"], url=URL)["layout"]["image"] is None

    def test_says_what_changed_instead_of_what_it_is(self) -> None:
        card = CARDS["terms_changed"]
        short = card.model_copy(update={"changes": card.changes[-1:]})
        assert (render(short, url=URL)["layout"]["subcaption"] or "").startswith(short.difference)
        # Never the beginning of it: what is cut off may be the dearest.
        for room in range(40, 120):
            long = card.model_copy(update={"changes": (Change(field="x", before="a", after="b", words=("word " * 30)[:room] + "end"),)})
            subcaption = render(long, url=URL)["layout"]["subcaption"] or ""
            assert subcaption.startswith((long.difference, "1 change: open to read"))
        many = card.model_copy(update={"changes": card.changes * 5})
        assert (render(many, url=URL)["layout"]["subcaption"] or "").startswith(f"{len(many.changes)} changes: open to read")

    def test_says_at_most_where_the_amount_is_a_range(self) -> None:
        card = CARDS["draft_order"].model_copy(update={"cost": "$30.00 – $36.91"})
        assert render(card, url=URL)["layout"]["trailingSubcaption"] == "at most"
        assert render(CARDS["draft_order"], url=URL)["layout"]["trailingSubcaption"] is None
        assert render(CARDS["done"], url=URL)["layout"]["trailingSubcaption"] == "charged"

    @EVERY
    def test_carries_the_hash_of_what_is_shown_and_none_that_confirms(self, name: str) -> None:
        bubble = render(CARDS[name], url=URL)
        assert bubble["hash"] == CARDS[name].hash
        assert (CARDS[name].draft_hash or "no hash") not in json.dumps(bubble)

    @pytest.mark.parametrize("url", ["", "javascript:alert(1)", "file:///etc/passwd", f"https://{'a' * MAX_URL_CHARS}"])
    def test_refuses_a_url_that_messages_would_refuse(self, url: str) -> None:
        with pytest.raises(ValueError, match="5000"):
            render(CARDS["done"], url=url)

    def test_takes_a_url_of_the_very_longest(self) -> None:
        longest = f"https://{'a' * (MAX_URL_CHARS - 8)}"
        assert len(render(CARDS["done"], url=longest)["url"]) == MAX_URL_CHARS


class TestAWarning:
    @EVERY
    def test_is_whole_or_counted_on_every_card(self, name: str) -> None:
        assert hidden_warnings(CARDS[name], render(CARDS[name], url=URL)) == []

    def test_that_fits_stands_in_the_bubble(self) -> None:
        card = with_warnings(
            "Late means $25.00.", summary="A table for 6.", approval=("Alex or Sam may confirm, and nobody else in this household may.",)
        )
        layout = render(card, url=URL)["layout"]
        assert layout["subcaption"] == "A table for 6. Late means $25.00. · 1 condition: open to read"
        assert "open to read" not in layout["caption"]

    def test_that_does_not_fit_is_counted_first_and_nothing_more_is_offered(self) -> None:
        layout = render(with_warnings("word " * 40), url=URL)["layout"]
        assert layout["caption"].startswith("1 warning: open to read")
        assert "word" not in str(layout)

    @pytest.mark.parametrize("count", [1, 2, 3, 12])
    @pytest.mark.parametrize("chars", [1, 20, 28, 29, 30, 31, 32, 40, 59, 60, 61, 89, 90, 91, 499, 500, 501, 5000])
    def test_is_never_lost_whatever_its_length(self, count: int, chars: int) -> None:
        for summary in ("s", "s" * 300, ""):
            card = with_warnings(*("w" * chars for _ in range(count)), title="Draft: " + "t" * 300, summary=summary)
            assert hidden_warnings(card, render(card, url=URL)) == []

    def test_lost_by_a_planted_bug_is_missed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imessage, "_warnings_fit", lambda _card: False)
        monkeypatch.setattr(imessage, "_caption", lambda card: card.title)
        card = CARDS["draft_book"]
        assert hidden_warnings(card, render(card, url=URL)) == list(card.warnings)

    def test_is_spoken_in_full_before_the_particulars(self) -> None:
        warning = " ".join(f"word{n}" for n in range(150))
        label = render(with_warnings(warning), url=URL)["accessibilityLabel"]
        assert label.index("word149") < label.index("Delivery")


class TestACondition:
    def test_is_counted_while_there_is_a_yes_to_give(self) -> None:
        card = CARDS["draft_order"]
        long = card.model_copy(
            update={"policies": (*card.policies, "What was opened cannot be sent back."), "approval": ("Alex may say yes.",)}
        )
        layout = render(long, url=URL)["layout"]
        assert "3 conditions: open to read" in (layout["subcaption"] or "")
        assert "open to read" not in str(render(long.model_copy(update={"buttons": ()}), url=URL)["layout"])


class TestTheSpokenLabel:
    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ("$36.91", "36 dollars and 91 cents"),
            ("$1.01", "1 dollar and 1 cent"),
            ("$49.00", "49 dollars"),
            ("$0.00", "0 dollars"),
            ("$0.50", "50 cents"),
            ("$1,234.50", "1234 dollars and 50 cents"),
            ("shipping +$1.20", "shipping plus 1 dollar and 20 cents"),
            ("-$3.00", "minus 3 dollars"),
            ("€2.02", "2 euros and 2 cents"),
            ("£1.01", "1 pound and 1 penny"),
            ("CA$5.00", "5 Canadian dollars"),
            ("$34.22 – $38.00", "34 dollars and 22 cents to 38 dollars"),
            ("$8.00 a month", "8 dollars a month"),
            ("Visa •••• 4242", "Visa ending in 4242"),
        ],
    )
    def test_says_it_in_words(self, written: str, said: str) -> None:
        assert spoken(written) == said

    @EVERY
    def test_has_no_sign_that_a_voice_stumbles_over(self, name: str) -> None:
        assert not set(render(CARDS[name], url=URL)["accessibilityLabel"]) & set("$€£×→•–\n\x1b")

    def test_numbers_the_options(self) -> None:
        label = render(CARDS["clarification"], url=URL)["accessibilityLabel"]
        assert "2: Amazon Basics 2-Ply, 12 Rolls, 17 dollars and 99 cents, The cheapest by the sheet. 3:" in label

    def test_is_not_swallowed_by_an_unfinished_escape(self) -> None:
        """The reason: an escape without an end takes everything after it along, and after a title come the warnings."""
        card = with_warnings("It cannot be undone.", title="Draft: x\x1b]0;")
        assert "It cannot be undone." in render(card, url=URL)["accessibilityLabel"]


class TestHostileText:
    def test_is_printable_everywhere(self) -> None:
        card = CARDS["hostile"]
        forms = [render(card, url=URL), *business(card, request_identifier="r", url=URL)]
        strings = [text for form in forms for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(form, ensure_ascii=False))]
        assert [text for text in strings if not text.replace("\\n", "").isprintable()] == []
        assert "\u202e" not in json.dumps(forms, ensure_ascii=False)

    def test_is_bounded(self) -> None:
        flood = CARDS["hostile"].model_copy(update={"title": "a" * 10**6, "summary": "b" * 10**6, "note": "c" * 10**6, "cost": "d" * 10**6})
        assert len(json.dumps(render(flood, url=URL))) < 25_000
        assert len(json.dumps(business(flood, request_identifier="r", url=URL))) < 25_000


def interactive(card: Card, **given: Any) -> dict[str, Any]:
    """The one interactive message of what is sent."""
    sent = business(card, **({"request_identifier": "r1", "url": URL} | given))
    (found,) = [message for message in sent if message["type"] == "interactive"]
    return dict(found["interactiveData"])


class TestAListPicker:
    def test_offers_the_options_with_their_reasons(self) -> None:
        data = interactive(CARDS["clarification"])
        items = data["data"]["listPicker"]["sections"][0]["items"]
        assert [item["identifier"] for item in items] == ["1", "2", "3"]
        assert items[0]["subtitle"] == "You bought these in January."
        assert "subtitle" not in items[2]
        assert data["receivedMessage"]["title"] == "Which paper towels?"

    def test_takes_one_answer_to_this_very_question(self) -> None:
        data = interactive(CARDS["clarification"], request_identifier="opaque")["data"]
        assert data["requestIdentifier"] == "opaque"
        assert data["listPicker"]["sections"][0]["multipleSelection"] is False


class TestAQuickReply:
    def test_offers_the_buttons_of_a_draft_after_its_terms(self) -> None:
        told, _ = business(CARDS["draft_book"], request_identifier="r1", url=URL)
        assert told["type"] == "text"
        assert CARDS["draft_book"].warnings[0] in told["body"]
        items = interactive(CARDS["draft_book"])["data"]["quick-reply"]["items"]
        assert items == [
            {"identifier": "confirm", "title": "Confirm"},
            {"identifier": "modify", "title": "Modify"},
            {"identifier": "cancel", "title": "Cancel"},
        ]

    @EVERY
    def test_keeps_to_the_limits(self, name: str) -> None:
        for message in business(CARDS[name], request_identifier="r1", url=URL):
            if message["type"] == "text":
                assert 0 < len(message["body"]) <= MAX_BODY_CHARS
            elif "quick-reply" in message["interactiveData"]["data"]:
                assert 1 <= len(message["interactiveData"]["data"]["quick-reply"]["items"]) <= 5

    def test_offers_no_yes_to_terms_that_could_not_all_be_sent(self) -> None:
        """The reason: a warning beyond the 3,000th character was not read by anybody."""
        card = with_warnings("w" * 2000, "v" * 2000)
        told, reply = business(card, request_identifier="r1", url=URL)
        assert told["type"] == "text"
        assert told["body"].endswith(f"2 warnings: open to read\n{URL}")
        assert "confirm" not in json.dumps(reply).casefold()

    def test_is_left_out_where_nothing_can_be_pressed(self) -> None:
        assert [message["type"] for message in business(CARDS["executing"], request_identifier="r1", url=URL)] == ["text"]


class TestATimePicker:
    def test_offers_the_times_in_utc(self) -> None:
        card = asking_for_times(datetime(2026, 3, 4, 19, 0, tzinfo=NEW_YORK), datetime(2026, 3, 4, 20, 30, tzinfo=NEW_YORK))
        event = interactive(card, slot_s=5400)["data"]["event"]
        assert event["timeslots"] == [
            {"identifier": "1", "startTime": "2026-03-05T00:00+0000", "duration": 5400},
            {"identifier": "2", "startTime": "2026-03-05T01:30+0000", "duration": 5400},
        ]
        assert event["timezoneOffset"] == -300

    def test_tells_the_two_halves_of_a_night_apart_in_which_the_clocks_go_back(self) -> None:
        twice = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)
        slots = interactive(asking_for_times(twice, twice.replace(fold=1)))["data"]["event"]["timeslots"]
        assert [slot["startTime"] for slot in slots] == ["2026-11-01T05:30+0000", "2026-11-01T06:30+0000"]

    def test_offers_the_times_of_the_place_wherever_the_household_is(self, tmp_path: Path) -> None:
        """The reason: half past ten in San Francisco is not half past ten in New York, and a picker shows an instant."""
        card = Installation.open(tmp_path).ask("book a table for two at Nopa tomorrow at 3am")
        event = interactive(card)["data"]["event"]
        pacific = ZoneInfo("America/Los_Angeles")
        shown = [datetime.fromisoformat(slot["startTime"]).astimezone(pacific) for slot in event["timeslots"]]
        assert [f"{at:%H:%M}" for at in shown] == [option.label for option in card.options]
        assert event["timezoneOffset"] == -480

    @pytest.mark.parametrize(
        "card",
        [
            asking_for_times(datetime(2026, 3, 4, 19, 0, tzinfo=NEW_YORK), datetime(2026, 3, 4, 19, 0, tzinfo=NEW_YORK)),
            asking_for_times(datetime(2026, 3, 4, 19, 0, tzinfo=NEW_YORK), None),
            CARDS["clarification"],
        ],
        ids=["one time at two places", "not a time", "no times"],
    )
    def test_is_a_list_where_it_is_not_about_times_alone(self, card: Card) -> None:
        assert "listPicker" in interactive(card)["data"]
