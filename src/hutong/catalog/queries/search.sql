-- Stores and offers that match, merged by store. A hit's score is the rank of its words, a bonus for a name that is
-- or begins with what was typed, and the boost of the document; a store has the best score of itself and its offers,
-- less a little for each kilometre. The queries (exact names, near rings, wider ones) are asked in their order, each of
-- the index of what is near or of that of all (ring.sql), until there are enough documents; these are ranked, and pages
-- are cut from the same set. How many is written out: for a limit that it does not know, PostgreSQL keeps a plan that
-- reads documents one by one until there are enough.
with matched as (
    select d.kind, d.doc_id, d.boost, d.sale, d.store_ids, d.places, d.rank, d.bonus
    from unnest(%(near)s::text[]::tsquery[], %(queries)s::text[]::tsquery[]) with ordinality ring (near, query, place)
    cross join lateral (
        select c.kind, c.doc_id, c.boost, c.sale, c.store_ids, c.places,
               ts_rank('{{0.05, 0.2, 0.5, 1.0}}', c.words, %(query)s::tsquery) as rank,
               case when %(plain)s = any(c.names) then 1.0
                    when exists (select 1 from unnest(c.names) n where starts_with(n, %(plain)s)) then 0.3
                    else 0.0 end as bonus
        from ({ring}) c
    ) d
    limit {most}
),
hits as (
    select distinct on (m.kind, m.doc_id) m.kind, m.doc_id, m.store_ids, m.places, m.rank + m.bonus + m.boost as score
    from (select * from matched {sound}) m
    where m.sale @> %(now)s::timestamptz  -- not within: how many that are is guessed for an instant that is not known
    order by m.kind, m.doc_id, m.rank + m.bonus + m.boost desc
),
found as (  -- a document says where it is: whatever is not shown is not looked up
    select s.store_id, max(h.score) as score, min(s.at <-> %(here)s::cube) as chord,
           coalesce(array_agg(h.doc_id) filter (where h.kind = 'offer'), '{{}}') as offer_ids
    from hits h cross join lateral unnest(h.store_ids, h.places) s (store_id, at)
    group by s.store_id
),
ranked as (
    select f.store_id, f.offer_ids, f.chord,
           (1000000 * (f.score - coalesce(least(f.chord / 50000.0, 1.0), 0) * 0.5))::bigint as key
    from found f
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
