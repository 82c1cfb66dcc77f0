"""The links of a log: every kind of tampering is found, and the event named."""

from __future__ import annotations

import pytest

from halo_engine.model.event import Event
from halo_engine.store.auditing.entries import Entry
from tests.halo_engine.model.test_event import OTHERWISE
from tests.halo_engine.store.auditing.checks import broken_links
from tests.halo_engine.store.forged import honest

Log = tuple[Event, ...]
LOG = honest()
POSITIONS = range(len(LOG))


def put(log: Log, at: int, event: Event) -> Log:
    return (*log[:at], event, *log[at + 1 :])


def first_problem(log: Log) -> str:
    return next(iter(broken_links(log)), "")


class TestBrokenLinks:
    def test_find_nothing_in_an_honest_log(self) -> None:
        """Nor in an empty one."""
        assert (first_problem(LOG), first_problem(())) == ("", "")

    @pytest.mark.parametrize("at", POSITIONS)
    @pytest.mark.parametrize("field", sorted(set(OTHERWISE) - {"seq", "prev_hash"}))
    def test_name_the_event_of_which_a_field_was_changed(self, at: int, field: str) -> None:
        """Each field of each event."""
        other = OTHERWISE[field]
        altered = LOG[at].model_copy(update={field: other if other != getattr(LOG[at], field) else f"not {other}"})
        assert first_problem(put(LOG, at, altered)) == f"event {at + 1} ({altered.id}) was altered: its content does not give its hash"

    @pytest.mark.parametrize("at", POSITIONS)
    def test_name_the_event_whose_hash_or_link_was_changed(self, at: int) -> None:
        """The chain's own fields are held to the same."""
        number, identifier = at + 1, LOG[at].id
        assert first_problem(put(LOG, at, LOG[at].model_copy(update={"hash": "0" * 64}))).startswith(f"event {number} ({identifier}) was")
        foreign = LOG[at].model_copy(update={"prev_hash": "1" * 64})
        assert first_problem(put(LOG, at, foreign)) == f"event {number} ({identifier}) does not follow the event before it"

    @pytest.mark.parametrize("at", POSITIONS)
    def test_find_the_first_event_that_was_sealed_anew(self, at: int) -> None:
        """Whoever rewrites one event and computes its hash breaks the link of the next; only the last is left to a witness."""
        forged = LOG[at].model_copy(update={"entity_id": "forged"}).sealed()
        expected = "" if at == POSITIONS[-1] else f"event {at + 2} ({LOG[at + 1].id}) does not follow the event before it"
        assert first_problem(put(LOG, at, forged)) == expected

    @pytest.mark.parametrize("at", POSITIONS[:-1])
    def test_name_the_event_that_was_removed(self, at: int) -> None:
        """By its number. The end of the log is left to a witness, as the module says."""
        assert first_problem((*LOG[:at], *LOG[at + 1 :])) == f"event {at + 1} is missing: the next one there is {at + 2} ({LOG[at + 1].id})"

    @pytest.mark.parametrize("at", POSITIONS[:-1])
    def test_find_two_events_that_were_swapped(self, at: int) -> None:
        """As rows, and as rows that took each other's number."""
        one, other = LOG[at], LOG[at + 1]
        assert f"event {at + 1} is missing" in first_problem((*LOG[:at], other, one, *LOG[at + 2 :]))
        renumbered = (other.model_copy(update={"seq": one.seq}), one.model_copy(update={"seq": other.seq}))
        assert f"event {at + 1} ({other.id})" in first_problem((*LOG[:at], *renumbered, *LOG[at + 2 :]))

    @pytest.mark.parametrize("at", POSITIONS)
    def test_find_an_event_that_was_duplicated(self, at: int) -> None:
        """With its number, and with the next."""
        assert f"event {at + 2} is missing" in first_problem((*LOG[: at + 1], *LOG[at:]))
        again = LOG[at].model_copy(update={"seq": at + 2})
        assert f"event {at + 2} ({again.id})" in first_problem((*LOG[: at + 1], again, *LOG[at + 1 :]))

    def test_find_a_log_that_begins_elsewhere(self) -> None:
        """The first event follows nothing."""
        moved = LOG[0].model_copy(update={"prev_hash": "2" * 64}).sealed()
        assert first_problem((moved,)) == f"event 1 ({moved.id}) does not follow the event before it"

    def test_find_content_that_could_never_have_been_logged(self) -> None:
        """What has no hash was not hashed by us."""
        assert "was altered" in first_problem(put(LOG, 2, LOG[2].model_copy(update={"payload": {"n": 2**60}})))

    def test_would_miss_an_altered_payload_if_the_hash_left_it_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug: the tests above can fail."""
        monkeypatch.setattr(Entry, "digest", lambda entry: bytes.fromhex(entry.hash))
        assert first_problem(put(LOG, 2, LOG[2].model_copy(update={"payload": {"draft_hash": "forged"}}))) == ""
