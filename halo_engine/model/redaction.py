"""Takes secrets out of text before it is kept or shown: out of every line of the log, and out of what was said to vendors.

By type: a `SecretStr` and a `Settings` never become text. By name: what stands under the name of a secret, however deep. By shape: tokens, keys,
card numbers, addresses of people. And by value: what is known to be a secret here, in whatever sentence it turns up (`Redactor(known)`). Where
something was taken out a mark says what. A postal address has no shape, so it is known by its field's name alone.

Total: any text or bytes, in a time that grows no faster than the text, of which `READ_CHARS` are read and `MAX_BYTES` are given. Every pattern
below either begins where it cannot begin again (`(?<!…)`) or gives nothing back (`*+`), which is what keeps it linear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretBytes, SecretStr

from halo_engine.model.money import Money
from halo_engine.model.secret_names import PERSONAL_FIELDS, SECRET_FIELDS, SECRET_HEADERS

#: What one text may take.
MAX_BYTES = 16 * 1024
#: More than is ever given, since redacting makes a text shorter.
READ_CHARS = 24 * 1024
_ANY_CASE = re.IGNORECASE | re.ASCII
#: What is shorter than this would be found in words that are no secret.
_SHORTEST_KNOWN = 6
_DEEPEST = 16


def mark(kind: str) -> str:
    """What stands where something was taken out."""
    return f"‹redacted: {kind}›"


_SECRET, _PERSONAL = mark("secret"), mark("personal")

_MORE_SECRETS = frozenset(
    {"api_token", "cvv", "cvc", "cvv2", "security_code", "card_number", "pan", "account_number", "iban", "signature", "pw", "pwd"}
)
_MORE_PERSONAL = frozenset(
    {"address", "street", "street_address", "shipping_address", "shipping_address_json", "delivery_address", "billing_address", "line1"}
    # In the open where a shop stands, and so not scrubbed from recordings.
    | {"address_line_1", "address_line_2"}
    | {"line2", "address1", "address2", "zip", "postcode", "phone", "mobile", "given_name", "family_name", "display_name", "full_name"}
    | {"e_mail", "email_address"}
)


def _spelt(names: Iterable[str]) -> str:
    """The names in any spelling: `postal_code`, `postalCode`, `Postal-Code`."""
    return "|".join(sorted((re.escape(name).replace("_", "[_-]?").replace(r"\-", "[_-]?") for name in names), key=len, reverse=True))


#: Anything that calls itself a token, a secret, a password or a key to an interface, whatever stands before.
_ENDING = "token|secret|passwo?r?d|passphrase|api[_-]?key|private[_-]?key"
_SECRET_NAMES = _spelt(SECRET_FIELDS | SECRET_HEADERS | _MORE_SECRETS)
_SECRET_NAME = rf"{_SECRET_NAMES}|[\w.-]{{0,64}}(?:{_ENDING})"
_PERSONAL_NAME = _spelt(PERSONAL_FIELDS | _MORE_PERSONAL)
_IS_SECRET, _IS_PERSONAL = re.compile(_SECRET_NAME, _ANY_CASE), re.compile(_PERSONAL_NAME, _ANY_CASE)

#: A member of a JSON object, up to its value.
_MEMBER = re.compile(rf'"(?=[\w.-]{{2,99}}+"\s*+:)(?:(?P<secret>{_SECRET_NAME})|{_PERSONAL_NAME})"\s*+:\s*+(?!null|true|false)', _ANY_CASE)
#: Where a name begins: after what is no letter of it, also where that is percent-encoded.
_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-F]{2}))"
#: The same in prose, in a form, in a query, in JSON that was quoted once more, and each of them percent-encoded.
_NAMED = re.compile(
    rf"(?P<name>(?:(?P<secret>{_ENDING}|{_BEGIN}(?:{_SECRET_NAMES}))|{_BEGIN}(?:{_PERSONAL_NAME}))"
    r"(?:\\*+[\"']|%22|%27)?[ \t]*+(?:=|%3D|(?::|%3A)(?!//|%2F%2F))[ \t]*+)"
    r"(?!(?:Bearer |Basic |ResyAPI )?[\"']?‹|null\b|true\b|false\b)"
    r"(?:(?P<quote>\\*+[\"'])[^\"'\\]++|(?![\"'\\\s])[^\s\"'&,;\\<>{}\[\]]++)",
    _ANY_CASE,
)

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL),
        mark("private key"),
    ),
    (re.compile(r"(?<=://)[^\s/:@\"]++:[^\s/@\"]*+(?=@)"), mark("password")),
    (re.compile(r"\b(Bearer|Basic|ResyAPI)(?: |%20|\+)++(?!‹)[^\s,;<>]++", _ANY_CASE), rf"\1 {mark('token')}"),
    # In a sentence, where what follows is no word of one: "the token is invalid" stays.
    (re.compile(rf"({_ENDING})([ \t]+(?:is|was)[ \t]+)(?=[^\s0-9‹]{{0,99}}[0-9])[^\s,;<>]{{4,}}+", _ANY_CASE), rf"\1\2{_SECRET}"),
    # A device's token; OpenAI's, Stripe's, Square's, Zinc's keys; Login with Amazon's tokens and clients; a JWT.
    # What a vendor knows an execution by: whoever knows it could look the order up.
    (re.compile(r"(?<![A-Za-z0-9])halo-[0-9a-f]{27}(?![0-9a-f])", _ANY_CASE), mark("key")),
    (re.compile(r"(?<![A-Za-z0-9])hdv_[0-9a-f]{8,}+"), mark("token")),
    (re.compile(r"(?<![A-Za-z0-9])(?:sk|pk|rk|whsec)[-_][A-Za-z0-9_-]{8,}+"), mark("key")),
    (re.compile(r"(?<![A-Za-z0-9])(?:zn_(?:test|live)_\w++|sq0[a-z]{3}-[\w-]++|EAAA[\w-]{20,}+)"), mark("key")),
    (re.compile(r"(?<![A-Za-z0-9])(?:At[a-z]{2}\||amzn1\.(?:application-)?oa2?-)[^\s\"'&,;<>]++"), mark("token")),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]++\.[\w-]*+"), mark("token")),
    (re.compile(r"(?<![\w.%+-])[\w.%+-]+(?:@|%40)[A-Za-z0-9][A-Za-z0-9-]*+(?:\.[A-Za-z0-9-]++)++"), mark("e-mail")),
    (re.compile(r"(?<![\w+])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9])"), mark("phone")),
    (re.compile(r"(?<![\w.-])(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}(?![\w-])"), mark("phone")),
)
#: In one run, or in groups as on the card. Amazon's order numbers are in other groups, and stay.
_CARD = re.compile(
    r"(?<![\w.-])(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|3[0-9]{3}([ -])[0-9]{6}\2[0-9]{5})(?![\w-])"
)
#: A letter written by its number would hide a name or a value from the rest.
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_decoder = json.JSONDecoder()


class Redactor:
    """Redacts by name and shape, and whatever of `known` turns up in plain, percent-encoded or inside JSON. Safe to use from several threads."""

    def __init__(self, known: Iterable[str | SecretStr] = ()) -> None:
        texts = {each.get_secret_value() if isinstance(each, SecretStr) else each for each in known}
        forms = {
            form
            for text in texts
            if len(text) >= _SHORTEST_KNOWN
            for form in (text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1])
        }
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, given: str | bytes, *, also: str = "") -> str:
        """`given` without its secrets, and without `also`; of at most `MAX_BYTES` and a mark that says how much was cut."""
        cut = max(0, len(given) - READ_CHARS)
        read = given[:READ_CHARS]
        # Surrogates and NUL are what a database refuses, and this must never be refused.
        text = (read.decode("utf-8", "replace") if isinstance(read, bytes) else read).encode("utf-8", "replace").decode().replace("\0", "�")
        text = _whole_words(text) if cut else text
        text = _without_members(_ESCAPED.sub(_plain_letter, text))
        text = text.replace(also, mark("key")) if also else text
        if self._known:
            text = self._known.sub(_SECRET, text)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        text = _NAMED.sub(_named, text)
        return _bounded(_CARD.sub(_card, text), cut)

    def value(self, given: Any, *, depth: int = 0) -> Any:
        """`given` as something JSON can hold, without its secrets. What is not known to be harmless becomes the name of its type."""
        match given:
            case None | bool():
                return given
            case Enum():
                return self.value(given.value, depth=depth)
            case int():
                return given if _CARD.sub(_card, str(given)[:READ_CHARS]) == str(given) else mark("card")
            case SecretStr() | SecretBytes():
                return _SECRET
            case Money():
                return given.model_dump()
            case str() | bytes():
                return self.text(given)
            case BaseException():
                return f"{type(given).__name__}: {self.text(str(given))}"
            case Mapping() if depth < _DEEPEST:
                return {self.text(str(name)): self._member(str(name), member, depth) for name, member in given.items()}
            case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
                return [self.value(member, depth=depth + 1) for member in given]
            case _:
                return f"<{type(given).__name__}>"

    def _member(self, name: str, member: Any, depth: int) -> Any:
        if member is None or isinstance(member, bool):
            return member
        if _IS_SECRET.fullmatch(name):
            return _SECRET
        return _PERSONAL if _IS_PERSONAL.fullmatch(name) else self.value(member, depth=depth + 1)


def _whole_words(text: str) -> str:
    """Up to the last word that is whole: half a secret has no shape any more."""
    return text[: max(text.rfind(end) for end in ' \n",&')].rstrip() if text else text


def _without_members(text: str) -> str:
    """Every value under the name of a secret replaced, whole, as JSON has it; where it has no end, everything that follows."""
    parts, at = [], 0
    while found := _MEMBER.search(text, at):
        parts += [text[at : found.end()], f'"{_SECRET if found["secret"] else _PERSONAL}"']
        at = _end_of_value(text, found.end())
    return "".join((*parts, text[at:])) if parts else text


def _end_of_value(text: str, start: int) -> int:
    try:
        return _decoder.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return len(text)


def _plain_letter(escape: re.Match[str]) -> str:
    letter = chr(int(escape[1], 16))
    return escape[0] if letter in '"\\\x7f' else letter


def _named(found: re.Match[str]) -> str:
    return f"{found['name']}{found['quote'] or ''}{_SECRET if found['secret'] else _PERSONAL}"


def _card(found: re.Match[str]) -> str:
    """Only what Luhn's check digit says is a card."""
    digits = [int(digit) for digit in reversed(found[0]) if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return mark("card") if (sum(digits[::2]) + sum(doubled)) % 10 == 0 else found[0]


def _bounded(text: str, cut: int) -> str:
    raw = text.encode()
    if len(raw) <= MAX_BYTES and not cut:
        return text
    kept = raw[:MAX_BYTES].decode("utf-8", "ignore")
    # Counted in what came, as near as it can be told after the redaction.
    left = cut + max(0, len(raw) - MAX_BYTES)
    return f"{kept} ‹cut: {left} more›"


#: Where nothing is known but names and shapes.
PLAIN = Redactor()
