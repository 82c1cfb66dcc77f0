"""What differs between two versions of the terms, as a person would say it: "shipping +$1.20", "new: 2 × dish soap".

Whoever is shown changed terms decides by these words, so a changed hash never comes without one, and a thing is known by its name, not by its
place in the list.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from halo_engine.model.draft import BOOKKEEPING, NOTHING, Change, Line, Terms
from halo_engine.model.money import Money


class _Term(NamedTuple):
    """One material term as it is said. A sentence has no name that says more than the sentence itself."""

    text: str
    amount: Money | None = None
    line: Line | None = None
    sentence: bool = False
    #: Who is asked to do what comes first, then things, then what they cost and the rest; within each as the card has it.
    rank: int = 2


def difference(before: Terms, after: Terms) -> tuple[Change, ...]:
    """Every material difference, one `Change` per term, in the order a card shows them."""
    old, new = _terms(before), _terms(after)
    names = sorted({**old, **new}, key=lambda name: (old.get(name) or new[name]).rank)
    firm = before.total == before.maximum and after.total == after.maximum
    changes = tuple(_change(name, old.get(name), new.get(name), firm=firm) for name in names if old.get(name) != new.get(name))
    if not changes and before != after.model_copy(update={name: getattr(before, name) for name in BOOKKEEPING}):
        # Nothing a card shows: still said, because a changed hash must never come without a reason.
        why = "changed at the vendor's or in the household's settings"
        return (Change(field="details", before="as shown before", after=why, words=f"details {why}"),)
    return changes


def _terms(terms: Terms) -> dict[str, _Term]:
    """Each material term by its name; of those that share one the second gets a number, so that none hides another.

    Left out beside the bookkeeping: the household, which is the same, and the instruction, which says in identifiers what the others say in words.
    """
    said = [("vendor", _Term(terms.vendor, rank=0)), ("payee", _Term(terms.payee, rank=0)), ("verb", _Term(terms.verb, rank=0))]
    said += [(line.title, _Term(f"{line.quantity} at {line.unit_price.display}", line=line, rank=1)) for line in terms.lines]
    said += [(charge.label, _amount(charge.amount)) for charge in terms.charges]
    said += [("total", _amount(terms.total)), ("maximum", _amount(terms.maximum)), ("payment", _Term(terms.payment_method or "none"))]
    said += [(fact.label, _Term(fact.text)) for fact in terms.fulfilment]
    said += [(f"policy: {text}", _Term(text, sentence=True)) for text in terms.policies]
    said += [(f"warning: {text}", _Term(text, sentence=True)) for text in terms.warnings]
    said.append(("irreversible", _Term("cannot be undone" if terms.irreversible else "can be undone")))
    return _numbered(said)


def _amount(amount: Money) -> _Term:
    return _Term(amount.display, amount=amount)


def _numbered(said: list[tuple[str, _Term]]) -> dict[str, _Term]:
    seen: Counter[str] = Counter()
    named = {}
    for name, term in said:
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = term
    return named


def _change(name: str, old: _Term | None, new: _Term | None, *, firm: bool) -> Change:
    field = name.partition(":")[0] if (old or new or _Term("")).sentence else name
    before, after = old.text if old else NOTHING, new.text if new else NOTHING
    if old and new and before == after and old.line and new.line:
        before, after = f"{before} ({old.line.reference})", f"{after} ({new.line.reference})"
    # A firm total is its own maximum.
    words = "" if firm and name == "maximum" else _in_words(name, old, new)
    return Change(field=field, before=before, after=after, words=words)


def _in_words(name: str, old: _Term | None, new: _Term | None) -> str:
    if new is None:
        return f"no more: {_said(name, old)}"
    if old is None:
        return f"new: {_said(name, new)}"
    if old.amount and new.amount and old.amount.currency == new.amount.currency:
        return f"{name} {_signed(new.amount - old.amount)}"
    if old.line and new.line:
        return _line_in_words(name, old.line, new.line)
    if name == "irreversible":
        return f"it {new.text}"
    return f"{name} {_plain(new.text)} instead of {_plain(old.text)}"


def _said(name: str, term: _Term | None) -> str:
    """A term that came or went, by its name and what it says."""
    if term is None or term.sentence:
        return _plain(term.text if term else name)
    return f"{term.line.quantity} × {name}" if term.line else f"{name} {_plain(term.text)}"


def _line_in_words(name: str, old: Line, new: Line) -> str:
    said = [f"{new.quantity} × {name} instead of {old.quantity}"] if old.quantity != new.quantity else []
    if old.unit_price.currency != new.unit_price.currency:
        said.append(f"{name} {new.unit_price.display} instead of {old.unit_price.display}")
    elif old.unit_price != new.unit_price:
        said.append(f"{name} {_signed(new.unit_price - old.unit_price)}{' each' if new.quantity > 1 else ''}")
    return ", ".join(said) or f"{name} from another offer"


def _signed(amount: Money) -> str:
    return f"+{amount.display}" if amount.cents >= 0 else f"−{(amount * -1).display}"


def _plain(text: str) -> str:
    """Words that stand inside a sentence of ours."""
    return text.strip().rstrip(".")
