"""A terminal that signs: its key, where it is kept, and when it is used."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from halo_cli import terminal_key
from halo_engine.model.card import Card
from halo_engine.model.errors import InvalidInput, SignatureInvalid, SignatureRequired
from halo_engine.model.signing import SignedYes
from halo_engine.thread import LocalDoor
from tests.halo_cli.conftest import Halo
from tests.installation import Installation
from tests.signing import sign_above


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation.open(tmp_path / "there")
    yield installation
    installation.engine.close()


@pytest.fixture
def card(there: Installation) -> Card:
    return there.ask("order 2 packs of AA batteries")


def signed(there: Installation, card: Card, member: str = "Alex") -> SignedYes | None:
    with there.queries() as queries:
        return terminal_key.signed(
            there.engine, there.settings, queries, draft_id=str(card.draft_id), draft_hash=str(card.draft_hash), member=member
        )


def add(there: Installation, member: str = "Alex") -> str:
    return terminal_key.add(there.engine, there.settings, "Laptop", by=member, speaks_for=None)[0].id


class TestTheKeyOfATerminal:
    def test_is_its_owners_alone(self, there: Installation) -> None:
        """A file of mode 0600 in a directory of mode 0700, where there is no keyring."""
        (path,) = (there.settings.home / "keys" / f"{add(there)}.pem",)
        assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]

    def test_signs_where_the_household_wants_it(self, there: Installation, card: Card) -> None:
        """And nowhere else."""
        device_id = add(there)
        assert signed(there, card) is None
        sign_above(there, 0)
        yes = signed(there, card)
        assert yes is not None
        assert there.engine.confirm(
            str(card.draft_id), draft_hash=str(card.draft_hash), member="Alex", signature=yes.jws, device_id=yes.device_id
        )
        assert yes.device_id == device_id
        assert there.verify().ok

    def test_is_no_other_members(self, there: Installation, card: Card) -> None:
        """Sam has to make one of their own."""
        add(there)
        sign_above(there, 0)
        assert signed(there, card, "Sam") is None

    def test_is_not_used_once_it_was_revoked(self, there: Installation, card: Card) -> None:
        """Nor after its time; the newest that may speak is."""
        sign_above(there, 0)
        first, second = add(there), add(there)
        yes = signed(there, card)
        assert yes is not None
        assert yes.device_id == second
        there.engine.devices.revoke(second, by=None)
        yes = signed(there, card)
        assert yes is not None
        assert yes.device_id == first
        there.engine.devices.revoke(first, by=None)
        assert signed(there, card) is None

    def test_is_not_used_where_others_can_read_it(self, there: Installation, card: Card) -> None:
        """It may be somebody else's by now."""
        sign_above(there, 0)
        (there.settings.home / "keys" / f"{add(there)}.pem").chmod(0o644)
        with pytest.raises(InvalidInput, match="Others may read"):
            signed(there, card)

    def test_signs_nothing_but_what_the_card_shows(self, there: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """A Halo that has something else signed is found out here."""
        sign_above(there, 0)
        add(there)
        device_id = add(there)
        other = there.engine.signing_object(str(there.ask("cancel streamly").draft_id), device_id=device_id, member="Alex")
        monkeypatch.setattr(there.engine, "signing_object", lambda *_, **__: other)
        with pytest.raises(SignatureInvalid, match="not what the card shows"):
            signed(there, card)


class TestADoorWithAKey:
    def test_signs_by_itself(self, there: Installation, card: Card) -> None:
        """What the chat and the dashboard do; without a key they say what to type."""
        sign_above(there, 0)
        door = LocalDoor(there.engine, there.queries, terminal_key.signer(there.engine, there.settings, there.queries))
        member = door.members()[0].id
        with pytest.raises(SignatureRequired, match="signed by a device of Alex"):
            door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=member)
        add(there)
        assert door.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member=member).execution_id


class TestTheTerminal:
    def test_signs_what_is_confirmed(self, halo: Halo) -> None:
        """From the rule and the key to the receipt; before there is a key it says how to make one."""
        halo("init")
        assert "Every yes has to be signed by a device." in halo("members", "sign", "--above", "0").out
        draft = halo("ask", "order 2 packs of AA batteries", "--as", "Alex", "--json").json["draft"]
        confirm = ("confirm", draft["id"], "--hash", draft["draft_hash"], "--as", "Alex")
        refused = halo(*confirm)
        assert refused.code == 4
        assert "halo devices add NAME --this-terminal" in refused.err
        made = halo("devices", "add", "laptop", "--this-terminal", "--as", "Alex", "--json").json
        assert made["key"].endswith(f"{made['device']['id']}.pem")
        assert halo(*confirm).code == 0
        assert halo("audit", "verify").code == 0

    def test_need_not_where_nobody_has_to(self, halo: Halo) -> None:
        halo("init")
        halo("members", "sign", "--above", "100")
        assert "Above $100.00, a yes has to be signed by a device." in halo("members").out
        assert halo("members", "sign", "--never", "--json").json["rules"]["signed_above_cents"] is None
        assert halo("members", "sign").code == 2
