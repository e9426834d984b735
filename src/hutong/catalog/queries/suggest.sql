-- Completions: categories whose name or spelling begins so, then merchants (one for all their stores, with the store
-- when only one matched), then offers.
with typed as (
    select d.kind, d.merchant_id, d.doc_id, d.title, d.boost,
           exists (select 1 from unnest(d.names) n where starts_with(n, %(plain)s)) as begins
    from catalog.search_docs d
    where d.city_id = %(city)s and d.words @@ %(query)s::tsquery
    limit 600
),
shelves as (
    select 0 as place, 'category' as kind, c.slug as id, c.name as title, true as begins, -c.position::real as boost,
           null::uuid as store_id
    from catalog.categories c
    where starts_with(c.name ->> 'zh', %(plain)s) or starts_with(replace(lower(c.name ->> 'en'), ' ', ''), %(plain)s)
       or (length(%(plain)s) > 1 and (' ' || c.spelling) like ('%% ' || %(like)s || '%%'))
    order by c.position limit 3
),
shops as (
    select distinct on (t.merchant_id) 1, 'merchant', t.merchant_id::text, t.title, t.begins, t.boost,
           case when count(*) over (partition by t.merchant_id) = 1 then t.doc_id end
    from typed t where t.kind = 'store' order by t.merchant_id, t.begins desc, t.boost desc
),
deals as (
    select distinct on (t.title) 2, 'offer', t.doc_id::text, t.title, t.begins, t.boost, null::uuid
    from typed t
    join catalog.offers o on o.city_id = %(city)s and o.offer_id = t.doc_id
    where t.kind = 'offer' and o.status = 'published' and o.sale_from <= %(now)s and o.sale_to > %(now)s
    order by t.title, t.begins desc, t.boost desc
)
select kind, id, title, store_id from (select * from shelves union all select * from shops union all select * from deals) all_kinds
order by begins desc, place, boost desc, id
limit %(limit)s
