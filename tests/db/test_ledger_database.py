"""The database itself refuses what would spoil the books, whoever asks: no trigger, no trust in the code."""

import psycopg
import pytest

from hutong.infra.db import Database
from tests.conftest import audit_clean
from tests.ledger_play import ANN, named
from tests.ledger_rows import insert, next_row, refused_by, run, some_books

pytestmark = pytest.mark.anyio

# What a hand might add to a row that is otherwise the right next one -> the constraint that says no.
BAD_ROWS = [
    ("one leg", {"credit_path": None}, ""),
    ("no such account", {"credit_path": "nobody"}, "city_transfers_credit_account_fkey"),
    ("accounts of another asset", {"asset": "EUR"}, "_account_fkey"),
    ("accounts of another book", {"city_id": 2}, "_account_fkey"),
    ("one account twice", {"credit_path": "ann"}, "city_transfers_two_accounts_check"),
    ("nothing", {"amount": 0}, "city_transfers_amount_positive_check"),
    ("less than nothing", {"amount": -10}, "city_transfers_amount_positive_check"),
    ("an unknown step", {"step": "gift", "pending_id": str(named("R"))}, "city_transfers_step_check"),
    ("a wrong total of the debit side", {"debits_posted": 9_999}, "city_transfers_debit_before_fkey"),
    ("a wrong total of the credit side", {"credits_posted": 9_999}, "city_transfers_credit_before_fkey"),
    ("a reserved total from nowhere", {"credits_pending": 7}, "city_transfers_credit_before_fkey"),
    ("a history that begins anew", {"debit_prev": None}, "city_transfers_debit_follows_check"),
    ("after a transfer of others", {"debit_prev": str(named("A"))}, "city_transfers_debit_before_fkey"),
    ("a number below one", {"debit_seq": 0}, "city_transfers_debit_totals_check"),
    ("the id of another", {"transfer_id": str(named("A"))}, "city_transfers_pkey"),
    ("a second resolution", {"step": "post_pending", "pending_id": str(named("Q")), "released": 40}, ""),
    ("a resolution of nothing", {"step": "void_pending", "released": 10}, "city_transfers_resolution_check"),
    ("a void of a part", {"step": "void_pending", "pending_id": str(named("R")), "released": 50}, ""),
    ("more than was reserved", {"step": "post_pending", "pending_id": str(named("R")), "released": 5}, ""),
    ("a release without a reserve", {"released": 5}, "city_transfers_released_check"),
    ("an expiry of a plain post", {"expires_at": "2026-12-01T00:00:00Z"}, "city_transfers_expires_check"),
    ("a twin without clearing", {"twin_book": str(ANN)}, "city_transfers_clearing_has_twin_check"),
]


@pytest.mark.parametrize(("change", "constraint"), [row[1:] for row in BAD_ROWS], ids=[row[0] for row in BAD_ROWS])
async def test_a_bad_transfer_is_refused(db: Database, change, constraint):
    await some_books(db)
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        async with db.city(1) as tx:
            await insert(tx, await next_row(tx, "ann", "noodle", 10) | change)
    assert refused_by(caught.value).endswith(constraint)
    assert await audit_clean(db)


BAD_TOTALS = [
    ("credits from nowhere", "credits_posted = credits_posted + 1", "city_accounts_last_credit_fkey"),
    ("debits gone", "debits_posted = 0, debits_pending = 0", "city_accounts_last_debit_fkey"),
    ("a reserve forgotten", "debits_pending = 0", "city_accounts_last_debit_fkey"),
    ("a total without a transfer", "may_overdraw = true, last_credit = null", "city_accounts_credits_explained_check"),
    ("an older total", f"may_overdraw = true, last_debit = '{named('B')}'", "city_accounts_last_debit_fkey"),
    ("a version below zero", "version = -1", "city_accounts_version_check"),
    ("below zero", "debits_posted = -1", "city_accounts_debits_posted_not_negative_check"),
    ("overdrawn", "debits_posted = credits_posted + 1", "city_accounts_no_overdraft_check"),
    ("the other side", "side = 'debit'", "city_accounts_no_overdraft_check"),
    ("another name", "path = 'noodle2'", ""),
]


@pytest.mark.parametrize(("change", "constraint"), [row[1:] for row in BAD_TOTALS], ids=[row[0] for row in BAD_TOTALS])
async def test_totals_that_no_transfer_explains_are_refused(db: Database, change, constraint):
    await some_books(db)
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        await run(db, f"update ledger.city_accounts set {change} where city_id = 1 and path = 'ann'")
    assert refused_by(caught.value).endswith(constraint)
    assert await audit_clean(db)


async def test_what_stands_in_the_books_is_neither_changed_nor_deleted(db: Database):
    """Each transfer is referred to by the next one of both its accounts, or by the accounts themselves."""
    await some_books(db)
    for change in (
        "delete from ledger.city_transfers",
        "update ledger.city_transfers set amount = amount + 1",
        "update ledger.city_transfers set debit_path = 'noodle', credit_path = 'ann'",
        "update ledger.city_transfers set city_id = 2",
        "update ledger.city_transfers set debits_posted = debits_posted + 1",
    ):
        for name in ("A", "B", "Q", "P", "R", "M"):
            with pytest.raises(psycopg.errors.IntegrityError):
                await run(db, f"{change} where city_id = 1 and transfer_id = '{named(name)}'")
    assert await audit_clean(db)


async def test_the_right_next_row_is_taken_only_together_with_its_totals(db: Database):
    """The control of the tests above: nothing but the spoiled part was wrong with their rows."""
    await some_books(db)
    async with db.city(1) as tx:
        await insert(tx, await next_row(tx, "ann", "noodle", 10))
        for path, side in (("ann", "debit"), ("noodle", "credit")):
            await tx.run(
                f"""update ledger.city_accounts
                       set version = version + 1, last_{side} = '{named("new")}', {side}s_posted = {side}s_posted + 10
                     where city_id = 1 and path = '{path}'"""
            )
    assert await audit_clean(db)


async def test_keyed_books_are_guarded_alike(db: Database):
    await some_books(db)
    for sql in (
        "update ledger.book_accounts set credits_posted = 1000 where path = 'wallet/CNY'",
        "delete from ledger.book_transfers",
        "update ledger.book_transfers set amount = 21",
        "insert into ledger.book_accounts (book_id, book_kind, path, asset, side, may_overdraw, opened_at)"
        f" values ('{ANN}', 'city', 'x', 'CNY', 'debit', true, '2026-01-01')",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            await run(db, sql)
    assert await audit_clean(db)


async def test_foreign_keys_find_their_row_without_statistics(db: Database):
    """A new table has none; a plan that walks the city's transfers would make each post slower than the last."""
    async with db.city(1) as tx:
        for side in ("debit", "credit"):
            plan = await tx.rows(
                f"""explain select 1 from ledger.city_transfers
                     where city_id = 1 and transfer_id = '{named("A")}' and {side}_path = 'a' and asset = 'CNY'
                       and {side}s_posted = 1 and {side}s_pending = 0 for key share"""
            )
            condition = next(row["QUERY PLAN"] for row in plan if "Index Cond" in row["QUERY PLAN"])
            assert "transfer_id = " in condition
