"""Chains: a head office, itself a merchant, and the merchants who have let it in. Each stays who he is, with his own
stores, staff, contract and books; what the head office may see and do there is the desk's to say."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from hutong.infra.db import Tx
from hutong.kit.refusals import NotFound, Refusal
from hutong.kit.text import Text
from hutong.merchants.model import words_missing
from hutong.merchants.refusals import ChainElsewhere


class Chain(Struct, frozen=True, kw_only=True):
    """A chain. `head_id`: the merchant that is its head office."""

    chain_id: UUID
    head_id: UUID
    name: Text
    made_at: datetime


class ChainShop(Struct, frozen=True, kw_only=True):
    """A merchant who is asked (`agreed_at` None) or in. `keep_units`: what the head office keeps as his money for
    points, in the smallest unit of their programme's currency; 0: it does not."""

    chain_id: UUID
    merchant_id: UUID
    asked_at: datetime
    agreed_at: datetime | None
    keep_units: int


class FormChain(Struct, frozen=True, kw_only=True):
    """Make a merchant a head office."""

    chain_id: UUID
    head_id: UUID
    name: Text
    by: UUID


class InChain(Struct, frozen=True, kw_only=True):
    """Ask a merchant in, agree, or end it."""

    chain_id: UUID
    merchant_id: UUID
    by: UUID


class Keep(Struct, frozen=True, kw_only=True):
    """How much money for points the head office keeps at a shop; 0: none any more."""

    chain_id: UUID
    merchant_id: UUID
    keep_units: int


_CHAIN = "select c.chain_id, c.head_id, c.name, c.made_at from merchants.chains c"
_SHOP = "select s.chain_id, s.merchant_id, s.asked_at, s.agreed_at, s.keep_units from merchants.chain_shops s"


def _chain(row: dict[str, Any]) -> Chain:
    return Chain(**{**row, "name": Text(**row["name"])})


async def chains_of(tx: Tx, merchant_ids: Iterable[UUID]) -> dict[UUID, Chain]:
    """The chain that each of these merchants heads, is in or is asked by; absent for one without any."""
    rows = await tx.rows(
        """select c.head_id as of_merchant, c.chain_id, c.head_id, c.name, c.made_at from merchants.chains c
            where c.head_id = any(%(ids)s::uuid[])
           union all
           select s.merchant_id, c.chain_id, c.head_id, c.name, c.made_at from merchants.chain_shops s
             join merchants.chains c on c.chain_id = s.chain_id
            where s.merchant_id = any(%(ids)s::uuid[]) and s.ended_at is null""",
        ids=sorted(set(merchant_ids)),
    )
    return {row.pop("of_merchant"): _chain(row) for row in rows}


async def chain_shops(tx: Tx, chain_ids: Iterable[UUID], *, agreed: bool = False) -> list[ChainShop]:
    """The merchants of chains, who was asked first first; `agreed`: only those who are in."""
    rows = await tx.rows(
        f"""{_SHOP} where s.chain_id = any(%(ids)s::uuid[]) and s.ended_at is null
              and (not %(agreed)s or s.agreed_at is not null)
            order by s.chain_id, s.asked_at, s.merchant_id""",
        ids=sorted(set(chain_ids)), agreed=agreed,
    )  # fmt: skip
    return [ChainShop(**row) for row in rows]


async def kept_in(tx: Tx, city_id: int) -> list[tuple[UUID, ChainShop]]:
    """(head office, shop) of all chains whose head office is at home in a city and keeps money for points there."""
    rows = await tx.rows(
        """select c.head_id, s.chain_id, s.merchant_id, s.asked_at, s.agreed_at, s.keep_units
             from merchants.presence p join merchants.chains c on c.head_id = p.merchant_id
             join merchants.chain_shops s on s.chain_id = c.chain_id
            where p.city_id = %(city)s and s.ended_at is null and s.agreed_at is not null and s.keep_units > 0
            order by s.merchant_id""",
        city=city_id,
    )
    return [(row.pop("head_id"), ChainShop(**row)) for row in rows]


async def _locked(tx: Tx, merchant_ids: Iterable[UUID]) -> tuple[set[UUID], dict[UUID, Chain]]:
    """The merchants that there are, locked in one order for everybody, and the chain of each."""
    ids = sorted(set(merchant_ids))
    rows = await tx.rows(
        """select m.merchant_id from merchants.merchants m where m.merchant_id = any(%(ids)s::uuid[])
            order by m.merchant_id for no key update""",
        ids=ids,
    )
    return {row["merchant_id"] for row in rows}, await chains_of(tx, ids)


async def form_chains(tx: Tx, wanted: Sequence[FormChain], *, now: datetime) -> list[Chain | Refusal]:
    """Make head offices; a merchant that is one already is answered with his chain. Refusals: bad_input (name),
    not_found, chain_elsewhere."""
    there, chains = await _locked(tx, [one.head_id for one in wanted])
    results: list[Chain | Refusal] = []
    new: list[FormChain] = []
    for one in wanted:
        was, wrong = chains.get(one.head_id), words_missing(one.name, "name")
        if one.head_id not in there:
            results.append(NotFound())
        elif was is not None:
            results.append(was if was.head_id == one.head_id else ChainElsewhere())
        elif wrong is not None:
            results.append(wrong)
        else:
            made = Chain(chain_id=one.chain_id, head_id=one.head_id, name=one.name, made_at=now)
            chains[one.head_id] = made
            new.append(one)
            results.append(made)
    await tx.run(
        """insert into merchants.chains (chain_id, head_id, name, made_by, made_at)
           select n.*, %(now)s from unnest(%(ids)s::uuid[], %(heads)s::uuid[], %(names)s::jsonb[], %(bys)s::uuid[])
             as n(chain_id, head_id, name, made_by)""",
        now=now, ids=[one.chain_id for one in new], heads=[one.head_id for one in new],
        names=[Jsonb({"zh": one.name.zh, "en": one.name.en}) for one in new], bys=[one.by for one in new],
    )  # fmt: skip
    return results


async def ask_shops(tx: Tx, wanted: Sequence[InChain], *, now: datetime) -> list[ChainShop | Refusal]:
    """Ask merchants into chains; who is asked or in already stands. Refusals: not_found, chain_elsewhere (he heads a
    chain, or another one has him)."""
    there, chains = await _locked(tx, [one.merchant_id for one in wanted])
    rows = await tx.rows(
        f"{_CHAIN} where c.chain_id = any(%(ids)s::uuid[])", ids=sorted({one.chain_id for one in wanted})
    )
    known = {row["chain_id"]: _chain(row) for row in rows}
    standing = {(one.chain_id, one.merchant_id): one for one in await chain_shops(tx, known)}
    results: list[ChainShop | Refusal] = []
    new: list[InChain] = []
    for one in wanted:
        was = standing.get((one.chain_id, one.merchant_id))
        if was is not None:
            results.append(was)
        elif one.merchant_id not in there or one.chain_id not in known:
            results.append(NotFound())
        elif one.merchant_id in chains:
            results.append(ChainElsewhere())
        else:
            asked = ChainShop(
                chain_id=one.chain_id, merchant_id=one.merchant_id, asked_at=now, agreed_at=None, keep_units=0
            )
            standing[one.chain_id, one.merchant_id] = asked
            chains[one.merchant_id] = known[one.chain_id]
            new.append(one)
            results.append(asked)
    await tx.run(
        """insert into merchants.chain_shops (chain_id, merchant_id, asked_at, asked_by, keep_units)
           select n.chain_id, n.merchant_id, %(now)s, n.by, 0
             from unnest(%(chains)s::uuid[], %(merchants)s::uuid[], %(bys)s::uuid[]) as n(chain_id, merchant_id, by)""",
        now=now, **_named(new),
    )  # fmt: skip
    return results


async def join_chains(tx: Tx, wanted: Sequence[InChain], *, now: datetime) -> list[ChainShop | Refusal]:
    """Merchants agree to be in the chain that asked them; who is in already stands. Refusals: not_found."""
    await _locked(tx, [one.merchant_id for one in wanted])
    await tx.run(
        """update merchants.chain_shops as s set agreed_at = %(now)s, agreed_by = n.by
             from unnest(%(chains)s::uuid[], %(merchants)s::uuid[], %(bys)s::uuid[]) as n(chain_id, merchant_id, by)
            where s.chain_id = n.chain_id and s.merchant_id = n.merchant_id and s.ended_at is null
              and s.agreed_at is null""",
        now=now, **_named(wanted),
    )  # fmt: skip
    return await _standing(tx, [(one.chain_id, one.merchant_id) for one in wanted])


async def end_shops(tx: Tx, wanted: Sequence[InChain], *, now: datetime) -> list[ChainShop | Refusal]:
    """Merchants leave, are let go, or say no; each answered as he stood. From then on the head office sees nothing of
    them any more. Refusals: not_found."""
    await _locked(tx, [one.merchant_id for one in wanted])
    stood = await _standing(tx, [(one.chain_id, one.merchant_id) for one in wanted])
    await tx.run(
        """update merchants.chain_shops as s set ended_at = %(now)s, ended_by = n.by, keep_units = 0
             from unnest(%(chains)s::uuid[], %(merchants)s::uuid[], %(bys)s::uuid[]) as n(chain_id, merchant_id, by)
            where s.chain_id = n.chain_id and s.merchant_id = n.merchant_id and s.ended_at is null""",
        now=now, **_named(wanted),
    )  # fmt: skip
    return stood


async def keep_shops(tx: Tx, wanted: Sequence[Keep]) -> list[ChainShop | Refusal]:
    """How much money for points is kept at shops that are in. Refusals: not_found."""
    await _locked(tx, [one.merchant_id for one in wanted])
    await tx.run(
        """update merchants.chain_shops as s set keep_units = n.keep_units
             from unnest(%(chains)s::uuid[], %(merchants)s::uuid[], %(keeps)s::bigint[])
               as n(chain_id, merchant_id, keep_units)
            where s.chain_id = n.chain_id and s.merchant_id = n.merchant_id and s.ended_at is null
              and s.agreed_at is not null""",
        chains=[one.chain_id for one in wanted], merchants=[one.merchant_id for one in wanted],
        keeps=[max(0, one.keep_units) for one in wanted],
    )  # fmt: skip
    stand = await _standing(tx, [(one.chain_id, one.merchant_id) for one in wanted])
    return [NotFound() if isinstance(one, ChainShop) and one.agreed_at is None else one for one in stand]


async def _standing(tx: Tx, keys: Sequence[tuple[UUID, UUID]]) -> list[ChainShop | Refusal]:
    found = {(one.chain_id, one.merchant_id): one for one in await chain_shops(tx, [chain for chain, _ in keys])}
    return [found.get(key, NotFound()) for key in keys]


def _named(wanted: Sequence[InChain]) -> dict[str, list[UUID]]:
    return {
        "chains": [one.chain_id for one in wanted], "merchants": [one.merchant_id for one in wanted],
        "bys": [one.by for one in wanted],
    }  # fmt: skip
