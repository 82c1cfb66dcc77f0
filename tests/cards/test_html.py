"""The web page of a card: it reads well, asks nothing of anybody, and can do nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from syrupy.assertion import SnapshotAssertion

from cards import html, words
from halo_engine.model.card import Card
from tests.cards.examples import CARDS, every_text_of
from tests.cards.golden import Page
from tests.cards.hostile import ANY_TEXT, FLOOD, TEXTS, card_of, squeezed

EVERY = pytest.mark.parametrize("name", list(CARDS))
VOID = {"meta", "br", "path"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "article", "header", "section", "footer", "div", "span", "p", "br"),
    *("h1", "h2", "ul", "ol", "li", "dl", "dt", "dd", "strong", "del", "ins", "svg", "path"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "role", "data-card-hash", "aria-hidden", "viewbox", "d"}


class Reader(HTMLParser):
    """What a page consists of, if each of its elements is closed in turn."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def body(self) -> str:
        return "".join(text for tag, texts in self.texts.items() if tag not in ("style", "title") for text in texts)


def assert_sound(card: Card) -> Reader:
    """A page of our own elements, in which all that may not be left out stands whole and can be seen."""
    page = html.render(card)
    read = Reader(page)
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    assert "".join(line for line in page.splitlines()).isprintable()
    for text in words.harmless(card).disclosures:
        assert text in "\n".join(read.texts.get("li", []))
    assert len(page.encode()) < 200_000
    return read


class TestGolden:
    @EVERY
    def test_reads_as_agreed(self, name: str, snapshot: SnapshotAssertion) -> None:
        assert html.render(CARDS[name]) == snapshot(extension_class=Page)


class TestWhatIsShown:
    @EVERY
    def test_every_word_of_the_card_is_there(self, name: str) -> None:
        found = squeezed(Reader(html.render(CARDS[name])).body)
        assert [text for text in every_text_of(CARDS[name]) if squeezed(text) not in found] == []

    def test_what_was_is_deleted_and_what_is_is_inserted(self) -> None:
        read = Reader(html.render(CARDS["terms_changed_delivery"]))
        assert read.texts["del"][-1] == "Sun 8 March, by 9 pm"
        assert read.texts["ins"][-1] == "Tue 10 March, by 9 pm"

    def test_warnings_are_announced(self) -> None:
        assert '<section class="warning" role="alert">' in html.render(CARDS["draft_book"])
        assert "alert" not in html.render(CARDS["draft_order"])

    def test_it_says_what_can_be_done_and_where(self) -> None:
        assert "In Messages you can: Confirm, Modify, Cancel." in html.render(CARDS["draft_order"])
        assert "In Messages you can" not in html.render(CARDS["done"])

    def test_it_carries_the_hash_of_the_card(self) -> None:
        page, card = html.render(CARDS["draft_order"]), CARDS["draft_order"]
        assert f'data-card-hash="{card.hash}"' in page
        assert f"Card {card.hash[:12]}" in page


class TestItGrantsNothing:
    @EVERY
    def test_nothing_on_it_can_be_pressed_or_fetched(self, name: str) -> None:
        page = html.render(CARDS[name])
        read = Reader(page)
        assert not read.tags & {"a", "form", "input", "button", "script", "iframe", "img", "link", "object", "base"}
        assert not read.attributes & {"href", "src", "action", "style", "onclick", "formaction"}
        assert "url(" not in page

    def test_its_policy_allows_its_own_style_and_nothing_else(self) -> None:
        page = html.render(CARDS["draft_order"])
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
        assert policy.replace("&#39;", "'") == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

    def test_the_style_is_the_same_for_every_card(self) -> None:
        assert len({re.findall(r"sha256-\S+", html.render(card))[0] for card in CARDS.values()}) == 1


class TestHostileText:
    @pytest.mark.parametrize("sort", list(TEXTS))
    def test_stays_text(self, sort: str) -> None:
        assert_sound(card_of(TEXTS[sort]))

    def test_a_template_is_not_worked_out(self) -> None:
        assert "{{7*7}}" in assert_sound(card_of(TEXTS["template"])).body

    def test_a_flood_in_every_place_is_bounded(self) -> None:
        assert_sound(card_of(FLOOD))

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=ANY_TEXT)
    def test_any_text_in_any_place_leaves_a_sound_page(self, text: str) -> None:
        assert_sound(card_of(text))
