#!/usr/bin/env python3
"""Check the proof of a receipt, as `halo audit prove` writes it. Needs Python 3.9, nothing else, and no network.

    python3 verify_receipt.py proof.json
    python3 verify_receipt.py proof.json --key KEY

A household keeps a log of what it did. Each entry ("event") is hashed, the hashes are the leaves of a Merkle tree, and the household signs the root
of the tree. The proof shows in that tree that terms were shown to a person (1), that a person confirmed exactly these (2), that then they were sent
to the vendor (3), that it was done (4), and that this receipt was kept (5). All that has to be believed is that the key is the household's: `--key`
holds it against the one that you were given. The exit code is 0 when everything holds, and 1 otherwise.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path


class Lie(Exception):
    """Something in the proof does not hold."""


def need(holds, otherwise):
    if not holds:
        raise Lie(otherwise)


# The texts. There is one way to write each, so that nothing can stand in the file that is not checked.


def parsed(text):
    value = json.loads(text)
    again = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    need(again == text, "a text in it is not written in the one canonical way")
    return value


def unbase64(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "a hash in it is not written in the one canonical way")
    return data


def sha256(data):
    return hashlib.sha256(data).digest()


# The tree: RFC 6962, as RFC 9162 §2.1.3.2 checks it.


def is_in_tree(leaf, index, size, path, root):
    at, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0 or len(sibling) != 32:
            return False
        if at & 1 or at == last:
            reached = sha256(b"\x01" + sibling + reached)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            reached = sha256(b"\x01" + reached + sibling)
        at, last = at >> 1, last >> 1
    return 0 <= index < size and last == 0 and reached == root


# The signature: Ed25519, RFC 8032 §5.1.7. A point (x, y) of the curve is kept as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NOWHERE = (0, 1, 1, 0)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = NOWHERE
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def point_of(data):
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - square) % P == 0 and (x or not odd), "the key or the signature is no point of the curve")
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(message, signature, public):
    s = int.from_bytes(signature[32:], "little")
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(point_of(signature[:32]), times(hashed, point_of(public)))
    is_same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return len(signature) == 64 and len(public) == 32 and s < ORDER and is_same


# The checkpoint: C2SP signed-note and tlog-checkpoint. It says that the log `origin` has `size` events under `root`.

NOTE = re.compile(r"([!-*,-~]+)\n([1-9][0-9]{0,14})\n([A-Za-z0-9+/=]{44})\n\n— ([!-*,-~]+) ([A-Za-z0-9+/=]{92})\n")


def opened(checkpoint, key):
    note = NOTE.fullmatch(checkpoint)
    need(note, "the checkpoint is not written as one")
    origin, size, root, signer, signature = note.groups()
    name, key_id, typed = key.split("+", 2)
    typed, signature = unbase64(typed), unbase64(signature)
    expected_id = sha256(name.encode() + b"\n" + typed)[:4]
    need(typed[:1] == b"\x01" and key_id == expected_id.hex(), "the key is not written as one")
    need(name == signer == origin and signature[:4] == expected_id, "the checkpoint is signed by somebody else than the key says")
    need(is_signed(f"{origin}\n{size}\n{root}\n".encode(), signature[4:], typed[1:]), "the checkpoint's signature is wrong")
    return origin, int(size), unbase64(root)


# The story.

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")


def check(proof):
    """Every check there is. Returns the events that were found to be in the log, or raises `Lie`."""
    need(proof["format"] == "halo/receipt-proof/v1", "it is of another format")
    need(len(proof) == 6, "there is something else in it than belongs there")
    origin, size, root = opened(proof["checkpoint"], proof["key"])
    events = []
    for number, entry in enumerate(proof["events"], 1):
        leaf = sha256(b"\x00" + entry["leaf"].encode())
        path = [unbase64(sibling) for sibling in entry["path"]]
        need(is_in_tree(leaf, entry["index"], size, path, root), f"event {number} of the proof is not in the log that was signed")
        need(len(entry) == 3 and type(entry["index"]) is int, "there is something else in it than belongs there")
        events.append(parsed(entry["leaf"]))
        need(events[-1]["seq"] == entry["index"] + 1, f"event {number} of the proof stands at another place than it says")
        need(origin == f"halo.local/{events[-1]['household_id']}", f"event {number} of the proof is another household's")
    check_gate(events, proof["terms"], proof["receipt"])
    return events, size


def check_gate(events, terms_text, receipt):
    shown, confirmed, *sent, done, kept = events
    kinds = [event["event_type"] for event in events]
    need(kinds[0] in ("draft.created", "draft.revised") and kinds[1] == "draft.confirmed", "it does not begin with terms and a yes")
    need(sent and set(kinds[2:-2]) == {"execution.submitting"}, "it does not show that it was sent after the yes")
    need(kinds[-2] in ("execution.done", "execution.partial"), "it does not show that it was done")
    need(kinds[-1] == "receipt.stored", "it does not show that a receipt was kept")
    numbers = [event["seq"] for event in events]
    need(numbers == sorted(set(numbers)), "the events are not in the order in which they happened")

    terms, draft_hash = parsed(terms_text), sha256(terms_text.encode()).hex()
    yes, end, execution = confirmed["payload"], done["payload"], confirmed["payload"]["execution_id"]
    hashes = {event["payload"]["draft_hash"] for event in events[:-1]}
    need(hashes == {draft_hash}, "what was shown, confirmed, sent and done are not these terms")
    need(shown["entity_id"] == confirmed["entity_id"] == terms["draft_id"], "another draft was confirmed than was shown")
    need({event["entity_id"] for event in (*sent, done)} == {execution}, "something else was carried out than was confirmed")
    need(kept["payload"]["execution_id"] == execution, "the receipt is of something else")
    need(kept["payload"]["content_sha256"] == sha256(receipt.encode()).hex(), "the receipt is another one than was kept")
    need(terms["household_id"] == shown["household_id"], "the terms are another household's")

    ends_at = shown["payload"]["expires_at"]
    need(ends_at == terms["expires_at"] and TIME.fullmatch(ends_at) and TIME.fullmatch(confirmed["created_at"]), "a time in it is none")
    need(confirmed["created_at"][:19] < ends_at[:19], "it was confirmed after its time was over")
    need(isinstance(confirmed["user_id"], str), "nobody confirmed it")
    most, charged = terms["maximum"]["cents"], end["charged_cents"] or 0
    need(type(most) is type(charged) is int and yes["maximum_cents"] == most, "the maximum that was confirmed is not that of the terms")
    need(0 <= charged <= most, "more was charged than was confirmed")
    need({yes["currency"], end["currency"] or yes["currency"]} == {terms["maximum"]["currency"]}, "it was charged in another currency")


def told(events, size, proof, key_is_known):
    shown, confirmed, *sent, done, kept = events
    terms, charged = json.loads(proof["terms"]), done["payload"]["charged_cents"] or 0
    most, currency = terms["maximum"]["cents"], terms["maximum"]["currency"]
    yield f"The proof holds: every event in it is in the log of {size} events that was signed."
    yield f"  event {shown['seq']}, {shown['created_at']}: these terms were shown: {terms['title']}, at most {in_full(most, currency)}"
    yield f"  event {confirmed['seq']}, {confirmed['created_at']}: {confirmed['user_id']} confirmed exactly these, in time"
    yield from (
        f"  event {each['seq']}, {each['created_at']}: after that they were sent to the vendor ({terms['vendor']})" for each in sent
    )
    part = "in part" if done["event_type"] == "execution.partial" else "done"
    yield f"  event {done['seq']}, {done['created_at']}: {part}, and charged: {in_full(charged, currency)}, not more than was confirmed"
    yield f"  event {kept['seq']}, {kept['created_at']}: this receipt was kept, word for word:"
    yield from (f"    | {line}" for line in proof["receipt"].splitlines())
    yield "It does not prove who these members are, what the vendor's own books say, or that the log is shown to everybody the same."
    if not key_is_known:
        yield "It does not prove that the key is the household's. Ask them for theirs, and compare it to the last letter, or with --key:"
    yield f"  key {proof['key']}"


def in_full(cents, currency):
    return f"{cents // 100}.{cents % 100:02d} {currency}"


def printable(line):
    """Text from the file can move no cursor and reorder no words."""
    return "".join(c if c.isprintable() else "?" for c in line)


def main():
    words = argparse.ArgumentParser(description="Check the proof of a receipt, offline.")
    words.add_argument("proof", help="the file that halo audit prove wrote")
    words.add_argument("--key", help="the household's key, as they gave it to you by another way than the file")
    asked = words.parse_args()
    try:
        text = Path(asked.proof).read_bytes().decode()
        need(text.endswith("\n"), "its end is missing")
        proof = parsed(text[:-1])
        need(asked.key in (None, proof["key"]), "it was signed with another key than the one that you gave")
        events, size = check(proof)
        lines = list(told(events, size, proof, asked.key is not None))
    except Lie as lie:
        lines, events = [f"The proof does not hold: {lie}."], None
    except OSError as error:
        lines, events = [f"Nothing was checked: the proof cannot be read ({error.strerror})."], None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        lines, events = [f"The proof does not hold: it cannot be read ({type(error).__name__})."], None
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
    return 0 if events else 1


if __name__ == "__main__":
    sys.exit(main())
