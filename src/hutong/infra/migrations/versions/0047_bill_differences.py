"""Where a provider's bill and we differ, line by line; and how much of each bill agrees.

Bills booked before have no figure of what agreed: nobody compared their lines.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047_bill_differences"
down_revision = "0046_visits_at"
branch_labels = None
depends_on = None

COLUMNS = (
    ("captured_count", sa.Integer()),
    ("refunded_count", sa.Integer()),
    ("captured_matched", sa.BigInteger()),
    ("refunded_matched", sa.BigInteger()),
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    for name, kind in COLUMNS:
        op.add_column("bills", sa.Column(name, kind), schema="settlement")
    op.execute(
        """create table settlement.bill_differences (
             city_id integer not null, provider text not null, day date not null, line text not null, ref uuid not null,
             what text not null, bill_units bigint, bill_asset text, our_units bigint, our_asset text, our_day date,
             at timestamptz not null, ended_at timestamptz,
             constraint bill_differences_pkey primary key (city_id, provider, day, line, ref, what),
             constraint bill_differences_line_check check (line in ('capture', 'refund')),
             constraint bill_differences_what_check check (what in ('bill_only', 'ours_only', 'amount', 'other_day')),
             constraint bill_differences_bill_check check (
               (bill_units is null) = (bill_asset is null) and (bill_units is null) = (what = 'ours_only')),
             constraint bill_differences_ours_check check (
               (our_units is null) = (our_asset is null) and (our_units is null) = (our_day is null)
               and (our_units is null) = (what = 'bill_only')),
             constraint bill_differences_agrees_check check (
               what <> 'other_day' or (bill_units = our_units and bill_asset = our_asset and ended_at is not null))
           )"""
    )
    op.execute(
        """create index bill_differences_open_idx on settlement.bill_differences (city_id, provider, day)
           where ended_at is null"""
    )
    op.execute("""create index bill_differences_ref_idx on settlement.bill_differences (city_id, provider, ref)""")


def downgrade() -> None:
    op.drop_table("bill_differences", schema="settlement")
    for name, _ in COLUMNS:
        op.drop_column("bills", name, schema="settlement")
