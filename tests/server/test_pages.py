"""The page behind a card's link: read by anybody who has it, of use to nobody who would act."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cards import html
from halo_engine.engine import Engine
from halo_engine.model.card import Card
from halo_engine.model.link import link_key, link_to, sign
from halo_engine.store.secret import installation_secret
from server.app import create_app
from tests.cards.examples import CARDS
from tests.cards.hostile import TEXTS, card_of
from tests.installation import Installation, household_plan
from tests.server.calling import BATTERIES, Phone

SITE = "https://halo.example"
APP = "ABCDE12345.com.example.halo"


@pytest.fixture
def home(home: Installation) -> Iterator[Installation]:
    """One that was told where it can be reached, and of its app."""
    told = Installation.reopen(home.settings.home, clock=home.clock, public_url=SITE, apple_app_id=APP)
    with told.engine:
        yield told


def path_of(home: Installation, card: Card) -> str:
    """The link of a card without its site, as a proxy hands it on."""
    return linked(home.engine, card)


def linked(engine: Engine, card: Card) -> str:
    """The same, from an engine of any household."""
    return (engine.link(card) or "").removeprefix(SITE)


class Read(HTMLParser):
    """The tags, the links and the words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction", "srcset")]

    def handle_data(self, data: str) -> None:
        self.words += f"{data} "


def page(client: TestClient, path: str) -> Any:
    """What a browser gets."""
    return client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})


class TestACardsPage:
    """`GET /m/{id}`."""

    def test_shows_the_card_to_whoever_has_the_link(self, home: Installation, client: TestClient) -> None:
        card = home.ask(BATTERIES)
        answer = page(client, path_of(home, card))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        read = Read(answer.text)
        assert card.subject in read.words
        assert "$49.95" in read.words
        assert "It confirms nothing" in read.words
        assert read.links == [f"halo://draft/{card.draft_id}"]

    def test_does_nothing(self, home: Installation, client: TestClient) -> None:
        card = home.ask(BATTERIES)
        path = path_of(home, card)
        with home.queries() as queries:
            before = queries.counts()
        for _ in range(3):
            page(client, path)
        assert not {"form", "button", "input", "script", "iframe", "img"} & set(Read(page(client, path).text).tags)
        assert all(client.request(method, path).status_code == 405 for method in ("POST", "PUT", "DELETE", "PATCH"))
        with home.queries() as queries:
            assert queries.counts() == before
            assert queries.executions(limit=9) == ()
        assert home.ledger() == ()

    def test_is_closed_to_scripts_frames_caches_and_robots(self, home: Installation, client: TestClient) -> None:
        for path, status in ((path_of(home, home.ask(BATTERIES)), 200), ("/m/nothing", 404)):
            answer = page(client, path)
            assert answer.status_code == status
            headers = answer.headers
            assert re.fullmatch(
                r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                headers["content-security-policy"],
            )
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
            assert "noindex" in headers["x-robots-tag"]
            assert headers["x-content-type-options"] == "nosniff"
            assert 'name="robots" content="noindex' in answer.text

    def test_can_be_asked_for_by_its_head(self, home: Installation, client: TestClient) -> None:
        answer = client.head(path_of(home, home.ask(BATTERIES)))
        assert (answer.status_code, answer.headers["referrer-policy"]) == (200, "no-referrer")
        assert client.head("/m/nothing").status_code == 404

    def test_tells_that_something_else_stands_now(self, home: Installation, client: TestClient) -> None:
        card = home.ask(BATTERIES)
        old = path_of(home, card)
        changed = home.engine.modify(card.draft_id or "", "make it 3", member=None)
        assert "The link was to revision 1; revision 2 stands now." in page(client, old).text
        assert "$74.92" in page(client, old).text
        assert "has changed" not in page(client, path_of(home, changed)).text

    def test_tells_what_became_of_the_draft(self, home: Installation, client: TestClient) -> None:
        card = home.ask(BATTERIES)
        path = path_of(home, card)
        execution = home.carry_out(card)
        read = Read(page(client, path).text)
        assert "It has been confirmed since" in read.words
        assert "Done" in read.words
        assert read.links == [f"halo://execution/{execution.id}"]
        home.later(days=1)
        assert "Expired" not in page(client, path).text

    def test_shows_a_question_and_a_draft_whose_time_is_over(self, home: Installation, client: TestClient) -> None:
        question = home.ask("book a table at Nopa")
        assert "One question" in page(client, path_of(home, question)).text
        path = path_of(home, home.ask(BATTERIES))
        home.later(hours=2)
        assert "Expired" in page(client, path).text


class TestALinkThatIsNone:
    """Whatever is wrong with it."""

    def test_leads_to_one_and_the_same_page(self, home: Installation, client: TestClient) -> None:
        card = home.ask(BATTERIES)
        path = path_of(home, card)
        now, of = home.clock.now(), str(card.draft_id)
        other = installation_secret(home.settings.home / "other.key", home.clock)
        key = link_key(installation_secret(home.settings.key_file, home.clock))
        unknown = link_to(card, now=now).model_copy(update={"of": "dft_" + "0" * 26})
        wrong = [
            f"/m/{of}",
            "/m/x?v=1",
            path[:-1],
            path + "&x=1",
            path + "#",
            path + "%20",
            path.replace("r=1", "r=2"),
            path.replace("v=1", "v=2"),
            path.replace("exp=", "exp=1"),
            path.replace("dft_", "%64ft_"),
            path.replace("dft_", "exe_"),
            path.replace("/m/", "/m//m/"),
            sign(link_to(card, now=now), site=SITE, key=link_key(other)).removeprefix(SITE),
            sign(link_to(card, now=now), site="https://other.example", key=key).removeprefix("https://other.example"),
            sign(unknown, site=SITE, key=key).removeprefix(SITE),
        ]
        answers = {one: page(client, one) for one in wrong if one != path + "#"}
        home.later(days=31)
        answers["too old"] = page(client, path)
        assert {name for name, answer in answers.items() if answer.status_code != 404} == set()
        assert {answer.text for name, answer in answers.items() if not name.startswith("/m//")} == {html.missing()}
        assert of not in html.missing()

    def test_is_a_problem_to_a_program(self, client: TestClient) -> None:
        answer = client.get("/m/nothing", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("path", ["/m/" + "x" * 6000, "/m/%00", "/m/%ff%fe", "/m/a?v=%ff&r=\u0661", "/m/..%2f..%2fetc%2fpasswd"])
    def test_is_nothing_worse(self, client: TestClient, path: str) -> None:
        assert page(client, path).status_code == 404


class TestAPagesTexts:
    """What vendors, people and files wrote."""

    @pytest.mark.parametrize("name", sorted(TEXTS))
    def test_are_never_more_than_texts(self, name: str) -> None:
        kept = {"notice": "", "open_url": "halo://draft/x", "how": ()}
        drawn, plain = Read(html.page(card_of(TEXTS[name]), **kept)), Read(html.page(card_of("plain"), **kept))  # type: ignore[arg-type]
        assert set(drawn.tags) <= set(plain.tags) | {"div", "p", "section", "ul", "li", "del", "ins"}
        assert drawn.links == ["halo://draft/x"]

    @pytest.mark.parametrize("name", sorted(CARDS))
    def test_are_all_there(self, name: str) -> None:
        drawn = html.page(CARDS[name], notice="Seen", open_url=None, how=("So",))
        card = html.render(CARDS[name])
        assert drawn[drawn.index("<article") : drawn.index("</article>")] == card[card.index("<article") : card.index("</article>")]


class TestTheSite:
    """What belongs to a site and not to a household."""

    def test_names_the_app_that_opens_its_links(self, client: TestClient) -> None:
        answer = client.get("/.well-known/apple-app-site-association")
        assert answer.headers["content-type"] == "application/json"
        [details] = answer.json()["applinks"]["details"]
        assert details["appIDs"] == [APP]
        assert [component["/"] for component in details["components"]] == ["/m/*"]

    def test_names_no_app_where_there_is_none(self, tmp_path: Path) -> None:
        """The reason: an iPhone keeps what this says for a week, also of an app that is nobody's."""
        bare = Installation.open(tmp_path / "bare")
        with TestClient(create_app(bare.settings, clock=bare.clock)) as client:
            answer = client.get("/.well-known/apple-app-site-association")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_sends_robots_away(self, client: TestClient) -> None:
        assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


class TestAnotherHousehold:
    """In the same books."""

    def test_has_pages_of_its_own(self, home: Installation, client: TestClient) -> None:
        plan = household_plan().model_copy(update={"name": "The neighbours", "time_zone": "Asia/Tokyo"})
        neighbours = home.engine.of(home.engine.found_household_beside(plan).id)
        theirs, ours = neighbours.draft(BATTERIES, member=None, channel="test"), home.ask("cancel streamly")
        drawn = Read(page(client, linked(neighbours, theirs)).text)
        assert theirs.subject in drawn.words
        assert ours.subject not in drawn.words
        # Theirs are the clocks of Tokyo.
        assert "until 4 Mar 02:30" in drawn.words
        # A signature belongs to one card.
        swapped = linked(neighbours, theirs).replace(str(theirs.draft_id), str(ours.draft_id))
        assert page(client, swapped).status_code == 404

    def test_is_shown_nothing_by_a_token(self, home: Installation, client: TestClient, phone: Phone) -> None:
        """A link is no token, and a token no link."""
        card = home.ask(BATTERIES)
        assert client.get(f"/m/{card.draft_id}", headers=phone.headers()).status_code == 404
        assert client.get(path_of(home, card).replace("/m/", "/v1/drafts/")).status_code == 401
