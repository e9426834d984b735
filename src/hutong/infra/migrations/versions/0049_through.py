"""What orders say went through a provider is read by day: the page of bills read all orders of a city for it.

Three small indexes, each of those rows alone that the page counts. What costs nothing, or is paid whole by cards and
points, enters none of them. They are built beside the living city.
"""

from alembic import op

from hutong.infra.migrations.beside import build_beside

revision = "0049_through"
down_revision = "0048_near"
branch_labels = None
depends_on = None

INDEXES = {
    "orders_through_idx": """on orders.orders (city_id, paid_at)
                             where paid_at is not null and total_units > tendered_units""",
    "refunds_odd_idx": """on orders.refunds (city_id, asked_at)
                          where reason in ('paid_late', 'paid_twice', 'wrong_amount')""",
    "refunds_back_idx": """on orders.refunds (city_id, ended_at)
                           where state = 'done' and units > tendered_units""",
}


def upgrade() -> None:
    for name, what in INDEXES.items():
        build_beside(f"orders.{name}", f"create index concurrently {name} {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index orders.{name}")
