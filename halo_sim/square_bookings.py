"""Square's writing side: create, read, list and cancel a booking.

Keys replay, and a key with another body is refused. A place that looks at every booking leaves it `PENDING` for five minutes. A late cancellation
costs the place's fee. Source: vendor notes §2.5.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from sqlite3 import Row

from halo_engine.model.money import Money
from halo_sim import faults, ledger
from halo_sim.data import shops
from halo_sim.replays import Key, once
from halo_sim.square_refusals import refuse
from halo_sim.square_times import FreeTime, fee_of, is_free, on_offer, price_of, status_of, variation_at
from halo_sim.wire import (
    JsonObject,
    Refusal,
    Request,
    Response,
    json_response,
    number_of,
    object_of,
    objects_of,
    query_number,
    read_object,
    text_of,
)
from halo_sim.world import Transaction, from_text, to_text

_MAX_KEY = 255
_MAX_VERSION = 2**53


def read_instant(text: str) -> datetime:
    """An RFC 3339 time; 400 for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "INVALID_TIME", "Not a valid time.") from error
    if at.tzinfo is None or not 2000 <= at.year <= 2200:
        raise Refusal(400, "INVALID_TIME", "Not a valid time.")
    return at.astimezone(UTC)


def instant(at: datetime) -> str:
    """As Square writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def create(tx: Transaction, request: Request) -> Response:
    """POST v2/bookings."""
    body = read_object(request)
    key = _key(body)
    return once(tx, request, key, refuse=refuse, do=lambda: _create(tx, object_of(body, "booking"), key.text))


def _key(body: JsonObject) -> Key:
    reused = Refusal(400, "IDEMPOTENCY_KEY_REUSED", "The idempotency key was used with another request.")
    return Key(scope="square", text=text_of(body, "idempotency_key", limit=_MAX_KEY), reused=reused)


def _create(tx: Transaction, asked: JsonObject, key: str) -> JsonObject:
    wanted = _wanted(asked)
    if not is_free(tx, wanted) or _struck(tx, wanted):
        raise Refusal(409, "CONFLICT", "The requested time is no longer available.")
    booking_id = f"bk{tx.new_secret()[:16]}"
    _keep(tx, wanted, booking_id, text_of(asked, "customer_id"), _note(asked))
    row = _row(tx, booking_id)
    ledger.record(
        tx, vendor="square", kind="booking", reference=booking_id, client_reference=key, charged=Money(cents=0), detail=_entry(tx, row)
    )
    return {"booking": _render(tx, row), "errors": []}


def _wanted(asked: JsonObject) -> FreeTime:
    """The time that is asked for, exactly as it is on offer."""
    (segment,) = objects_of(asked, "appointment_segments", low=1, high=1)
    found = variation_at(text_of(asked, "location_id"), text_of(segment, "service_variation_id"))
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The service was not found.", details="service_variation_id")
    shop, variation = found
    if number_of(segment, "service_variation_version", low=0, high=_MAX_VERSION) != variation.version:
        raise Refusal(400, "BAD_REQUEST", "The service has changed.", details="service_variation_version")
    if number_of(segment, "duration_minutes", low=1, high=1440) != variation.duration_minutes:
        raise Refusal(400, "BAD_REQUEST", "The service takes another time.", details="duration_minutes")
    starts_at = read_instant(text_of(asked, "start_at"))
    offered = on_offer(shop, variation, text_of(segment, "team_member_id"), starts_at)
    if offered is None:
        raise Refusal(409, "CONFLICT", "The requested time is no longer available.")
    return offered


def _note(asked: JsonObject) -> str:
    return text_of(asked, "customer_note", limit=4096) if "customer_note" in asked else ""


def _struck(tx: Transaction, wanted: FreeTime) -> bool:
    """Whether the fault gives the time to somebody else just now."""
    if not faults.take(tx, "slot_gone", wanted.shop.location_id, "square.create_booking"):
        return False
    _keep(tx, wanted, f"bk{tx.new_secret()[:16]}", "somebody-else", "")
    return True


def _keep(tx: Transaction, wanted: FreeTime, booking_id: str, customer_id: str, note: str) -> None:
    status = "ACCEPTED" if wanted.shop.accepts_at_once else "PENDING"
    who = (booking_id, wanted.shop.location_id, customer_id, wanted.variation.variation_id, wanted.worker.team_member_id)
    when = (to_text(wanted.starts_at), wanted.variation.duration_minutes)
    tx.run("INSERT INTO appointments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)", *who, *when, note, status, to_text(tx.now))


def _row(tx: Transaction, booking_id: str) -> Row:
    row = tx.row("SELECT * FROM appointments WHERE booking_id = ?", booking_id)
    if row is None:
        raise Refusal(404, "NOT_FOUND", "The booking was not found.", details="booking_id")
    return row


def _entry(tx: Transaction, row: Row) -> dict[str, str | int]:
    found = variation_at(row["location_id"], row["variation_id"])
    return {
        "location_id": row["location_id"],
        "place": shops()[row["location_id"]].name,
        "variation_id": row["variation_id"],
        "team_member_id": row["team_member_id"],
        "start_at": instant(from_text(row["starts_at"])),
        "price_cents": price_of(tx, found[1]).cents if found else 0,
    }


def retrieve(tx: Transaction, request: Request) -> Response:
    """GET v2/bookings/{booking_id}."""
    return json_response(200, {"booking": _render(tx, _row(tx, request.params["booking_id"])), "errors": []})


def list_all(tx: Transaction, request: Request) -> Response:
    """GET v2/bookings?customer_id=&location_id=&start_at_min=&start_at_max=&limit=&cursor=: of every status, soonest first."""
    limit = query_number(request, "limit", default=50, low=1, high=100)
    offset = query_number(request, "cursor", default=0, low=0, high=100_000) if request.query.get("cursor") else 0
    start = read_instant(request.query.get("start_at_min") or instant(tx.now))
    end = read_instant(request.query.get("start_at_max") or instant(start + timedelta(days=31)))
    rows = tx.rows(
        "SELECT * FROM appointments WHERE customer_id = ? AND starts_at >= ? AND starts_at <= ? ORDER BY starts_at, booking_id",
        request.query.get("customer_id", ""),
        to_text(start),
        to_text(end),
    )
    rows = [row for row in rows if request.query.get("location_id", row["location_id"]) == row["location_id"]]
    more = {"cursor": str(offset + limit)} if len(rows) > offset + limit else {}
    return json_response(200, {"bookings": [_render(tx, row) for row in rows[offset : offset + limit]], "errors": [], **more})


def cancel(tx: Transaction, request: Request) -> Response:
    """POST v2/bookings/{booking_id}/cancel: of the version that was named, while it stands."""
    body = read_object(request)
    key = _key(body)
    return once(tx, request, key, refuse=refuse, do=lambda: _cancel(tx, request.params["booking_id"], body, key.text))


def _cancel(tx: Transaction, booking_id: str, body: JsonObject, key: str) -> JsonObject:
    row = _row(tx, booking_id)
    if number_of({"booking_version": row["version"], **body}, "booking_version", low=0, high=_MAX_VERSION) != row["version"]:
        raise Refusal(409, "CONFLICT", "The booking has changed since.", details="booking_version")
    starts_at = from_text(row["starts_at"])
    if status_of(row, tx.now) not in ("PENDING", "ACCEPTED") or starts_at <= tx.now:
        raise Refusal(400, "BAD_REQUEST", "The booking cannot be cancelled.")
    tx.run("UPDATE appointments SET status = 'CANCELLED_BY_CUSTOMER', version = version + 1 WHERE booking_id = ?", booking_id)
    shop = shops()[row["location_id"]]
    late = tx.now > starts_at - timedelta(hours=shop.cancellation_window_hours)
    fee = fee_of(tx, shop) if late else Money(cents=0)
    ledger.record(tx, vendor="square", kind="cancellation", reference=booking_id, client_reference=key, charged=fee, detail=_entry(tx, row))
    return {"booking": _render(tx, _row(tx, booking_id)), "errors": []}


def _render(tx: Transaction, row: Row) -> JsonObject:
    found = variation_at(row["location_id"], row["variation_id"])
    segment: JsonObject = {
        "duration_minutes": row["duration_minutes"],
        "service_variation_id": row["variation_id"],
        "team_member_id": row["team_member_id"],
        "service_variation_version": found[1].version if found else 0,
    }
    return {
        "id": row["booking_id"],
        "version": row["version"],
        "status": status_of(row, tx.now),
        "created_at": instant(from_text(row["created_at"])),
        "start_at": instant(from_text(row["starts_at"])),
        "location_id": row["location_id"],
        "customer_id": row["customer_id"],
        "customer_note": row["note"],
        "appointment_segments": [segment],
        "source": "API",
    }
