"""Capsules: what a phone may show to a counter without a network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from hutong.infra.db import Tx
from hutong.kit.refusals import BadInput, Refusal
from hutong.merchants import Limits
from hutong.vouchers.capsules import Capsule, CapsuleKind, HouseKey, capsule_of, is_key, worth
from hutong.vouchers.model import Voucher
from hutong.vouchers.offline import AskCapsule, CapsuleMade
from hutong.vouchers.queries import by_ids
from hutong.vouchers.refusals import OnlineOnly, VoucherUnknown


def class_of(voucher: Voucher, limits: Limits | None) -> CapsuleKind | None:
    """Which counters may take it without a network: None for none (online only).

    Bound vouchers (one device for each) are part of the format and not offered yet.
    """
    if voucher.value:  # money is spent only where its balance is known
        return None
    if limits is None or not limits.on or voucher.state != "valid" or voucher.asset != limits.asset:
        return None
    return "capped" if worth(voucher) <= limits.max_face_units else None


async def offer_capsules(
    tx: Tx, asks: Sequence[AskCapsule], *, city_id: int, now: datetime, zone: str, key: HouseKey,
    limits: Mapping[UUID, Limits],
) -> list[CapsuleMade | Refusal]:  # fmt: skip
    """Sign capsules for the holders' own vouchers, for `capsules.LIFE` at most; each is noted, so that a refund knows
    that a counter may take it. `limits` by merchant. The same phone again gets a fresh one.

    Refusals: voucher_not_found (also somebody else's), bad_input (no key), voucher_online_only.
    """
    found = {v.voucher_id: v for v in await by_ids(tx, [a.voucher_id for a in asks], city_id=city_id)}
    results: list[CapsuleMade | Refusal] = []
    made: dict[tuple[UUID, bytes], Capsule] = {}
    for ask in asks:
        voucher = found.get(ask.voucher_id)
        if voucher is None or voucher.member_id != ask.member_id:
            results.append(VoucherUnknown())
            continue
        if not is_key(ask.phone_key):
            results.append(BadInput(field="jwk", why="P-256"))
            continue
        kind = class_of(voucher, limits.get(voucher.merchant_id))
        capsule = kind and capsule_of(voucher, kind=kind, phone_key=ask.phone_key, zone=zone, now=now)
        if not capsule:
            results.append(OnlineOnly())
            continue
        made[voucher.voucher_id, ask.phone_key] = capsule
        results.append(
            CapsuleMade(
                voucher_id=voucher.voucher_id, signed=key.sign(capsule), kind=capsule.kind,
                expires_at=capsule.expires_at,
            )
        )  # fmt: skip
    await _note(tx, list(made.values()), found, city_id=city_id)
    return results


async def _note(tx: Tx, made: Sequence[Capsule], found: Mapping[UUID, Voucher], *, city_id: int) -> None:
    if not made:
        return
    await tx.run(
        """insert into vouchers.capsules as k (city_id, voucher_id, phone_key, merchant_id, kind, face_units, issued_at,
                                               expires_at)
           select %(city)s, c.voucher, c.phone, c.merchant, c.kind, c.face, c.issued, c.expires
           from unnest(%(vouchers)s::uuid[], %(phones)s::bytea[], %(merchants)s::uuid[], %(kinds)s::text[],
                       %(faces)s::bigint[], %(issued)s::timestamptz[], %(expires)s::timestamptz[])
             as c(voucher, phone, merchant, kind, face, issued, expires)
           order by c.voucher, c.phone
           on conflict (city_id, voucher_id, phone_key) do update
           set issued_at = excluded.issued_at, expires_at = greatest(k.expires_at, excluded.expires_at),
               face_units = excluded.face_units, kind = excluded.kind""",
        city=city_id, vouchers=[c.voucher_id for c in made], phones=[c.phone_key for c in made],
        merchants=[found[c.voucher_id].merchant_id for c in made], kinds=[c.kind for c in made],
        faces=[c.face for c in made], issued=[c.issued_at for c in made], expires=[c.expires_at for c in made],
    )  # fmt: skip
