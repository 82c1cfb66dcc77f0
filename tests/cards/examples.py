"""One card of each sort, made by the model's own builders, for the golden files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cards import looks, words
from halo_engine.model.card import (
    Card,
    clarification_card,
    draft_card,
    execution_card,
    not_supported_card,
    superseded_card,
    unavailable_card,
)
from halo_engine.model.difference import difference
from halo_engine.model.draft import Charge, Draft, DraftStatus, Fact, Line, Terms
from halo_engine.model.execution import Execution, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.option import Option
from halo_engine.model.receipt import Receipt

AT = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
UNTIL = datetime(2026, 3, 6, 18, 30, tzinfo=UTC)
HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 [bold red]markup[/] [link=file:///etc]x[/link]"
    " \u202etxet desrever\u202c zero\u200bwidth :skull: \r\n\tlines\udcff"
)


def usd(cents: int) -> Money:
    return Money(cents=cents)


def terms(**given: Any) -> Terms:
    fields: dict[str, Any] = {
        "household_id": "hsh_01jntp4zv0e4kr0x2s6m8w3b1q",
        "draft_id": "dft_01jntp4zv0e4kr0x2s6m8w3b1q",
        "revision": 1,
        "verb": "ORDER",
        "title": "",
        "summary": "",
        "vendor": "amazon",
        "payee": "Amazon",
        "irreversible": False,
        "expires_at": UNTIL,
        "nonce": "00" * 16,
    }
    return Terms.model_validate(fields | given)


def order_terms(**given: Any) -> Terms:
    fields: dict[str, Any] = {
        "lines": (
            Line(title="Bounty Quick-Size Paper Towels, White, 8 Family Rolls", quantity=1, unit_price=usd(2298), reference="B079VP6DH5"),
            Line(title="Dawn Platinum Dish Soap, 24 fl oz", quantity=2, unit_price=usd(549), reference="B00PIGHDE2"),
        ),
        "charges": (Charge(label="shipping", amount=usd(0)), Charge(label="tax", amount=usd(295))),
        "total": usd(3691),
        "maximum": usd(3691),
        "payment_method": "Visa •••• 4242",
        "fulfilment": (Fact(label="delivery", text="Sun 8 March, by 9 pm"), Fact(label="to", text="Alex Rivera, 410 Terry Ave N, Seattle")),
        "policies": ("Returns are free within 30 days.",),
    }
    return terms(**(fields | given))


def draft(of: Terms, *, title: str, summary: str, **given: Any) -> Draft:
    headed = of.model_copy(update={"title": title.removeprefix("Draft: "), "summary": summary})
    return Draft(
        id=of.draft_id,
        household_id=of.household_id,
        request_id="req_01jntp4zv0e4kr0x2s6m8w3b1q",
        created_at=AT,
        status=given.pop("status", DraftStatus.OPEN),
        terms=headed,
        payload={},
        **given,
    )


ORDER = draft(
    order_terms(),
    title="Draft: Order paper towels and dish soap",
    summary="Order 3 things from Amazon, to be here on Sunday.",
    remainder="and book Nopa for Friday",
)
BOOK = draft(
    terms(
        verb="BOOK",
        vendor="resy",
        payee="Nopa, via Resy",
        total=usd(0),
        maximum=usd(0),
        fulfilment=(
            Fact(label="when", text="Sat 7 March 2026, 7:30 pm"),
            Fact(label="people", text="6"),
            Fact(label="table", text="Dining Room"),
            Fact(label="where", text="560 Divisadero St, San Francisco"),
        ),
        policies=("Cancel before Fri 6 March, 7:30 pm, and nothing is charged.",),
        warnings=("Cancelling later, or not coming, costs $25.00 per person.",),
    ),
    title="Draft: Book Nopa for 6",
    summary="A table for 6 at Nopa on Saturday at 7:30 pm.",
)
CANCEL = draft(
    terms(
        verb="CANCEL",
        vendor="subscriptions",
        payee="Netflix",
        total=usd(0),
        maximum=usd(0),
        fulfilment=(
            Fact(label="subscription", text="Netflix Standard"),
            Fact(label="price", text="$15.49 a month"),
            Fact(label="ends", text="Sun 22 March 2026, at the end of the paid period"),
        ),
        warnings=("This cannot be undone: the price you have now is not offered any more.",),
        irreversible=True,
    ),
    title="Draft: Cancel Netflix",
    summary="End Netflix Standard on 22 March.",
)
DEARER = draft(
    order_terms(
        lines=(
            Line(title="Bounty Quick-Size Paper Towels, White, 8 Family Rolls", quantity=1, unit_price=usd(2448), reference="B079VP6DH5"),
            Line(title="Dawn Platinum Dish Soap, 24 fl oz", quantity=2, unit_price=usd(549), reference="B00PIGHDE2"),
        ),
        total=usd(3841),
        maximum=usd(3841),
        revision=2,
    ),
    title="Draft: Order paper towels and dish soap",
    summary="The price of the paper towels has risen since you confirmed.",
    revises="dft_01jntp4zv0e4kr0x2s6m8w3b1p",
)
DEARER = DEARER.model_copy(update={"changes": difference(ORDER.terms, DEARER.terms)})
DEARER_DELIVERY = draft(
    order_terms(
        charges=(Charge(label="shipping", amount=usd(120)), Charge(label="tax", amount=usd(268))),
        total=usd(3784),
        maximum=usd(3784),
        fulfilment=(Fact(label="delivery", text="Tue 10 March, by 9 pm"), Fact(label="to", text="Alex Rivera, 410 Terry Ave N, Seattle")),
        revision=2,
    ),
    title="Draft: Order paper towels and dish soap",
    summary="The delivery that you confirmed is not offered any more.",
    revises="dft_01jntp4zv0e4kr0x2s6m8w3b1p",
)
DEARER_DELIVERY = DEARER_DELIVERY.model_copy(update={"changes": difference(ORDER.terms, DEARER_DELIVERY.terms)})
_PANTRY = (
    ("Bounty Quick-Size Paper Towels, White, 8 Family Rolls", 1, 2298),
    ("Dawn Platinum Dish Soap, 24 fl oz", 2, 549),
    ("Cascade Complete ActionPacs, Lemon, 78 Count", 1, 1997),
    ("Glad ForceFlex Tall Kitchen Bags, 13 Gallon", 2, 2099),
    ("Maldon Sea Salt Flakes, 8.5 oz", 1, 649),
    ("California Olive Ranch Extra Virgin Olive Oil, 25.4 fl oz", 1, 1449),
    ("Rao's Homemade Marinara Sauce, 24 oz", 4, 799),
    ("De Cecco Spaghetti No. 12, 1 lb", 6, 299),
    ("Peet's Coffee Major Dickason's Blend, Whole Bean, 18 oz", 2, 1698),
    ("Oatly Barista Edition Oat Milk, 32 fl oz, 6 Pack", 1, 2994),
    ("Duracell Coppertop AA, 24 Count", 1, 1899),
    ("Blue Apple", 12, 79),
)
PANTRY = draft(
    order_terms(
        verb="REORDER",
        lines=tuple(Line(title=title, quantity=count, unit_price=usd(cents), reference="") for title, count, cents in _PANTRY),
        total=usd(sum(count * cents for _, count, cents in _PANTRY) + 295),
        maximum=usd(sum(count * cents for _, count, cents in _PANTRY) + 1500),
        warnings=(
            "The spaghetti comes from another seller, Pasta Direct, and cannot be returned.",
            "Two items may arrive a day later than the rest.",
        ),
    ),
    title="Draft: Reorder the big shop",
    summary="The 12 things of your usual big shop, from Amazon.",
)
TWO_PEOPLE = (
    "Over $100.00, so Alex and Sam both have to say yes.",
    "Sam said yes at 18:04 UTC. Alex has not said anything yet.",
)
FOREIGN = draft(
    order_terms(
        lines=(Line(title="伊藤園 お〜いお茶 緑茶 525ml×24本 🍵", quantity=1, unit_price=usd(3396), reference="B0"),),
        fulfilment=(Fact(label="to", text="Zoë Łukasiewicz, Straße 5, Ηράκλειο"),),
        policies=("返品は30日以内に限ります。",),
    ),
    title="Draft: Order お茶",
    summary="Order green tea from Amazon.",
)

DONE = Execution(
    id="exe_01jntp4zv0e4kr0x2s6m8w3b1q",
    household_id=ORDER.household_id,
    draft_id=ORDER.id,
    draft_hash=ORDER.draft_hash,
    verb="ORDER",
    vendor="amazon",
    status=ExecutionStatus.DONE,
    version=3,
    vendor_key="not shown",
    started_at=AT,
    finished_at=AT,
    vendor_reference="111-4820915-7726644",
    final_cost=usd(3691),
)
RECEIPT = Receipt(
    id="rct_01jntp4zv0e4kr0x2s6m8w3b1q",
    execution_id=DONE.id,
    type="order",
    content_text="Order 111-4820915-7726644\n1 × Bounty Paper Towels  $22.98\n2 × Dawn Dish Soap  $10.98\n"
    "Tax  $2.95\nTotal  $36.91\nPaid with Visa •••• 4242",
    external_reference_id="111-4820915-7726644",
    created_at=AT,
)


def unfinished(status: ExecutionStatus, **given: Any) -> Card:
    fields: dict[str, Any] = {"status": status, "finished_at": None, "vendor_reference": None, "final_cost": None}
    return execution_card(DONE.model_copy(update=fields | given), ORDER, None)


CARDS: dict[str, Card] = {
    "draft_order": draft_card(ORDER),
    "draft_book": draft_card(BOOK),
    "draft_cancel_irreversible": draft_card(CANCEL),
    "clarification": clarification_card(
        request_id=ORDER.request_id,
        question="Which paper towels?",
        options=(
            Option(label="Bounty Quick-Size, 8 Family Rolls, $22.98", reason="You bought these in January."),
            Option(label="Amazon Basics 2-Ply, 12 Rolls, $17.99", reason="The cheapest by the sheet."),
            Option(label="Seventh Generation Recycled, 6 Rolls, $14.49"),
        ),
        verb="ORDER",
    ),
    "terms_changed": draft_card(DEARER),
    "executing": unfinished(ExecutionStatus.SUBMITTING),
    "checking": unfinished(ExecutionStatus.UNKNOWN),
    "done": execution_card(DONE, ORDER, RECEIPT),
    "failed": unfinished(ExecutionStatus.FAILED, error_message="Amazon declined the payment method."),
    "needs_attention": unfinished(ExecutionStatus.NEEDS_ATTENTION),
    "cancelled": draft_card(ORDER.model_copy(update={"status": DraftStatus.CANCELLED})),
    "terms_changed_delivery": draft_card(DEARER_DELIVERY),
    "superseded": superseded_card(ORDER, revision=2),
    "expired": draft_card(ORDER.model_copy(update={"status": DraftStatus.EXPIRED})),
    "partial": unfinished(
        ExecutionStatus.PARTIAL, vendor_reference="111-4820915-7726644", final_cost=usd(2298), error_message="The dish soap was sold out."
    ),
    "handed_off": unfinished(
        ExecutionStatus.HANDED_OFF, handoff_url="https://www.amazon.com/gp/cart/view.html?ref_=nav_cart&associateTag=halo-household-20"
    ),
    "reorder_of_two_people": draft_card(PANTRY, approval=TWO_PEOPLE),
    "other_scripts": draft_card(FOREIGN),
    "not_supported": not_supported_card(
        request_id=ORDER.request_id, reason="Halo orders, reorders, cancels subscriptions and books tables. It cannot remind you."
    ),
    "unavailable": unavailable_card(request_id=ORDER.request_id, reason="Nothing under $5.00 is called paper towels."),
    "hostile": Card.model_validate(
        draft_card(ORDER).model_dump()
        | {
            "title": HOSTILE,
            "summary": HOSTILE,
            "rows": [{"label": HOSTILE, "text": HOSTILE}],
            "cost": HOSTILE,
            "warnings": [HOSTILE],
            "policies": [HOSTILE],
            "changes": [{"field": HOSTILE, "before": HOSTILE, "after": HOSTILE}],
            "options": [{"label": HOSTILE, "reason": HOSTILE}],
            "note": HOSTILE,
        }
    ),
}


def every_text_of(shown: Card) -> list[str]:
    """What a person has to find in `shown`, in whatever format it is drawn."""
    card = words.harmless(shown)
    state = looks.LOOKS[card.kind].word
    texts = [state, words.headline(card, state=state), card.summary, card.cost or "", card.note or "", *card.disclosures]
    texts += [part for line in card.lines for part in (line.text, line.detail, line.amount)]
    texts += [part for row in card.rows for part in (row.label, row.text)]
    texts += [part for change in words.told(card.changes) for part in (words.change_heading(change), change.before, change.after)]
    texts += [part for option in card.options for part in (option.label, option.reason)] + [button.value for button in card.buttons]
    return texts
