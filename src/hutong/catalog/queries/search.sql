-- Stores and offers that match, merged by store. A hit's score is the rank of its words, a bonus for a name that is
-- or begins with what was typed, and the boost of the document; a store has the best score of itself and its offers,
-- less a little for each kilometre. The queries (exact names, near rings, wider ones) are asked in their order until
-- there are enough documents; these are ranked, and pages are cut from the same set. How many is written out: for a
-- limit that it does not know, PostgreSQL keeps a plan that reads documents one by one until there are enough.
with matched as (
    select d.kind, d.doc_id, d.boost, d.rank, d.bonus
    from unnest(%(queries)s::text[]::tsquery[]) with ordinality ring (query, place)
    cross join lateral (
        select c.kind, c.doc_id, c.boost,
               ts_rank('{{0.05, 0.2, 0.5, 1.0}}', c.words, %(query)s::tsquery) as rank,
               case when %(plain)s = any(c.names) then 1.0
                    when exists (select 1 from unnest(c.names) n where starts_with(n, %(plain)s)) then 0.3
                    else 0.0 end as bonus
        from catalog.search_docs c
        where c.city_id = %(city)s and c.words @@ ring.query
        limit {most}
    ) d
    limit {most}
),
hits as (
    select m.kind, m.doc_id, max(m.rank + m.bonus + m.boost) as score
    from (select * from matched {sound}) m
    group by m.kind, m.doc_id
),
on_sale as materialized (  -- before an offer is looked up in each of its stores
    select h.doc_id, h.score
    from hits h
    cross join lateral (
        select 1 from catalog.offers o
        where o.city_id = %(city)s and o.offer_id = h.doc_id
          and o.status = 'published' and o.sale_from <= %(now)s and o.sale_to > %(now)s limit 1
    ) o
    where h.kind = 'offer'
),
shops as (
    select h.doc_id as store_id, h.score, null::uuid as offer_id from hits h where h.kind = 'store'
    union all
    select os.store_id, h.score, h.doc_id
    from on_sale h
    join catalog.offer_stores os on os.city_id = %(city)s and os.offer_id = h.doc_id
),
found as (
    select s.store_id, max(s.score) as score, array_remove(array_agg(s.offer_id), null) as offer_ids
    from shops s group by s.store_id
),
ranked as (
    select f.store_id, f.offer_ids, st.at <-> %(here)s::cube as chord,
           (1000000 * (f.score - coalesce(least((st.at <-> %(here)s::cube) / 50000.0, 1.0), 0) * 0.5))::bigint as key
    from found f
    cross join lateral (  -- the limit makes it a look-up for each store found instead of a walk over all stores
        select c.at from catalog.storefronts c
        where c.city_id = %(city)s and c.store_id = f.store_id and c.visible limit 1
    ) st
    where %(category)s = '' or exists (
        select 1 from catalog.listings l
        where l.city_id = %(city)s and l.category = %(category)s and l.store_id = f.store_id)
),
page as (
    select * from ranked r
    where %(after_store)s::uuid is null or (-r.key, r.store_id) > (-%(after_key)s::bigint, %(after_store)s::uuid)
    order by -r.key, r.store_id
    limit %(limit)s
)
select sf.*, st.chord, st.key, live.briefs, live.offer_count
from page st
join catalog.storefronts sf on sf.city_id = %(city)s and sf.store_id = st.store_id
cross join lateral ({live}) live
order by -st.key, st.store_id
