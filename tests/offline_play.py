"""Phones and tills for tests of the counter without a network: the same steps as the browsers take, in Python.

till = await Till.enrol(house, "mei"); await till.pull(); phone = Phone(); await phone.fetch(house, voucher)
till.accept(phone.text(voucher_id, now), now); answers = await till.upload()
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from msgspec import structs

from hutong import merchants, orders, people, vouchers
from hutong.desk import offline
from hutong.desk.offline import PullAnswer, Sent
from hutong.infra.ids import new_id
from hutong.kit.access import Actor
from hutong.kit.ids import PAYMENT
from hutong.merchants import Device, Limits
from hutong.orders import Place, Placed, Wanted
from hutong.payments import ProviderPayment
from hutong.vouchers import CapsuleMade, Pull, ScanAnswer, Voucher
from hutong.vouchers.capsules import in_time, read_token, tail, token_message, token_text, why_not_genuine
from tests.house import TestHouse

STORE = "noodle-bar-lantern"


class Key:
    """A P-256 key: a phone's or a till's."""

    def __init__(self) -> None:
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = ECKey.import_key(pem.decode())
        self.public = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def sign(self, message: bytes) -> bytes:
        return JWSRegistry.algorithms["ES256"].sign(message, self._key)


async def actor(house: TestHouse, who: str) -> Actor:
    async with house.db.central() as tx:
        return (await people.actors(tx, [house.town.people[who]]))[house.town.people[who]]


async def switch_on(house: TestHouse, **changes: Any) -> Limits:
    """Mei switches offline on, for up to fifty devices."""
    limits = structs.replace(merchants.default_limits("CNY"), mode="capped", **changes)
    limits = structs.replace(limits, declared_units=limits.worst(50))
    mei = await actor(house, "mei")
    return await offline.set_limits(house, house.town.city_id, mei, house.town.noodle_bar, limits)


async def bought(house: TestHouse, quantity: int = 1, *, offer: str = "two-bowls", who: str = "ann") -> list[Voucher]:
    """Somebody has bought; how is another test's business."""
    town, now = house.town, house.clock.now()
    ask = Place(
        order_id=new_id(), payment_id=new_id(), member_id=town.people[who], member_name=who, phone_tail="0001",
        wants=(Wanted(town.offers[offer], quantity),),
    )  # fmt: skip
    async with house.db.city(town.city_id) as tx:
        [placed] = await orders.place(
            tx, [ask], city_id=town.city_id, now=now, schemes=house.schemes, hold_for=timedelta(minutes=15)
        )
        assert isinstance(placed, Placed), placed
        paid = ProviderPayment(
            out_no=PAYMENT.show(placed.payment_id, town.city_id), state="captured",
            provider_no=f"P{ask.payment_id.hex}", amount=placed.total,
        )  # fmt: skip
        await orders.receive(tx, [paid], city_id=town.city_id, now=now)
        return await vouchers.of_orders(tx, [ask.order_id], city_id=town.city_id)


class Phone:
    """A holder's phone: a key, and the capsules that it fetched."""

    def __init__(self, house: TestHouse, who: str = "ann") -> None:
        self.house, self.who, self.key = house, who, Key()
        self.capsules: dict[UUID, bytes] = {}

    async def fetch(self, voucher_id: UUID) -> CapsuleMade:
        holder = await actor(self.house, self.who)
        made = await offline.capsule(self.house, self.house.town.city_id, holder, voucher_id, self.key.public)
        self.capsules[voucher_id] = made.signed
        return made

    def text(self, voucher_id: UUID, at: datetime) -> str:
        step = int(at.timestamp()) // 30
        return token_text(self.capsules[voucher_id], step, self.key.sign(token_message(voucher_id, step)))


class Till:
    """A device at a counter: decides alone, keeps its log, tells it later."""

    def __init__(self, house: TestHouse, device: Device, key: Key) -> None:
        self.house, self.device, self.key = house, device, key
        self.number = 0
        self.seq = 0
        self.log: list[tuple[int, str, bytes]] = []  # rows that the server has not answered
        self.used: set[bytes] = set()
        self.since: datetime | None = None
        self.told: PullAnswer | None = None
        self.spent: dict[int, tuple[int, int]] = {}
        self.given = 0  # what it has handed out in goods, in units

    @classmethod
    async def enrol(cls, house: TestHouse, who: str = "mei", store: str = STORE, name: str = "till") -> "Till":
        key = Key()
        store_id = house.town.stores[store]
        async with house.db.reading() as tx:
            limits = (await merchants.limits_of(tx, house.town.city_id, [house.town.noodle_bar])).get(
                house.town.noodle_bar
            )
        device = await offline.enrol(
            house, house.town.city_id, await actor(house, who), store_id, name=name, public_key=key.public,
            declared=limits.declared_units if limits else 0,
        )  # fmt: skip
        return cls(house, device, key)

    @property
    def holds(self) -> int:
        allowance = self.told.pulled.allowance if self.told else None
        return allowance.number if allowance else 0

    def _sent(self, kind: str, body: bytes = b"{}") -> Sent:
        self.number += 1
        return Sent(
            device_id=self.device.device_id, kind=kind, number=self.number,
            device_ms=int(self.house.clock.now().timestamp() * 1000), body=body,
            signature=self.key.sign(kind.encode() + b"\n" + body),
        )  # fmt: skip

    async def pull(self, *, lose_answer: bool = False, wants: bool = True) -> PullAnswer | None:
        """Ask what may be done; the answer may be lost on the way."""
        ask = Pull(device_id=self.device.device_id, holds=self.holds, told_seq=self.seq, wants=wants)
        answer = await offline.pull(
            self.house, self.house.town.city_id, self._sent("pull"), ask, since=self.since
        )  # fmt: skip
        if lose_answer:
            return None
        self.told, self.since = answer, answer.now
        for one in answer.changed:
            (self.used.discard if one.usable else self.used.add)(one.tail)
        return answer

    def accept(self, text: str, at: datetime, *, staff: str = "tao") -> str:
        """Decide alone: "accepted", or why not. An accepted row is in the log before this returns."""
        why = self._why_not(text, at)
        if why is not None:
            return why
        token = read_token(text)
        assert token is not None
        count, units = self.spent.get(self.holds, (0, 0))
        self.spent[self.holds] = (count + 1, units + token.capsule.face)
        self.used.add(tail(token.capsule.voucher_id))
        self.given += token.capsule.face
        self.write(text, at, staff=staff)
        return "accepted"

    def write(self, text: str, at: datetime, *, staff: str = "tao", seq: int | None = None) -> None:
        """Put a row into the log, whatever it says: what a merchant who makes things up would do."""
        self.seq = seq or self.seq + 1
        payload = vouchers.write_payload(
            seq=self.seq, scanned_ms=int(at.timestamp() * 1000), allowance=self.holds,
            staff=str(self.house.town.people[staff]), text=text,
        )  # fmt: skip
        self.log.append((self.seq, payload, self.key.sign(payload.encode())))

    def _why_not(self, text: str, at: datetime) -> str | None:
        token = read_token(text)
        allowance = self.told.pulled.allowance if self.told else None
        if token is None:
            return "unreadable"
        if self.told is None or allowance is None or not at < allowance.until:
            return "no_allowance"
        why = why_not_genuine(token, self.told.keys)
        if why is not None:
            return why
        capsule = token.capsule
        count, units = self.spent.get(allowance.number, (0, 0))
        stranger = capsule.merchant != tail(self.device.merchant_id)
        elsewhere = bool(capsule.stores) and tail(self.device.store_id) not in capsule.stores
        reasons = (
            (stranger, "wrong_merchant"),
            (elsewhere, "wrong_store"),
            (not in_time(token.step, at), "stale_token"),
            (not capsule.usable_at(at), "outside_windows"),
            (tail(capsule.voucher_id) in self.used, "used_here"),
            (capsule.face > allowance.max_face_units, "over_face"),
            (count + 1 > allowance.max_count, "over_allowance"),
            (units + capsule.face > allowance.max_units, "over_allowance"),
        )
        return next((why for wrong, why in reasons if wrong), None)

    async def upload(self, *, lose_answer: bool = False, rows: Any = None) -> list[ScanAnswer]:
        """Tell the log; answered rows leave it, unless the answer is lost."""
        sent = self.log[:200] if rows is None else rows
        if not sent:
            return []
        answer = await offline.upload(self.house, self.house.town.city_id, self._sent("upload"), sent)
        if not lose_answer:
            answered = {one.seq for one in answer.answers}
            self.log = [row for row in self.log if row[0] not in answered]
        return list(answer.answers)
