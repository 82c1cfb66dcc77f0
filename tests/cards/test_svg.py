"""The drawn card: golden pictures, nothing over the edge, nothing left out, and texts that try to be markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from syrupy.assertion import SnapshotAssertion

from cards import looks, svg, typesetting, words
from halo_engine.model.card import Card, CardKind
from tests.cards.examples import CARDS, every_text_of
from tests.cards.golden import Drawn
from tests.cards.hostile import ANY_TEXT, FLOOD, TEXTS, card_of, squeezed

EVERY = pytest.mark.parametrize("name", list(CARDS))
NS = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "g", "text", "tspan", "rect", "path"}
ATTRIBUTES = {
    *(
        "width",
        "height",
        "viewBox",
        "role",
        "aria-labelledby",
        "aria-hidden",
        "data-card-hash",
        "id",
        "x",
        "y",
        "rx",
        "d",
        "fill",
        "stroke",
    ),
    *("stroke-width", "stroke-linecap", "stroke-linejoin", "transform", "font-family", "font-size", "font-weight", "style", "text-anchor"),
    *("textLength", "lengthAdjust", "text-decoration", "{http://www.w3.org/XML/1998/namespace}space"),
}
STYLE = "font-feature-settings:'calt' 0"


def parsed(document: str) -> ET.Element:
    return ET.fromstring(document.encode())


def lines(root: ET.Element) -> list[str]:
    """The drawn lines, from the top to the bottom."""
    return ["".join(text.itertext()) for text in root.iter(f"{NS}text")]


def drawn(root: ET.Element) -> str:
    return squeezed("".join(lines(root)))


def extent(text: ET.Element) -> tuple[float, float]:
    """From where to where a line reaches."""
    size, x, anchor = float(text.get("font-size", "0")), float(text.get("x", "0")), text.get("text-anchor", "start")
    natural = sum(typesetting.width(span.text or "", size=size, weight=int(span.get("font-weight", "400"))) for span in text)
    wide = float(text.get("textLength", natural))
    left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
    return left, left + wide


def assert_sound(card: Card) -> ET.Element:
    """One well-formed picture of our own elements, in which all that may not be left out stands whole and can be seen."""
    document = svg.render(card)
    root = parsed(document)
    assert {element.tag.removeprefix(NS) for element in root.iter()} <= ELEMENTS
    assert {attribute for element in root.iter() for attribute in element.attrib} <= ATTRIBUTES
    assert {element.get("style") for element in root.iter()} == {None, STYLE}
    assert "".join(root.itertext()).replace("\n", "").isprintable()
    for text in words.harmless(card).disclosures:
        assert squeezed(text) in drawn(root)
    assert len(document.encode()) < 200_000
    return root


class TestGolden:
    @EVERY
    def test_looks_as_agreed(self, name: str, snapshot: SnapshotAssertion) -> None:
        assert svg.render(CARDS[name]) == snapshot(extension_class=Drawn)


class TestWhatIsShown:
    @EVERY
    def test_every_word_of_the_card_is_drawn(self, name: str) -> None:
        found = drawn(parsed(svg.render(CARDS[name])))
        assert [text for text in every_text_of(CARDS[name]) if squeezed(text) not in found] == []

    @EVERY
    def test_nothing_reaches_into_the_margins(self, name: str) -> None:
        root = parsed(svg.render(CARDS[name]))
        edges = [extent(text) for text in root.iter(f"{NS}text")]
        assert min(left for left, _ in edges) >= 21.9
        assert max(right for _, right in edges) <= 338.1
        assert max(float(text.get("y", "0")) for text in root.iter(f"{NS}text")) <= float(root.get("height", "0")) - 18

    def test_what_changed_stands_above_everything_but_the_title(self) -> None:
        found = drawn(parsed(svg.render(CARDS["terms_changed_delivery"])))
        assert found.index("Whatchanged") < found.index("Shipping+$1.20") < found.index("Thedeliverythatyouconfirmed")

    def test_a_former_value_is_struck_and_a_new_one_is_not(self) -> None:
        root = parsed(svg.render(CARDS["terms_changed_delivery"]))
        struck = [span.text for span in root.iter(f"{NS}tspan") if span.get("text-decoration")]
        assert struck == ["$0.00", "$2.95", "$36.91", "Sun 8 March, by 9 pm"]

    def test_a_rise_differs_from_a_fall_in_sign_and_in_ink(self) -> None:
        root = parsed(svg.render(CARDS["terms_changed_delivery"]))
        inks = {span.text: span.get("fill") for span in root.iter(f"{NS}tspan")}
        assert (inks["+$1.20"], inks["−$0.27"]) == (looks.LIGHT.rise, looks.LIGHT.fall)

    def test_it_says_itself_to_whoever_does_not_see_it(self) -> None:
        card = CARDS["draft_book"]
        root = parsed(svg.render(card))
        assert root.get("role") == "img"
        said = {element.get("id"): element.text for element in root if element.get("id")}
        assert root.get("aria-labelledby", "").split() == list(said)
        assert list(said.values()) == [card.title, card.alt_text]

    def test_it_carries_the_hash_of_the_card_as_it_was_given(self) -> None:
        root = parsed(svg.render(CARDS["hostile"]))
        assert root.get("data-card-hash") == CARDS["hostile"].hash
        assert f"Card {CARDS['hostile'].hash[:12]}" in lines(root)

    def test_the_dark_one_has_the_same_words(self) -> None:
        for card in CARDS.values():
            assert lines(parsed(svg.render(card))) == lines(parsed(svg.render(card, theme="dark")))

    def test_a_title_without_a_state_of_ours_is_shown_whole(self) -> None:
        card = CARDS["draft_order"].model_copy(update={"title": "Done: paid: twice"})
        assert "Done:paid:twice" in drawn(parsed(svg.render(card)))

    def test_the_state_comes_from_the_kind_and_never_from_a_text(self) -> None:
        card = CARDS["draft_order"].model_copy(update={"title": "Done: order"})
        assert lines(parsed(svg.render(card)))[0].startswith("Draft")

    def test_no_two_kinds_are_told_apart_by_colour_alone(self) -> None:
        assert len({look.word for look in looks.LOOKS.values()}) == len({look.mark for look in looks.LOOKS.values()}) == len(CardKind)


class TestHostileText:
    @pytest.mark.parametrize("sort", list(TEXTS))
    def test_stays_text(self, sort: str) -> None:
        assert_sound(card_of(TEXTS[sort]))

    def test_a_template_is_not_worked_out(self) -> None:
        assert "{{7*7}}" in drawn(assert_sound(card_of(TEXTS["template"])))

    def test_characters_the_font_lacks_stay_themselves_and_keep_to_their_measure(self) -> None:
        root = assert_sound(CARDS["other_scripts"])
        assert "伊藤園お〜いお茶" in drawn(root)
        foreign = [text for text in root.iter(f"{NS}text") if not typesetting.known("".join(text.itertext()))]
        assert foreign
        assert all(text.get("textLength") for text in foreign)

    def test_a_flood_in_every_place_is_bounded(self) -> None:
        assert_sound(card_of(FLOOD))

    def test_a_long_warning_is_drawn_to_its_last_word(self) -> None:
        warning = " ".join(f"word{n}" for n in range(400)) + " lastword"
        card = CARDS["draft_book"].model_copy(update={"warnings": (warning,), "policies": (warning,), "approval": (warning,)})
        assert drawn(assert_sound(card)).count("lastword") == 3

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=ANY_TEXT)
    def test_any_text_in_any_place_leaves_a_sound_picture(self, text: str) -> None:
        assert_sound(card_of(text))
