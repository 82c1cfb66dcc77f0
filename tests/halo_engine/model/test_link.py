"""A card's link: it says which card, and opens nothing."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from halo_engine.model import link as module
from halo_engine.model.errors import InvalidInput, NotFound
from halo_engine.model.link import LIVES, MAX_CHARS, Link, link_key, link_to, read, sign
from halo_engine.settings import load_settings
from tests.cards.examples import CARDS
from tests.installation import Installation

SITE = "https://halo.example"
KEY = link_key(bytes(range(32)))
NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
DRAFT = "dft_01jd9k7q3mf0jv7p2t8z6c4x5e"
LINK = Link(of=DRAFT, revision=2, expires_at=NOW + timedelta(days=1))
URL = sign(LINK, site=SITE, key=KEY)
#: What could stand in a URL instead of any of its characters.
OTHERS = string.ascii_letters + string.digits + "-_.~:/?#[]@!$&'()*+,;=% \n\u0661\u200b"


def refused(url: str, *, site: str = SITE, key: bytes = KEY, now: datetime = NOW) -> bool:
    """Whether it is refused, in the words of every other refusal."""
    try:
        read(url, site=site, key=key, now=now)
    except NotFound as error:
        return (error.message, error.hint) == ("There is no such card.", "")
    return False


class TestALink:
    def test_is_read_as_it_was_signed(self) -> None:
        assert read(URL, site=SITE, key=KEY, now=NOW) == LINK

    def test_has_the_published_form(self) -> None:
        parts = urlsplit(URL)
        assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "halo.example", f"/m/{DRAFT}", "")
        assert list(parse_qs(parts.query, strict_parsing=True)) == ["v", "r", "exp", "sig"]

    def test_may_lead_to_a_site_under_a_path(self) -> None:
        site = "http://127.0.0.1:8080/halo"
        assert read(sign(LINK, site=site, key=KEY), site=site, key=KEY, now=NOW) == LINK

    def test_is_about_what_the_card_is_about(self) -> None:
        for card in CARDS.values():
            of = card.execution_id or card.draft_id or card.request_id
            if of:
                assert link_to(card, now=NOW) == Link(of=of, revision=card.revision or 0, expires_at=NOW + LIVES)

    def test_says_nothing_else_about_the_card(self, tmp_path: Path) -> None:
        """The reason: everybody in the thread can read it, and so can whoever previews it."""
        home = Installation.open(tmp_path, public_url=SITE)
        card = home.ask("order 2 packs of AA batteries")
        link = home.engine.link(card) or ""
        assert link.startswith(f"{SITE}/m/")
        with home.queries() as queries:
            household = queries.household()
            private = [household.id, household.name, *(m.id for m in queries.members()), *(m.display_name for m in queries.members())]
        private += [card.draft_hash or "", card.hash, card.request_id or "", home.settings.key_file.read_text().strip(), "Amazon", "49.95"]
        assert [each for each in private if each in link] == []

    def test_of_the_longest_site_is_short_enough_for_a_message(self) -> None:
        site = f"https://{'a' * 255}{('/' + 'b' * 50) * 5}"
        assert load_settings(home=Path("nowhere"), environ={"HALO_PUBLIC_URL": site}).public_url == site
        longest = Link(of=DRAFT, revision=10**9 - 1, expires_at=datetime(5000, 1, 1, tzinfo=UTC))
        assert len(sign(longest, site=site, key=KEY)) < 1000 < MAX_CHARS

    @pytest.mark.parametrize("of", ["", "hsh_01jd9k7q3mf0jv7p2t8z6c4x5e", "usr_01jd9k7q3mf0jv7p2t8z6c4x5e", "../admin", f"{DRAFT}\n"])
    def test_leads_to_cards_only(self, of: str) -> None:
        with pytest.raises(InvalidInput):
            sign(LINK.model_copy(update={"of": of}), site=SITE, key=KEY)

    def test_of_an_installation_is_read_by_it_and_by_no_other(self, tmp_path: Path) -> None:
        home, other = (Installation.open(tmp_path / name, public_url=SITE) for name in ("a", "b"))
        other.settings.key_file.write_text("ab" * 32)
        other = Installation.reopen(tmp_path / "b", clock=other.clock, public_url=SITE)
        url = home.engine.link(home.ask("order 2 packs of AA batteries")) or ""
        assert home.engine.linked(url).revision == 1
        with pytest.raises(NotFound):
            other.engine.linked(url)

    def test_is_the_same_all_day_and_lives_as_long_as_was_said(self, tmp_path: Path) -> None:
        """The reason: a card that is asked for again and is the same has to be the same bytes, or a 304 would never come."""
        home = Installation.open(tmp_path, public_url=SITE)
        card = home.ask("order 2 packs of AA batteries")
        first = home.engine.link(card) or ""
        home.clock.advance(timedelta(hours=6))
        assert home.engine.link(card) == first
        home.clock.advance(timedelta(hours=1))
        assert home.engine.link(card) not in (first, None)
        home.clock.advance(LIVES - timedelta(hours=7))
        assert home.engine.linked(first).of == card.draft_id
        home.clock.advance(timedelta(days=1))
        with pytest.raises(NotFound):
            home.engine.linked(first)

    def test_is_none_where_nobody_said_how_this_is_reached(self, tmp_path: Path) -> None:
        home = Installation.open(tmp_path)
        assert home.engine.link(home.ask("order 2 packs of AA batteries")) is None
        for url in ("", "/m/", sign(LINK, site="", key=KEY), URL):
            with pytest.raises(NotFound):
                home.engine.linked(url)


class TestAWrongLink:
    def test_is_refused_whichever_character_was_changed(self) -> None:
        changed = (f"{URL[:at]}{other}{URL[at + 1 :]}" for at in range(len(URL)) for other in OTHERS if other != URL[at])
        assert [url for url in changed if not refused(url)] == []

    def test_is_refused_whichever_character_was_left_out_or_doubled(self) -> None:
        for at in range(len(URL)):
            assert refused(URL[:at] + URL[at + 1 :])
            assert refused(URL[: at + 1] + URL[at:])

    @pytest.mark.parametrize(
        "url",
        [
            "",
            SITE,
            f"{SITE}/m/",
            f"{URL}=",
            f"{URL}&v=1",
            f"{URL}&admin=1",
            f"{URL}#x",
            f"{URL}\n",
            f" {URL}",
            URL.replace("?v=1&r=2", "?r=2&v=1"),
            URL.replace("?v=1", "?v=1&v=1"),
            URL.replace("v=1", "v=01"),
            URL.replace("v=1", "v=2"),
            URL.replace("r=2", "r=02"),
            URL.replace("r=2", "r=-2"),
            URL.replace("r=2", "r=2.0"),
            URL.replace("r=2", "r=two"),
            URL.replace("r=2", "r=" + "9" * 5000),
            URL.replace("exp=", "exp=+"),
            URL.replace("exp=", "exp=9999999999999999999"),
            URL.replace(SITE, "https://halo.example.evil.example"),
            URL.replace(SITE, "https://HALO.example"),
            URL.replace(SITE, "http://halo.example"),
            URL.replace("https://", "https://user@"),
            URL.replace("dft_", "exe_"),
            URL.replace("dft_", "%64ft_"),
            "x" * 100_000,
            "\ud800",
        ],
    )
    def test_is_refused(self, url: str) -> None:
        assert refused(url)

    def test_cannot_be_spelled_with_the_spare_bits_of_its_signature(self) -> None:
        """The reason: four last characters decode to the same 32 bytes, and a link has one spelling."""
        ends = [f"{URL[:-1]}{letter}" for letter in string.ascii_letters + string.digits + "-_"]
        assert sum(not refused(url) for url in ends) == 1

    def test_is_refused_under_another_key(self) -> None:
        assert refused(URL, key=link_key(b"\0" * 32))

    def test_is_refused_at_another_site_also_where_the_key_is_the_same(self) -> None:
        moved = URL.replace(SITE, "https://other.example")
        assert refused(moved, site="https://other.example")

    def test_cannot_be_another_revision_or_expiry_with_this_signature(self) -> None:
        for other in ({"revision": 3}, {"expires_at": NOW + timedelta(days=2)}, {"of": DRAFT.replace("5e", "5f")}):
            unsigned = sign(LINK.model_copy(update=other), site=SITE, key=KEY).rpartition("=")[0]
            assert refused(f"{unsigned}={URL.rpartition('=')[2]}")

    def test_is_refused_from_the_very_second_it_is_over(self) -> None:
        assert not refused(URL, now=LINK.expires_at - timedelta(seconds=1))
        assert refused(URL, now=LINK.expires_at)


class TestAPlantedBug:
    def test_of_a_signature_that_is_not_looked_at_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("halo_engine.model.link.hmac.compare_digest", lambda _a, _b: True)
        assert not refused(URL.replace("r=2", "r=3"))

    def test_of_a_signature_over_the_id_alone_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = module.sign
        monkeypatch.setattr(
            module,
            "sign",
            lambda link, *, site, key: (
                f"{site}/m/{link.of}?v=1&r={link.revision}&exp={int(link.expires_at.timestamp())}&sig="
                f"{real(link.model_copy(update={'revision': 0, 'expires_at': NOW}), site=site, key=key).rpartition('=')[2]}"
            ),
        )
        url = module.sign(LINK, site=SITE, key=KEY)
        assert not refused(url.replace("r=2", "r=3"))


class TestTheSite:
    @pytest.mark.parametrize("url", ["https://halo.example", "http://localhost:8080", "http://[::1]:8080", "https://halo.example/home"])
    def test_is_a_plain_address(self, url: str) -> None:
        assert load_settings(home=Path("nowhere"), environ={"HALO_PUBLIC_URL": f"{url}/"}).public_url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "halo.example",
            "ftp://halo.example",
            "https://",
            "https://a?b",
            "https://a#b",
            "https://u:p@a",
            "https://a b",
            "https://a/../b",
            "https://a//b",
        ],
    )
    def test_is_nothing_else(self, url: str) -> None:
        with pytest.raises(InvalidInput):
            load_settings(home=Path("nowhere"), environ={"HALO_PUBLIC_URL": url})
