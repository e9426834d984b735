"""Search documents carry the squares of the map in which they are, their exact names, and Chinese two by two.

Offers that tip are read in the order of their end and id, of which thousands may share the former.

What is written from now on has them; this gives them to what is there. `hutong.catalog.cells` and `.words` say what
they are. A character is known by its place beside the next one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021_search_rings"
down_revision = "0019_notes"
branch_labels = None
depends_on = None


def _tipping(columns: list[str]) -> None:
    op.drop_index("offers_tipping_idx", "offers", schema="catalog")
    op.create_index(
        "offers_tipping_idx", "offers", ["city_id", *columns], schema="catalog",
        postgresql_where=sa.text("status = 'published' and min_units > 1"),
    )  # fmt: skip


def upgrade() -> None:
    _tipping(["sale_to", "offer_id"])
    # A document is a little longer than what PostgreSQL keeps in place, and each one that is ranked is read.
    op.execute("alter table catalog.search_docs set (toast_tuple_target = 8160)")
    op.execute(r"""
        with places as (
            select f.city_id, 'store' as kind, f.store_id as doc_id, f.lat, f.lon from catalog.storefronts f
            union all
            select os.city_id, 'offer', os.offer_id, f.lat, f.lon
            from catalog.offer_stores os
            join catalog.storefronts f on f.city_id = os.city_id and f.store_id = os.store_id
        ),
        squares as (
            select p.city_id, p.kind, p.doc_id,
                   array_agg(distinct p.city_id || '.@' || g.n || ':' || floor(p.lat * g.grid)::int || ':'
                             || floor(p.lon * g.grid)::int) as words
            from places p
            cross join (values (0, 256), (1, 128), (2, 64), (3, 32), (4, 16), (5, 8), (6, 4)) g (n, grid)
            group by p.city_id, p.kind, p.doc_id
        )
        update catalog.search_docs d
        set words = (d.words::text || ' ' || coalesce((  -- as text: the operator would move the places of the second
                with signs as (
                    select right(u.lexeme, 1) as sign, p.place, p.weight
                    from unnest(d.words) u cross join lateral unnest(u.positions, u.weights) p (place, weight)
                    where u.lexeme ~ '[.][\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]$'
                )
                select string_agg(format('%s.%s%s:%s%s', d.city_id, a.sign, b.sign, a.place, a.weight), ' ')
                from signs a join signs b on b.place = a.place + 1), ''))::tsvector
            || array_to_tsvector(s.words || array(
                   select d.city_id || '.=' || left(n, 80) from unnest(d.names) n where n <> ''))
        from squares s
        where s.city_id = d.city_id and s.kind = d.kind and s.doc_id = d.doc_id
    """)


def downgrade() -> None:
    _tipping(["sale_to"])
    op.execute("alter table catalog.search_docs reset (toast_tuple_target)")
    op.execute(r"""
        update catalog.search_docs d
        set words = ts_delete(d.words, array(
            select lexeme from unnest(tsvector_to_array(d.words)) lexeme
            where lexeme like d.city_id || '.@%' or lexeme like d.city_id || '.=%'))
    """)
