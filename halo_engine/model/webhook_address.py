"""Where a webhook may be sent: somewhere on the public internet, and nowhere in the network that Halo itself stands in (SSRF).

Pure rules; `webhooks.network` asks them about every address that a name resolves to, and connects to that very address. What is not plainly right
is refused: a URL has many spellings, and every reader of URLs understands another one of them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from halo_engine.model.errors import InvalidInput
from halo_engine.model.value import Value

Address = IPv4Address | IPv6Address

_MOST_CHARS = 2000
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?(?P<path>/[!-~]*)?",
    re.ASCII,
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
#: Whatever of it is neither the private network of somebody nor a way into IPv4.
_UNICAST = IPv6Network("2000::/3")
_NEVER = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # of carriers
        "192.88.99.0/24",  # 6to4's relays
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address, of any kind, inside
        "3fff::/20",  # documentation
    )
)
_HINT = "Give an https:// address on the public internet."


class Target(Value):
    """A URL taken apart, in the one reading that is used to connect. `is_local` is this very machine, for development."""

    scheme: str
    host: str
    port: int
    path: str
    is_local: bool

    @property
    def host_header(self) -> str:
        """As the receiver is addressed: the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """One spelling of it."""
        return f"{self.scheme}://{self.host_header}{self.path}"

    def may_be_at(self, address: Address) -> bool:
        """Whether it may be spoken to at `address`."""
        return address.is_loopback if self.is_local else is_public(address)


def is_public(address: Address) -> bool:
    """Whether `address` is one machine on the public internet. The standard library's tables, and what they leave open."""
    if not address.is_global or address.is_multicast or address.is_reserved or getattr(address, "scope_id", None):
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        # IPv4 in IPv6 in all its forms, NAT64 and the old site-local addresses are outside.
        return False
    return not any(address.version == net.version and address in net for net in _NEVER)


def target_of(url: str, *, allow_loopback: bool) -> Target:
    """What `url` points to. Raises `InvalidInput` for all that a webhook is not sent to; what its name resolves to is looked at when it is sent."""
    found = _URL.fullmatch(url) if len(url) <= _MOST_CHARS else None
    if found is None or "\\" in url or "#" in url:
        raise InvalidInput(
            "That is not an address that a webhook can be sent to.", hint=f"{_HINT} No user, no fragment; an international name as xn--…."
        )
    scheme, host, port = found["scheme"], found["host"].strip("[]").lower(), int(found["port"] or _port_of(found["scheme"]))
    literal = _literal(host)
    if found["host"].startswith("[") and not isinstance(literal, IPv6Address):
        raise InvalidInput("Only an IPv6 address stands in brackets.", hint=_HINT)
    target = Target(scheme=scheme, host=str(literal or host), port=port, path=found["path"] or "/", is_local=_is_local(host, literal))
    if target.is_local and not allow_loopback:
        raise InvalidInput(
            "A webhook is not sent to this very machine.", hint=f"{_HINT} For development: HALO_WEBHOOKS_ALLOW_LOOPBACK=true."
        )
    if literal is not None and not target.may_be_at(literal):
        raise InvalidInput("A webhook is not sent to a private or special address.", hint=_HINT)
    if literal is None and not target.is_local and not _is_name(host):
        raise InvalidInput("That is not the full name of a host.", hint=_HINT)
    if scheme != "https" and not target.is_local:
        raise InvalidInput("A webhook is sent by https only.", hint=_HINT)
    if not (port == _port_of(scheme) or 1024 <= port <= 65_535):
        raise InvalidInput("That port belongs to another protocol.", hint="Use 443, or one from 1024 to 65535.")
    return target


def _port_of(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _literal(host: str) -> Address | None:
    """The address that `host` spells out in full; never one in octal, in hexadecimal or in fewer parts than four."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_local(host: str, literal: Address | None) -> bool:
    return literal.is_loopback if literal is not None else host == "localhost"


def _is_name(host: str) -> bool:
    """A name of at least two labels whose last is no number: resolvers take `0x7f.1` and `2130706433` for addresses. No trailing dot."""
    labels = host.split(".")
    is_number = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]) is not None
    return len(labels) >= 2 and not is_number and labels[-1] != "localhost" and all(map(_LABEL.fullmatch, labels))
