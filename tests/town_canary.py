"""Puts a script into every text that people can write: what a thief would do if some operation let him.

Written with SQL, past all operations, since some of them would cut it: the pages must hold by themselves.
"""

from psycopg.errors import CheckViolation
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB

from hutong.infra.db import Database
from hutong.infra.tables import metadata
from tests.schema import load_tables

CANARY = """"><img src=x onerror="window.__canary=1"><script>window.__canary=1</script>canary{{7*7}}'`"""
SHORT = '"><img src=x onerror=__canary=1>'

# Columns with words of people, by what they hold: one text, a pair {zh, en}, a list of pairs, a value with a name.
WRITTEN = {
    "catalog.categories": {"name": "pair"},
    "catalog.offers": {"title": "pair", "summary": "pair", "included": "pairs", "excluded": "pairs"},
    "catalog.offer_changes": {"reason": "text"},
    "catalog.search_docs": {"title": "pair"},
    "catalog.searches": {"term": "text"},
    "catalog.storefronts": {"address": "pair", "merchant_name": "pair", "name": "pair"},
    "inventory.quotas": {"label": "text"},
    "settlement.earnings": {"title": "pair"},
    "vouchers.scans": {"presented": "text"},
    "merchants.merchants": {"name": "pair"},
    "merchants.chains": {"name": "pair"},
    "merchants.stores": {"name": "pair", "address": "pair", "close_reason": "text"},
    "merchants.store_exceptions": {"note": "pair"},
    "merchants.store_photos": {"alt": "pair"},
    "merchants.invitations": {"label": "text"},
    "merchants.devices": {"name": "text"},
    "people.members": {"name": "text"},
    "people.keys": {"label": "text"},
    "people.credentials": {"label": "text"},
    "people.sessions": {"device": "text"},
    "places.cities": {"name": "pair"},
    "places.districts": {"name": "pair"},
    "places.landmarks": {"name": "pair"},
    "orders.orders": {"member_name": "text"},
    "orders.lines": {"title": "pair"},
    "orders.uses": {"title": "pair"},
    "orders.changes": {"reason": "text"},
    "orders.notes": {"author": "text", "words": "text"},
    "vouchers.vouchers": {"holder_name": "text", "title": "pair"},
    "vouchers.redemptions": {"store_name": "text", "staff_name": "text"},
    "vouchers.reversals": {"reason": "text"},
    "vouchers.changes": {"reason": "text"},
    "vouchers.conflicts": {"note": "text"},
    "reviews.reviews": {"author": "text", "title": "pair", "words": "text", "reply": "text"},
    "reviews.replies": {"words": "text"},
    "reviews.versions": {"words": "text"},
    "reviews.changes": {"reason": "text"},
    "reviews.reports": {"words": "text"},
    "reviews.appeals": {"words": "text"},
    "cards.closings": {"reason": "text"},
    "cards.batches": {"label": "text"},
    "till.bills": {"store_name": "text", "staff_name": "text"},
    "till.uses": {"title": "pair"},
    "till.discounts": {"name": "pair"},
    "till.undos": {"reason": "text"},
    "pricing.promotions": {"name": "pair", "rule": "named"},
    "pricing.changes": {"reason": "text"},
    "pricing.batches": {"label": "text"},
    "vouchers.gifts": {"giver_name": "text", "note": "text", "taker_name": "text"},
    "groups.seats": {"face": "text"},
    "groups.bargains": {"face": "text"},
    "groups.cuts": {"face": "text"},
    "clearing.disputes": {"reason": "text", "note": "text"},
    "recruiting.operators": {"name": "pair"},
    "recruiting.invitations": {"label": "text"},
    "recruiting.applications": {"name": "pair", "address": "pair"},
    "recruiting.steps": {"reason": "text", "words": "named"},
    "recruiting.verdicts": {"reason": "text"},
    "recruiting.visits": {"business": "text", "address": "text", "note": "text", "next_step": "text"},
    "recruiting.contracts": {"plan_words": "pair", "note": "text"},
    "recruiting.claims": {"words": "text"},
    "recruiting.cases": {"reason": "text"},
    "recruiting.new_store_steps": {"reason": "text"},
    "recruiting.attributions": {"reason": "text"},
    "programmes.programmes": {"name": "pair"},
    "programmes.partners": {"name": "pair"},
    "programmes.campaigns": {"name": "pair"},
    "programmes.partner_changes": {"reason": "text"},
    "orders.tenders": {"title": "pair"},
    "settlement.plans": {"name": "pair"},
    "settlement.tasks": {"note": "text"},
    "settlement.payout_changes": {"note": "text"},
    "mall.steps": {"words": "text"},
    "till.voids": {"reason": "text"},
}
JOIN = {
    "text": "{column} = {column} || %(canary)s",
    "pair": """{column} = jsonb_build_object(
                 'zh', ({column}->>'zh') || %(canary)s, 'en', ({column}->>'en') || %(canary)s)""",
    "pairs": """{column} = (select coalesce(jsonb_agg(jsonb_build_object(
                    'zh', (one->>'zh') || %(canary)s, 'en', (one->>'en') || %(canary)s)), '[]')
                  from jsonb_array_elements({column}) one)""",
    "named": """{column} = jsonb_set({column}, '{{name}}', jsonb_build_object(
                 'zh', ({column}->'name'->>'zh') || %(canary)s, 'en', ({column}->'name'->>'en') || %(canary)s))""",
}
OVER = {  # instead of what was there
    "text": "{column} = %(canary)s",
    "pair": "{column} = jsonb_build_object('zh', %(canary)s::text, 'en', %(canary)s::text)",
    "pairs": JOIN["pairs"],
    "named": JOIN["named"],
}


async def poison(db: Database) -> None:
    """Every row of every column of WRITTEN that this installation has."""
    load_tables()
    known = {table.fullname: table for table in metadata.sorted_tables}
    for name, columns in WRITTEN.items():
        if name not in known:
            continue
        there = {column: kind for column, kind in columns.items() if column in known[name].columns}
        for column, kind in there.items():
            for change, canary in ((JOIN[kind], CANARY), (JOIN[kind], SHORT), (OVER[kind], SHORT)):
                try:
                    async with db.central() as tx:
                        where = f"where {column} is not null"
                        await tx.run(f"update {name} set {change.format(column=column)} {where}", canary=canary)
                    break
                except CheckViolation:  # too long for its column
                    continue
            else:
                raise AssertionError(f"{name}.{column} took no canary")


# Columns whose names sound like somebody's words, and are words of ours.
OURS = {
    "infra.periodics.name": "a task", "messages.marks.name": "a round", "messages.sent.reason": "the provider's code",
    "orders.refunds.reason": "one of our chips", "payments.refunds.reason": "one of our chips",
    "reviews.reports.reason": "one of our chips", "reviews.appeals.reason": "one of our chips",
    "vouchers.scans.reason": "a code of a refusal", "vouchers.offline_scans.reason": "a code of a refusal",
    "vouchers.forks.reason": "a code", "vouchers.extensions.reason": "a word of ours",
}  # fmt: skip
TELLING = {
    "name", "title", "summary", "included", "excluded", "words", "reply", "reason", "label", "note", "address", "alt",
    "term", "author", "holder_name", "member_name", "staff_name", "store_name", "merchant_name", "device",
    "close_reason", "presented", "face", "giver_name", "taker_name",
}  # fmt: skip


def forgotten() -> set[str]:
    """Columns that sound like words of people and get no canary."""
    load_tables()
    return {
        f"{table.fullname}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name in TELLING
        and isinstance(column.type, Text | JSONB)
        and column.name not in WRITTEN.get(table.fullname, {})
    } - OURS.keys()
