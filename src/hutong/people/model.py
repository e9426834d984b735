"""Members, codes and sessions as values, and the pure rules of signing in."""

import hashlib
import hmac
import ipaddress
import re
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.access import Permission, Role, ScopeKind
from hutong.kit.ids import from_crockford, to_crockford
from hutong.kit.masks import shown_name

Purpose = Literal["sign_in", "confirm", "phone_old", "phone_new", "leave"]
TRIES = 5
CODE_LIFE = timedelta(minutes=5)
SESSION_LIFE = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=10)  # how exact "last seen" is: a read becomes a write no more often
DIGITS = re.compile(r"^[0-9]{6}$")


class Limits(Struct, frozen=True, kw_only=True):
    """How often codes may be asked for and guessed (reliability.md A1-A3). None switches a limit off."""

    pause_s: int = 60  # between two codes to one phone
    phone_per_hour: int | None = 5
    phone_per_day: int | None = 10
    address_per_hour: int | None = 20
    everyone_per_hour: int | None = None  # the fuse against a bill: set it where messages cost money
    guesses_per_address_hour: int | None = 100


class Member(Struct, frozen=True, kw_only=True):
    """A consumer. The number itself stays inside; `phone_tail` is what may be shown."""

    member_id: UUID
    name: str
    language: str
    phone_tail: str
    status: Literal["active", "frozen", "erased"]
    created_at: datetime

    @property
    def shown(self) -> str:
        return shown_name(self.name, self.phone_tail, self.language)


class RequestCode(Struct, frozen=True, kw_only=True):
    """Ask for a one-time code. `phone` as typed; `address` is the caller's network address."""

    phone: str
    address: str
    purpose: Purpose = "sign_in"


class CodeMade(Struct, frozen=True, kw_only=True):
    """A code to send after the commit. `phone` is in international form."""

    phone: str
    code: str
    purpose: Purpose
    expires_at: datetime


class UseCode(Struct, frozen=True, kw_only=True):
    """Try a code for a purpose other than signing in (signing in tries its own).

    Codes with the same `group` are used up together or not at all: a slip in one does not cost the other.
    """

    phone: str
    code: str
    address: str
    purpose: Purpose = "confirm"
    group: UUID | None = None


class CodeUsed(Struct, frozen=True, kw_only=True):
    """The code was right and is dead now. `phone` is in international form."""

    phone: str
    purpose: Purpose


class SignIn(Struct, frozen=True, kw_only=True):
    """Sign in with a code. `member_id` and `token` are new ones from the edge; the id is used if the number is new.

    `previous` is the token the browser had: its session ends (a session never survives a sign-in).
    """

    phone: str
    code: str
    address: str
    agent: str = ""
    member_id: UUID
    token: str
    language: str = "zh"
    previous: str | None = None


class SignedIn(Struct, frozen=True, kw_only=True):
    """Who signed in, whether for the first time, and the token to put into the cookie."""

    member_id: UUID
    is_new: bool
    token: str
    expires_at: datetime


class Opening(Struct, frozen=True, kw_only=True):
    """A session to open for somebody who has proved who he is. The id and the token are new, from the edge."""

    session_id: UUID
    member_id: UUID
    token: str
    agent: str = ""
    previous: str | None = None


class SessionInfo(Struct, frozen=True, kw_only=True):
    """One place where a member is signed in. `seen_at` is exact to some minutes; `here`: the one that asks."""

    session_id: UUID
    device: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    here: bool = False


class EditMember(Struct, frozen=True, kw_only=True):
    """A member's own words; None leaves a field as it is."""

    member_id: UUID
    name: str | None = None
    language: str | None = None


class AddMember(Struct, frozen=True, kw_only=True):
    """Let there be a member with this number, by the house itself: for the cast of a demo, or a move from elsewhere."""

    member_id: UUID
    phone: str
    name: str = ""
    language: str = "zh"


class GiveRole(Struct, frozen=True, kw_only=True):
    """Give a role. `by` is the member who gives it; None only where the house itself does (command line, demo).

    Say all that is true of the place: an owner's role needs the merchant (and the city it was invited in), a
    store's role all three. These come from rows of `merchants`, never from a form.
    """

    grant_id: UUID
    member_id: UUID
    role: Role
    city_id: int | None = None
    merchant_id: UUID | None = None
    store_id: UUID | None = None
    by: UUID | None


class RoleGiven(Struct, frozen=True, kw_only=True):
    """The member holds the role now (perhaps already did)."""

    grant_id: UUID
    member_id: UUID
    role: Role


class RevokeRole(Struct, frozen=True, kw_only=True):
    """Take a role away. `by` as in GiveRole."""

    grant_id: UUID
    by: UUID | None


class StaffMember(Struct, frozen=True, kw_only=True):
    """Somebody who holds a role, as colleagues see it."""

    grant_id: UUID
    member_id: UUID
    name: str
    phone_tail: str
    role: Role
    scope_kind: ScopeKind
    city_id: int | None
    merchant_id: UUID | None
    store_id: UUID | None
    granted_at: datetime


class MakeKey(Struct, frozen=True, kw_only=True):
    """A key for a merchant's own till: for the merchant, or for one store of it. Id and secret come from the edge."""

    key_id: UUID
    secret: str
    merchant_id: UUID
    city_id: int | None = None
    store_id: UUID | None = None
    label: str
    permissions: frozenset[Permission]
    made_by: UUID


class RotateKey(Struct, frozen=True, kw_only=True):
    """Replace a key by a new one with the same rights; the old one lives on for `grace`."""

    key_id: UUID
    new_key_id: UUID
    new_secret: str
    grace: timedelta = timedelta(hours=24)
    by: UUID


class RevokeKey(Struct, frozen=True, kw_only=True):
    """End a key at once."""

    key_id: UUID
    by: UUID


class KeyMade(Struct, frozen=True, kw_only=True):
    """The only time the whole key is seen."""

    key_id: UUID
    text: str


class KeyInfo(Struct, frozen=True, kw_only=True):
    """A key as its owner sees it in the list."""

    key_id: UUID
    merchant_id: UUID
    city_id: int | None
    store_id: UUID | None
    label: str
    permissions: frozenset[Permission]
    made_at: datetime
    last_used_at: datetime | None
    ends_at: datetime | None
    replaced_by: UUID | None

    def alive(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


def code_digest(secret: bytes, *, phone: str, purpose: str, made_at: datetime, code: str) -> bytes:
    """What is stored of a code: useless without the server's secret, for another phone, purpose or time."""
    words = f"{purpose}|{phone}|{int(made_at.timestamp() * 1_000_000)}|{code}"
    return hmac.new(secret, words.encode(), hashlib.sha256).digest()


def bucket(secret: bytes, kind: str, value: str) -> str:
    """The name of a limit without the personal datum it is about."""
    return f"people/{kind}/{hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]}"


def network_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the /64 that one IPv6 household owns."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return address.strip()[:60]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def token_hash(token: str) -> bytes:
    """What is stored of a session's token: a token is long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def language_of(locale: str) -> str:
    """The language of the house that is nearest to a browser's: zh for Chinese, en for all others."""
    return "zh" if locale.lower().startswith("zh") else "en"


_DEVICES = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
            ("Macintosh", "Mac"), ("Linux", "Linux"))  # fmt: skip
_BROWSERS = (("MicroMessenger", "WeChat"), ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"),
             ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip


def device_label(agent: str) -> str:
    """A few words by which a member knows a device again, e.g. "WeChat · iPhone"; the rest is not kept."""
    browser = next((shown for sign, shown in _BROWSERS if sign in agent), None)
    device = next((shown for sign, shown in _DEVICES if sign in agent), None)
    return " · ".join(part for part in (browser, device) if part) or agent[:20].strip() or "?"


_KEY = re.compile(r"^hutong_live_([0-9a-z]{26})_([A-Za-z0-9-]{40,64})$")


def key_text(key_id: UUID, secret: str) -> str:
    """The whole key as the till sends it: `hutong_live_<id>_<secret>`."""
    return f"hutong_live_{to_crockford(key_id.bytes)}_{secret}"


def read_key(text: str) -> tuple[UUID, str] | None:
    """(id, secret) of a key; None when it is not written like one."""
    match = _KEY.match(text)
    if match is None:
        return None
    try:
        return UUID(bytes=from_crockford(match[1], 16)), match[2]
    except (ValueError, OverflowError):
        return None
