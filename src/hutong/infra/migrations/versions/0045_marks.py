"""What is found costs the same in a city of any size: finer squares and beginnings as words of the index.

`marks` hold what is indexed (`hutong.catalog.docs`), beside the row, because they are never read; `words` keep what is
ranked. Documents learn when they are on sale and in which visible stores. What is written from now on has all that; this
gives it to what is there, a thousand documents at a time, so that nobody waits for more than these. The index of the
words goes last: yesterday's code searches with it until then, from a document's portion on without its squares. A
document that yesterday's code writes meanwhile is found again from the next change of its offer or its store on.
"""

from alembic import op
from sqlalchemy import Connection, text

from hutong.infra.migrations.beside import apart, build_beside

revision = "0045_marks"
down_revision = "0044_chains"
branch_labels = None
depends_on = None

_NEXT = """
    select city_id, kind, doc_id from catalog.search_docs
    where (city_id, kind, doc_id) > (:city, :kind, cast(:doc as uuid))
    order by city_id, kind, doc_id limit :portion
    for update
"""
_DOCUMENTS = r"""
    with portion as (
        select city_id, kind, doc_id from catalog.search_docs
        where (city_id, kind, doc_id) > (:city, :kind, cast(:doc as uuid))
          and (city_id, kind, doc_id) <= (:last_city, :last_kind, cast(:last_doc as uuid))
    ),
    shown as (
        select f.city_id, 'store' as kind, f.store_id as doc_id, '(,)'::tstzrange as sale,
               array[f.store_id] as ids, array[f.at] as places, array[f.lat] as lats, array[f.lon] as lons
        from portion p join catalog.storefronts f on f.city_id = p.city_id and f.store_id = p.doc_id
        where p.kind = 'store' and f.visible
        union all
        select o.city_id, 'offer', o.offer_id, tstzrange(o.sale_from, o.sale_to),
               coalesce(array_agg(f.store_id order by f.store_id) filter (where f.visible), '{}'),
               coalesce(array_agg(f.at order by f.store_id) filter (where f.visible), '{}'),
               coalesce(array_agg(f.lat) filter (where f.visible), '{}'),
               coalesce(array_agg(f.lon) filter (where f.visible), '{}')
        from portion p join catalog.offers o on o.city_id = p.city_id and o.offer_id = p.doc_id
        left join catalog.offer_stores os on os.city_id = o.city_id and os.offer_id = o.offer_id
        left join catalog.storefronts f on f.city_id = o.city_id and f.store_id = os.store_id
        where p.kind = 'offer' and o.status = 'published'
        group by o.city_id, o.offer_id
    )
    update catalog.search_docs d
    set sale = s.sale, store_ids = s.ids, places = s.places,
        words = ts_delete(d.words, array(
            select one from unnest(tsvector_to_array(d.words)) one where one ~ '^[0-9]+[.][@=^]')),
        marks = strip(d.words) || array_to_tsvector(array(
            select d.city_id || '.@' || g.n || ':' || floor(p.lat * g.grid)::int || ':' || floor(p.lon * g.grid)::int
            from unnest(s.lats, s.lons) p (lat, lon)
            cross join (values (8, 1024), (7, 512), (0, 256), (1, 128), (2, 64), (3, 32), (4, 16), (5, 8), (6, 4)) g (n, grid)
            union
            select d.city_id || '.=' || left(n, 80) from unnest(d.names) n where n <> ''
            union
            select d.city_id || '.^' || left(l.word, n)
            from (select substr(one, length(d.city_id::text) + 2) as word from unnest(tsvector_to_array(d.words)) one) l
            cross join lateral generate_series(2, least(length(l.word) - 1, 8)) n
            where l.word !~ '^[@=^\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]'))
    from shown s
    where s.city_id = d.city_id and s.kind = d.kind and s.doc_id = d.doc_id
"""


def fill(connection: Connection, portion: int = 1_000) -> None:
    """Give every document its marks, some at a time in the order of their keys; `connection` commits by itself.

    A portion is locked by one statement and written by the next, which sees what those wrote that it waited for.
    """
    last = {"last_city": -1, "last_kind": "", "last_doc": "00000000-0000-0000-0000-000000000000"}
    while True:
        begun = {name.removeprefix("last_"): value for name, value in last.items()}
        connection.execute(text("begin"))
        rows = connection.execute(text(_NEXT), begun | {"portion": portion}).all()
        if rows:
            last = dict(zip(last, rows[-1], strict=True))
            connection.execute(text(_DOCUMENTS), begun | last)
        connection.execute(text("commit"))
        if len(rows) < portion:
            return


def upgrade() -> None:
    op.execute("set local lock_timeout = '4s'")
    op.execute("alter table catalog.search_docs add column if not exists marks tsvector not null default ''")
    # Marks go beside the row and all else stays in it: each document that is ranked is read, its marks never.
    op.execute("""alter table catalog.search_docs
        alter column marks set storage external, alter column words set storage main, alter column title set storage main,
        alter column names set storage main, alter column latin set storage main""")
    op.execute("alter table catalog.search_docs set (toast_tuple_target = 3000)")
    with apart():
        fill(op.get_bind())
    build_beside(
        "catalog.search_docs_marks_idx",
        "create index concurrently search_docs_marks_idx on catalog.search_docs using gin (marks)",
        "drop index concurrently if exists catalog.search_docs_words_idx",
    )


def downgrade() -> None:
    op.drop_index("search_docs_marks_idx", "search_docs", schema="catalog")
    op.execute(r"""
        update catalog.search_docs d
        set words = d.words || array_to_tsvector(array(
            select one from unnest(tsvector_to_array(d.marks)) one where one ~ '^[0-9]+[.](=|@[0-6]:)'))
    """)
    op.drop_column("search_docs", "marks", schema="catalog")
    op.execute("alter table catalog.search_docs set (toast_tuple_target = 8160)")
    op.create_index(
        "search_docs_words_idx", "search_docs", ["words"], unique=False, schema="catalog", postgresql_using="gin"
    )
