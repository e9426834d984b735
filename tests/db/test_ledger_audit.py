"""Each invariant of the books fires when its violation is seeded; the guards that prevent it are taken off first."""

import pytest

from hutong.infra.audit import audit, queries
from hutong.infra.db import Database
from tests.conftest import audit_clean
from tests.ledger_play import named
from tests.ledger_rows import run, some_books

pytestmark = pytest.mark.anyio

WHERE = {
    "city": {"F": "ledger.city", "P": "ann", "T": named("A"), "Q": named("Q"), "R": named("R")},
    "book": {"F": "ledger.book", "P": "wallet/CNY", "T": named("M"), "Q": named("T"), "R": named("S")},
}
SEEDS = [
    ("L01", "update {F}_accounts set credits_posted = credits_posted + 1 where path = '{P}'"),
    ("L01", "update {F}_accounts set credits_pending = credits_pending + 1 where path = '{P}'"),
    ("L02", "update {F}_accounts set credits_posted = credits_posted + 1, debits_posted = debits_posted + 1"),
    ("L02", "delete from {F}_transfers where transfer_id = '{T}'"),
    ("L03", "update {F}_accounts set debits_pending = credits_posted + 1 where path = '{P}'"),
    ("L04", "update {F}_accounts set debits_posted = debits_posted + 1 where starts_with(path, 'clearing/')"),
    ("L05", "update {F}_accounts set debits_pending = debits_pending - 1 where path = '{P}'"),
    ("L05", "delete from {F}_transfers where pending_id = '{Q}'"),
    ("L06", "update {F}_transfers set released = released + 1 where pending_id = '{Q}'"),
    ("L06", "update {F}_transfers set debit_path = 'other' where pending_id = '{Q}'"),
    ("L06", "update {F}_transfers set step = 'void_pending', pending_id = null where transfer_id = '{T}'"),
    ("L07", "update {F}_transfers set step = 'post_pending', pending_id = '{Q}' where transfer_id = '{T}'"),
    ("L08", "delete from {F}_reserves"),
    ("L08", "update {F}_reserves set expires_at = '2030-01-01'"),
    ("L08", "update {F}_reserves set transfer_id = '{Q}'"),
    ("L09", "update {F}_transfers set amount = 0 where transfer_id = '{T}'"),
    ("L09", "update {F}_transfers set debit_path = credit_path where transfer_id = '{T}'"),
    ("L09", "delete from {F}_accounts where path = '{P}'"),
    ("L10", "update {F}_accounts set version = version + 1 where path = '{P}'"),
    ("L10", "update {F}_transfers set credit_seq = credit_seq + 1 where transfer_id = '{T}'"),
    ("L11", "delete from {F}_transfers where transfer_id = '" + str(named("M")) + "'"),
    ("L11", "update {F}_transfers set amount = amount + 1 where transfer_id = '" + str(named("M")) + "'"),
    ("L12", "update {F}_transfers set chain_id = transfer_id where transfer_id = '{R}'"),
]


async def unguard(db: Database) -> None:
    """Take the constraints off; what is left is tables that believe everything."""
    async with db.reading() as tx:
        found = await tx.rows(
            """select format('alter table %%s drop constraint %%I', conrelid::regclass, conname) as sql
                 from pg_constraint
                where connamespace = 'ledger'::regnamespace and contype in ('f', 'c') order by contype desc"""
        )
    await run(db, *[row["sql"] for row in found])
    await run(db, *[f"drop index ledger.{family}_transfers_resolved_once_key" for family in ("city", "book")])


class TakenBack(Exception):
    """Ends a transaction whose effect nobody should keep."""


@pytest.mark.parametrize("family", ["city", "book"])
async def test_each_fires(db: Database, family: str):
    await some_books(db)
    await unguard(db)
    assert await audit_clean(db)
    for code, seed in SEEDS:
        with pytest.raises(TakenBack):
            async with db.city(1) as tx:
                assert await tx.run(seed.format(**WHERE[family])) > 0, seed
                assert await audit(tx, only=code), f"{code} is blind to: {seed}"
                raise TakenBack
    assert await audit_clean(db)


def test_every_invariant_of_the_ledger_is_seeded():
    ours = {query.code for query in queries() if query.package == "ledger"}
    assert ours == {code for code, _ in SEEDS}
