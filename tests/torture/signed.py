"""C-03, C-04 and C-05 for a yes that is signed: sent again, altered by a bit, and signed by the right key over something else.

What is only arithmetic is tried on the check itself, every bit of it; that the engine asks that check is tried over the engine, in fewer points.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from halo_engine.clock import FakeClock
from halo_engine.model import signing
from halo_engine.model.card import Card
from halo_engine.model.errors import SignatureInvalid
from halo_engine.model.execution import Execution
from halo_engine.model.signing import Asker, check_shown
from halo_engine.stages import confirm
from halo_engine.store.signatures import Signatures
from tests.installation import NOON, Installation
from tests.signing import Signer, a_signer, sign_above
from tests.torture import tampering
from tests.torture.forgeries import FORGERIES, Checked
from tests.torture.harness import Bug, Kind, Problem, Row, judge, sample
from tests.torture.jobs import JOBS, VERBS, drafted, kept_place, reopen
from tests.torture.model import told
from tests.torture.repeating import _CHANGES
from tests.torture.repeating import _Replay as Unsigned


@dataclass(frozen=True)
class _Home:
    """A home in which every yes has to be signed, with a draft that waits, and devices of two members and a second one of the first."""

    place: Path
    card: Card
    alex: Signer
    tablet: Signer
    sam: Signer

    def copy(self, place: Path) -> Installation:
        shutil.copytree(self.place, place / "home")
        return reopen(place / "home", drafted_clock())


def drafted_clock() -> FakeClock:
    """A clock with the seed of the one before would make its identifiers once more."""
    return FakeClock(NOON, seed=3)


@functools.cache
def _home(job: str) -> _Home:
    """Made once a process."""
    place = kept_place(f"halo-signed-{job}-") / "home"
    shutil.copytree(drafted(job).home, place)
    there = reopen(place, drafted_clock())
    sign_above(there, 0)
    devices = [a_signer(there, "Alex", key=0), a_signer(there, "Alex", key=1), a_signer(there, "Sam", key=2)]
    there.engine.close()
    return _Home(place, drafted(job).card, *devices)


# C-03


@dataclass
class _Replay:
    """A home, the signature of a yes that was just made in it, and what may be done before it is said once more."""

    there: Installation
    home: _Home
    job: str
    signature: str

    def say(self, *, by: Signer | None = None, card: Card | None = None, draft_hash: str | None = None, draft_id: str | None = None) -> str:
        who, what = by or self.home.alex, card or self.home.card
        asked, presented = draft_id or str(what.draft_id), draft_hash or str(what.draft_hash)
        code, _ = told(
            lambda: self.there.engine.confirm(
                asked, draft_hash=presented, member=who.member, signature=self.signature, device_id=who.device_id
            )
        )
        return code

    def first(self) -> Execution:
        return self.home.alex.confirm(self.there, self.home.card, self.signature)

    def done(self) -> None:
        self.there.engine.execute(self.first().id, wait_s=600)

    def changed(self) -> Card:
        return self.there.engine.modify(str(self.home.card.draft_id), _CHANGES[self.job], member="Sam")

    def another(self) -> Card:
        return self.there.ask(JOBS["haircut" if self.job != "haircut" else "book"])

    def unsigned(self) -> str:
        card = self.home.card
        return told(lambda: self.there.engine.confirm(str(card.draft_id), draft_hash=str(card.draft_hash), member="Alex"))[0]


def _after(*steps: Callable[[_Replay], object], by: Callable[[_Home], Signer] = lambda home: home.alex) -> Callable[[_Replay], str]:
    def said(replay: _Replay) -> str:
        for step in steps:
            step(replay)
        return replay.say(by=by(replay.home))

    return said


def _of_another_household(replay: _Replay) -> str:
    return replay.say(draft_id=Unsigned(replay.there, replay.home.card, replay.job).of_another_home("beside"))


def _revoked(replay: _Replay) -> None:
    replay.there.engine.devices.revoke(replay.home.alex.device_id, by=None)


#: What is said again, and how it must be answered.
SITUATIONS: Mapping[str, tuple[Callable[[_Replay], str], str]] = {
    "before-it-is-sent": (_after(_Replay.first), "signature_used"),
    "after-it-was-done": (_after(_Replay.done), "signature_used"),
    "after-it-was-done-and-late": (_after(_Replay.done, lambda replay: replay.there.later(days=2)), "signature_used"),
    "by-another-member": (lambda replay: replay.say(by=replay.home.sam), "signature_invalid"),
    "by-another-member-after-it-was-done": (_after(_Replay.done, by=lambda home: home.sam), "signature_invalid"),
    "by-another-device": (lambda replay: replay.say(by=replay.home.tablet), "signature_invalid"),
    "by-a-device-that-was-revoked": (_after(_revoked), "signature_invalid"),
    "to-another-draft": (lambda replay: replay.say(card=replay.another()), "signature_invalid"),
    "to-another-draft-with-its-own-hash": (
        lambda replay: replay.say(card=replay.another(), draft_hash=str(replay.home.card.draft_hash)),
        "terms_changed",
    ),
    "to-another-household": (_of_another_household, "not_found"),
    "after-the-object-ended": (_after(lambda replay: replay.there.later(minutes=5)), "signature_expired"),
    "after-the-draft-ended": (_after(lambda replay: replay.there.later(days=1)), "draft_expired"),
    "after-a-change": (_after(_Replay.changed), "terms_changed"),
    "after-a-change-with-the-new-hash": (lambda replay: replay.say(card=replay.changed()), "signature_invalid"),
    "after-a-no": (_after(lambda replay: replay.there.engine.cancel(str(replay.home.card.draft_id), member="Sam")), "already_cancelled"),
    "without-it": (_Replay.unsigned, "signature_required"),
}


def _replays(random: Random) -> list[str]:
    return sample(random, [f"{job}.{name}" for job, name in product(VERBS, SITUATIONS)])


def _said_again(point: str, place: Path) -> Iterator[Problem]:
    job, name = point.split(".")
    home = _home(job)
    there = home.copy(place)
    say, expected = SITUATIONS[name]
    code = say(_Replay(there, home, job, home.alex.signed(there, home.card)))
    if code != expected:
        yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"answered with {code} instead of {expected}")
    yield from _one_effect_at_most(there, of=int(expected == "signature_used" or name.endswith("was-done")))
    there.engine.close()


def _one_effect_at_most(there: Installation, *, of: int) -> Iterator[Problem]:
    with there.queries() as queries:
        executions = [line.id for line in queries.activity(limit=99) if line.kind == "execution"]
    if len(executions) > of:
        yield Problem(Kind.DOUBLE, f"{len(executions)} executions of {of} yeses")
    for execution_id in executions:
        there.engine.execute(execution_id, wait_s=600)
    yield from judge(there)


# C-04


@functools.cache
def _checked(job: str) -> Checked:
    home = _home(job)
    there = reopen(home.place, drafted_clock())
    with there.queries() as queries:
        draft = queries.draft(str(home.card.draft_id))
        member = next(each.id for each in queries.members() if each.display_name == "Alex")
    issuer = there.engine._confirming._issuer
    signing_object = home.alex.fetch(there, home.card)
    there.engine.close()
    asker = Asker(audience=issuer.audience, member_id=member, device_id=home.alex.device_id)
    return Checked(home.alex.sign(signing_object), signing_object, home.alex, draft, asker, home.tablet, issuer.nonce_key)


#: Characters of the JWS, and bytes of the object, that are tried in one point.
_CHUNK = 250


def _flips(random: Random) -> list[str]:
    jws, signing_object = _checked("order").jws, _checked("order").signing_object
    sent = [f"jws.{at}" for at in range(0, len(jws), _CHUNK)]
    signed = [f"object.{at}" for at in range(0, len(signing_object), _CHUNK)]
    forged = [f"forged.{name}" for name in FORGERIES]
    engine = [f"engine.{job}.{number}" for job, number in product(VERBS, range(5))]
    return [*forged, *sent, *sample(random, engine), *sample(random, signed)]


def _flipped(point: str, place: Path) -> Iterator[Problem]:
    what, *rest = point.split(".")
    it = _checked("order")
    if not it.accepts(it.jws):
        yield Problem(Kind.WRONG, "the signature itself is not accepted")
    if what == "engine":
        yield from _over_the_engine(rest[0], Random(point), place)
        return
    tried: Iterator[str]
    if what == "forged":
        tried = iter(FORGERIES[rest[0]](it))
    elif what == "jws":
        tried = (wrong for at in range(int(rest[0]), min(int(rest[0]) + _CHUNK, len(it.jws))) for wrong in tampering._flips(it.jws, at))
    else:
        tried = (it.signer.sign(wrong) for wrong in _flipped_bytes(it.signing_object, int(rest[0])))
    yield from (Problem(Kind.DOUBLE, f"accepted: {ascii(wrong)[:300]}") for wrong in tried if wrong != it.jws and it.accepts(wrong))


def _flipped_bytes(whole: bytes, start: int) -> Iterator[bytes]:
    """Signed anew by the right key: a device that signs what it was not given."""
    for at, bit in product(range(start, min(start + _CHUNK, len(whole))), range(8)):
        yield whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]


def _over_the_engine(job: str, random: Random, place: Path) -> Iterator[Problem]:
    """Ten flips of one signature, said to the engine; then the signature itself."""
    home = _home(job)
    there = home.copy(place)
    jws = home.alex.signed(there, home.card)
    for wrong in (random.choice(tampering._flips(jws, random.randrange(len(jws)))) for _ in range(10)):
        code, _ = told(functools.partial(home.alex.confirm, there, home.card, wrong))
        if code != "signature_invalid":
            yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"{ascii(wrong)[:80]} was answered with {code}")
    code, _ = told(lambda: home.alex.confirm(there, home.card, jws))
    if code != "ok":
        yield Problem(Kind.WRONG, f"the signature itself was answered with {code}")
    yield from _one_effect_at_most(there, of=1)
    there.engine.close()


# C-05


def _fields(random: Random) -> list[str]:
    pure = [f"signed.{job}" for job in JOBS]
    revised = [f"revised.{job}.{number}" for job in VERBS for number in range(len(tampering.paths(job)))]
    return [*pure, *sample(random, revised)]


def _field_changed(point: str, place: Path) -> Iterator[Problem]:
    way, job, *rest = point.split(".")
    if way == "signed":
        yield from _each_field_signed(_checked(job))
        return
    home = _home(job)
    after = tampering._revision(job, tampering.paths(job)[int(rest[0])])
    if after is None:
        return
    there = home.copy(place)
    signature = home.alex.signed(there, home.card)
    with there.engine._store.transaction() as books:
        books.drafts.revise(books.drafts.get(after.household_id, after.id), after, now=books.now)
    for draft_hash, expected in ((str(home.card.draft_hash), {"terms_changed"}), (after.draft_hash, {"signature_invalid"})):
        presented = functools.partial(_Replay(there, home, job, signature).say, draft_hash=draft_hash)
        code = presented()
        # What is changed may be the time it lives.
        if code not in expected | {"draft_expired"}:
            yield Problem(Kind.DOUBLE if code == "ok" else Kind.WRONG, f"answered with {code} instead of {expected}")
    # Nobody logged that revision, so the log is not asked here.
    if there.ledger():
        yield Problem(Kind.DOUBLE, "and yet it was done")
    there.engine.close()


def _each_field_signed(it: Checked) -> Iterator[Problem]:
    """Every field of the object and of the terms in it, changed: not accepted when it is signed, and not signed when it is shown."""
    said = json.loads(it.signing_object)
    for path in tampering.leaves(said):
        if not path:
            continue
        other = _with_another(said, path)
        changed = json.dumps(other, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        name = ".".join(map(str, path))
        if it.accepts(it.signer.sign(changed)):
            yield Problem(Kind.DOUBLE, f"accepted with another {name}")
        if path[0] not in ("aud", "user", "nonce", "iat", "exp") and _would_be_signed(it, changed):
            yield Problem(Kind.DOUBLE, f"a device would sign another {name} than its card shows")


def _with_another(said: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The object with what is at `path` changed."""
    name, *below = path
    if name == "terms":
        return {**said, name: tampering._with(said[name], tuple(below))}
    if below:
        return {**said, name: {**said[name], below[0]: tampering.changed(said[name][below[0]])}}
    return {**said, name: tampering.changed(said[name])}


def _would_be_signed(it: Checked, changed: bytes) -> bool:
    try:
        check_shown(changed, draft_hash=it.draft.draft_hash, device_id=it.signer.device_id)
    except SignatureInvalid:
        return False
    return True


ROWS = (
    Row(id="C-03-signed", title="the same signature once more", ci=None, points=_replays, attempt=_said_again),
    Row(id="C-04-signed", title="every bit of a signature, and what it could be forged with", ci=50, points=_flips, attempt=_flipped),
    Row(id="C-05-signed", title="every field changed after it was signed", ci=30, points=_fields, attempt=_field_changed),
)


def _used_not_remembered() -> AbstractContextManager[object]:
    """A signature that counted is not looked for."""
    return patch.object(Signatures, "is_used", lambda *_: False)


def _object_not_compared() -> AbstractContextManager[object]:
    """What was signed need not be what stands: the key was right, and that has to do."""

    def wrong(jws: str, _draft: Any, asker: Asker, *, public_key_json: str, key: bytes) -> Any:
        said = signing._said(signing._verified(jws, asker.device_id, public_key_json))
        found = {"jws": jws, "nonce": said["nonce"], "device_id": asker.device_id, "key_thumbprint": "", "expires_at": said["exp"]}
        return signing.Signature.model_validate(found)

    return patch.object(confirm, "check", wrong)


def _header_believed() -> AbstractContextManager[object]:
    """The header may say more than it has to."""
    return patch.object(signing, "_check_header", lambda *_: None)


def _bug(plant: Callable[[], Any], row: str, points: Sequence[str] | int) -> Bug:
    return Bug(plant.__name__.strip("_").replace("_", "-"), (plant.__doc__ or "").strip(), plant, row, points)


BUGS = (
    _bug(_used_not_remembered, "C-03-signed", ("order.before-it-is-sent",)),
    _bug(_header_believed, "C-04-signed", ("forged.header",)),
    _bug(_object_not_compared, "C-05-signed", 20),
)
