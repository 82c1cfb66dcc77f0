"""Resy's writing side: details (a quote, then a hold), book, cancel, list.

There is no idempotency key here, as there is none at Resy: whoever books twice is told 412 with the reservation that stands in the way,
and can compare. A book token lives five minutes and works once. The token that cancels a reservation changes every hour; the one before
still works.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from sqlite3 import Row
from zoneinfo import ZoneInfo

from halo_engine.model.money import Money
from halo_sim import faults, ledger
from halo_sim.data import Venue, venues
from halo_sim.resy_slots import Slot, fee_per_person, free_slot, free_slots, take_slot
from halo_sim.wire import (
    FORM_TYPE,
    JSON_TYPE,
    Json,
    JsonObject,
    Refusal,
    Request,
    Response,
    is_object,
    json_response,
    number_of,
    query_number,
    read_form,
    read_object,
    text_of,
)
from halo_sim.world import Transaction, from_text, to_text

PAYMENT_METHOD_ID = 31340000
HOLD_LIFE = timedelta(minutes=5)
_FIRST_RESERVATION = 867_000_000
_CARD: JsonObject = {"id": PAYMENT_METHOD_ID, "card_type": "visa", "last_4": "0000"}


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a slot costs. `fee` and `deposit` are for each guest."""

    fee: Money
    deposit: Money
    party_size: int
    cut_off: datetime

    @property
    def deposit_total(self) -> Money:
        return self.deposit * self.party_size


def instant(at: datetime) -> str:
    """As Resy writes a cut-off or an expiry: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Details.


def details(tx: Transaction, request: Request) -> Response:
    """POST details: with commit 0 the terms, with commit 1 also a book token that holds them for five minutes."""
    if request.content_type != JSON_TYPE:
        raise Refusal(415, "unsupported_media_type", "Unsupported Media Type")
    if not request.body:
        raise Refusal(400, "bad_request", "Invalid request: config_id is missing.")
    body = read_object(request)
    commit = number_of(body, "commit", low=0, high=1)
    slot = _requested_slot(tx, text_of(body, "config_id"), text_of(body, "day"), number_of(body, "party_size", low=1, high=100))
    if commit and _struck(tx, slot.venue.venue_id, "resy.details"):
        take_slot(tx, slot.venue.venue_id, str(slot.day), f"{slot.at}", slot.table)
        raise _gone()
    terms = _terms(tx, slot)
    answer = _describe(slot, terms)
    if not commit:
        return json_response(200, answer)
    hold = {"value": _hold(tx, slot, terms), "date_expires": instant(tx.now + HOLD_LIFE)}
    return json_response(201, {"book_token": hold, **answer})


def _requested_slot(tx: Transaction, token: str, day: str, party_size: int) -> Slot:
    """The free slot behind a config token; 404 when it is taken or never was."""
    parts = token.removeprefix("rgs://resy/").split("/")
    venue = venues().get(int(parts[0])) if parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 10 else None
    if venue is None:
        raise Refusal(400, "bad_request", "Invalid request: config_id.")
    for slot in free_slots(tx, venue, read_day(day), party_size):
        if slot.token == token:
            return slot
    raise _gone()


def read_day(text: str) -> date:
    """A calendar date; 400 for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "bad_request", "Invalid request: day must be YYYY-MM-DD.") from error


def _struck(tx: Transaction, venue_id: int, operation: str) -> bool:
    return faults.take(tx, "slot_gone", str(venue_id), operation)


def _gone() -> Refusal:
    return Refusal(404, "slot_gone", "The reservation has expired or is no longer available.")


def _terms(tx: Transaction, slot: Slot) -> _Terms:
    deposit = Money(cents=slot.venue.deposit_cents_per_person)
    return _Terms(fee=fee_per_person(tx, slot.venue), deposit=deposit, party_size=slot.party_size, cut_off=slot.cut_off)


def _hold(tx: Transaction, slot: Slot, terms: _Terms) -> str:
    token = f"bt-{tx.new_secret()}"
    tx.run(
        "INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        token,
        slot.venue.venue_id,
        str(slot.day),
        f"{slot.at}",
        slot.table,
        slot.party_size,
        terms.fee.cents,
        terms.deposit.cents,
        to_text(tx.now + HOLD_LIFE),
    )
    return token


def _describe(slot: Slot, terms: _Terms) -> JsonObject:
    cut_off = instant(terms.cut_off)
    due: Json = terms.deposit_total.to_decimal() if terms.deposit.cents else 0
    amounts: JsonObject = {"reservation_charge": due, "subtotal": due, "resy_fee": 0, "service_fee": 0, "tax": 0, "total": due}
    return {
        "cancellation": {
            "display": {"policy": policy(slot.venue, terms.fee, terms.deposit)},
            "fee": _fee(terms.fee, cut_off),
            "refund": {"date_cut_off": cut_off},
        },
        "change": {"date_cut_off": cut_off},
        "payment": {"config": {"type": "deposit" if terms.deposit.cents else "free"}, "amounts": amounts},
        "user": {"payment_methods": [_CARD]},
        "venue": {"id": slot.venue.venue_id, "name": slot.venue.name},
        "config": {"type": slot.table},
    }


def _fee(fee: Money, cut_off: str) -> Json:
    if not fee.cents:
        return None
    return {"amount": fee.to_decimal(), "tax": None, "date_cut_off": cut_off, "display": {"amount": fee.display}}


def policy(venue: Venue, fee: Money, deposit: Money) -> list[Json]:
    """The terms in the words a guest reads."""
    hours = f"at least {venue.cut_off_hours} hours ahead"
    lines: list[Json] = []
    if deposit.cents:
        lines.append(f"A deposit of {deposit.display} per person is charged now and refunded if you cancel {hours}.")
    if fee.cents:
        lines.append(f"Cancel {hours} or pay {fee.display} per person.")
    return lines or ["You may cancel at any time without a fee."]


# Book.


def book(tx: Transaction, request: Request) -> Response:
    """POST book: the held slot becomes a reservation."""
    hold = _held(tx, request)
    form = read_form(request)
    start = _starts_at(hold["venue_id"], hold["day"], hold["time"])
    clashes = [row for row in _standing(tx) if _overlap(row, start, venues()[hold["venue_id"]])]
    if clashes and form.get("replace", "0") != "1":
        return _conflict(clashes[0])
    if hold["used"] or from_text(hold["expires_at"]) <= tx.now:
        raise _gone()
    if (hold["fee_cents"] or hold["deposit_cents"]) and not _pays(form.get("struct_payment_method", "")):
        raise Refusal(402, "payment_required", "A valid payment method is required.")
    if not _still_free(tx, hold):
        raise _gone()
    for row in clashes:
        _cancel(tx, row)
    return json_response(201, _reserve(tx, hold))


def _held(tx: Transaction, request: Request) -> Row:
    token = read_form(request).get("book_token", "") if request.content_type == FORM_TYPE else ""
    hold = tx.row("SELECT * FROM holds WHERE book_token = ?", token)
    if hold is None:
        raise Refusal(400, "bad_request", "Invalid book token.")
    return hold


def _pays(text: str) -> bool:
    try:
        method = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return is_object(method) and method.get("id") == PAYMENT_METHOD_ID


def _still_free(tx: Transaction, hold: Row) -> bool:
    where = (hold["venue_id"], hold["day"], hold["time"], hold["table_type"])
    if _struck(tx, hold["venue_id"], "resy.book"):
        take_slot(tx, *where)
    taken = tx.row("SELECT 1 FROM gone_slots WHERE venue_id = ? AND day = ? AND time = ? AND table_type = ?", *where)
    return taken is None and _starts_at(*where[:3]) > tx.now


def _reserve(tx: Transaction, hold: Row) -> JsonObject:
    number = _FIRST_RESERVATION + tx.next_number("reservations")
    where = (hold["venue_id"], hold["day"], hold["time"], hold["table_type"])
    terms = (hold["party_size"], hold["fee_cents"], hold["deposit_cents"])
    secret = tx.new_secret()
    tx.run("INSERT INTO reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", number, *where, *terms, secret)
    tx.run("UPDATE holds SET used = 1 WHERE book_token = ?", hold["book_token"])
    take_slot(tx, *where)
    row = tx.rows("SELECT * FROM reservations WHERE reservation_id = ?", number)[0]
    ledger.record(
        tx,
        vendor="resy",
        kind="booking",
        reference=str(number),
        client_reference=None,
        charged=Money(cents=row["deposit_cents"]) * row["party_size"],
        detail=_entry(row),
    )
    return {"reservation_id": number, "resy_token": _resy_token(row, tx.now), "venue_opt_in": 0}


def _entry(row: Row) -> dict[str, str | int]:
    return {
        "venue_id": row["venue_id"],
        "venue": venues()[row["venue_id"]].name,
        "day": row["day"],
        "time": row["time"],
        "table": row["table_type"],
        "party_size": row["party_size"],
        "fee_per_person_cents": row["fee_cents"],
    }


# The reservations that stand, and how they end.


def _standing(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT * FROM reservations WHERE cancelled_at IS NULL ORDER BY day, time, reservation_id")


def _starts_at(venue_id: int, day: str, at: str) -> datetime:
    zone = ZoneInfo(venues()[venue_id].time_zone)
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), zone).astimezone(UTC)


def _overlap(row: Row, start: datetime, venue: Venue) -> bool:
    """Whether a reservation is at table when another would begin or the other way round."""
    other = _starts_at(row["venue_id"], row["day"], row["time"])
    other_end = other + timedelta(minutes=venues()[row["venue_id"]].seating_minutes)
    return other < start + timedelta(minutes=venue.seating_minutes) and start < other_end


def _conflict(row: Row) -> Response:
    venue = venues()[row["venue_id"]]
    specs = {"day": row["day"], "time_slot": row["time"], "party_size": row["party_size"], "reservation_id": row["reservation_id"]}
    return json_response(412, {"specs": specs, "venue": {"id": venue.venue_id, "name": venue.name}})


def _resy_token(row: Row, now: datetime) -> str:
    hour = int(now.timestamp()) // 3600
    return "rr://" + hashlib.sha256(f"{row['secret']}/{row['reservation_id']}/{hour}".encode()).hexdigest()[:40]


def _tokens(row: Row, now: datetime) -> tuple[str, str]:
    return _resy_token(row, now), _resy_token(row, now - timedelta(hours=1))


def cancel(tx: Transaction, request: Request) -> Response:
    """POST cancel: frees the slot; after the cut-off the fee is charged, before it a deposit comes back."""
    if request.content_type != FORM_TYPE:
        raise Refusal(400, "bad_request", "Invalid request: resy_token is missing.")
    token = read_form(request).get("resy_token", "")
    row = next((row for row in _standing(tx) if token in _tokens(row, tx.now)), None)
    if row is None:
        raise Refusal(404, "not_found", "The reservation could not be found.")
    if _starts_at(row["venue_id"], row["day"], row["time"]) <= tx.now:
        raise Refusal(412, "policy", "The reservation can no longer be cancelled.")
    refunded = _cancel(tx, row)
    return json_response(200, {"payment": {"transaction": {"refund": 1 if refunded else 0}}})


def _cut_off(row: Row) -> datetime:
    return _starts_at(row["venue_id"], row["day"], row["time"]) - timedelta(hours=venues()[row["venue_id"]].cut_off_hours)


def _cancel(tx: Transaction, row: Row) -> bool:
    """Whether it was in time: nothing is charged, and a deposit is paid back."""
    in_time = tx.now < _cut_off(row)
    tx.run("UPDATE reservations SET cancelled_at = ? WHERE reservation_id = ?", to_text(tx.now), row["reservation_id"])
    free_slot(tx, row["venue_id"], row["day"], row["time"], row["table_type"])
    refunded = row["deposit_cents"] * row["party_size"] if in_time else 0
    ledger.record(
        tx,
        vendor="resy",
        kind="cancellation",
        reference=str(row["reservation_id"]),
        client_reference=None,
        charged=Money(cents=0 if in_time else row["fee_cents"] * row["party_size"]),
        detail={**_entry(row), "refunded_cents": refunded},
    )
    return in_time


def reservations(tx: Transaction, request: Request) -> Response:
    """GET user/reservations: those not cancelled, soonest first, past ones too."""
    limit = query_number(request, "limit", default=10, low=1, high=100)
    offset = query_number(request, "offset", default=0, low=0, high=100_000)
    rows = _standing(tx)
    shown = rows[offset : offset + limit]
    named = {str(row["venue_id"]): {"id": row["venue_id"], "name": venues()[row["venue_id"]].name} for row in shown}
    metadata = {"total": len(rows), "offset": offset, "limit": limit}
    return json_response(200, {"reservations": [_listed(tx, row) for row in shown], "venues": named, "metadata": metadata})


def _listed(tx: Transaction, row: Row) -> JsonObject:
    venue, fee = venues()[row["venue_id"]], Money(cents=row["fee_cents"])
    deposit = Money(cents=row["deposit_cents"])
    over = _starts_at(row["venue_id"], row["day"], row["time"]) <= tx.now
    cut_off = instant(_cut_off(row))
    paid: Json = (deposit * row["party_size"]).to_decimal() if deposit.cents else 0
    described = _fee(fee, cut_off)
    return {
        "reservation_id": row["reservation_id"],
        "resy_token": _resy_token(row, tx.now),
        "venue": {"id": row["venue_id"]},
        "day": row["day"],
        "time_slot": row["time"],
        "num_seats": row["party_size"],
        "config": {"type": row["table_type"]},
        "status": {"finished": int(over), "no_show": 0},
        "cancellation": {
            "allowed": not over,
            "date_refund_cut_off": cut_off,
            "fee": {**described, "applies": tx.now >= _cut_off(row)} if is_object(described) else None,
        },
        "cancellation_policy": policy(venue, fee, deposit),
        "payment_method": _CARD,
        "payment": {"invoice": {"subtotal": paid, "tax": 0, "service_fee": 0, "resy_fee": 0, "total": paid}},
    }
