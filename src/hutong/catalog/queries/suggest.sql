-- Completions: categories whose name or spelling begins so, then merchants (one for all their stores, with the store
-- when only one matched), then offers. What is near is looked at first, as in a search: two letters fit half a city.
with typed as (
    select distinct m.kind, m.doc_id, m.merchant_id, m.title, m.boost, m.begins
    from (
        select d.*
        from unnest(%(near)s::text[]::tsquery[], %(queries)s::text[]::tsquery[]) with ordinality ring (near, query, place)
        cross join lateral (
            select c.kind, c.doc_id, c.merchant_id, c.title, c.boost, c.sale,
                   exists (select 1 from unnest(c.names) n where starts_with(n, %(plain)s)) as begins
            from ({ring}) c
        ) d
        limit {most}
    ) m
    where m.sale @> %(now)s::timestamptz
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
    from typed t where t.kind = 'store' order by t.merchant_id, t.begins desc, t.boost desc, t.doc_id
),
deals as (
    select distinct on (t.title) 2, 'offer', t.doc_id::text, t.title, t.begins, t.boost, null::uuid
    from typed t where t.kind = 'offer' order by t.title, t.begins desc, t.boost desc, t.doc_id
)
select kind, id, title, store_id from (select * from shelves union all select * from shops union all select * from deals) all_kinds
order by begins desc, place, boost desc, id
limit %(limit)s
