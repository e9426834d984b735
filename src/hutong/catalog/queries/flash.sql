-- Flash sales on sale with a slot that has not ended before %(until)s, the next slot first, each with its nearest
-- visible store.
select o.offer_id, o.title, o.category, o.price_units, o.list_units, o.asset, o.min_units, o.sale_to, o.terms, o.form,
       f.store_id, f.merchant_name, s.starts_at, s.ends_at, s.quota_id, s.units
from catalog.offers o
cross join lateral (
    select (slot ->> 'starts_at')::timestamptz as starts_at, (slot ->> 'ends_at')::timestamptz as ends_at,
           (slot ->> 'quota_id')::uuid as quota_id, (slot ->> 'units')::int as units
    from jsonb_array_elements(o.form -> 'slots') as slot
    where (slot ->> 'ends_at')::timestamptz > %(now)s and (slot ->> 'starts_at')::timestamptz < %(until)s
    order by (slot ->> 'starts_at')::timestamptz limit 1
) s
cross join lateral (
    select s.store_id, s.merchant_name
    from catalog.offer_stores os
    join catalog.storefronts s on s.city_id = %(city)s and s.store_id = os.store_id
    where os.city_id = %(city)s and os.offer_id = o.offer_id and s.visible
    order by s.at <-> %(here)s::cube, s.store_id limit 1
) f
where o.city_id = %(city)s and o.status = 'published' and o.form ->> 'form' = 'flash'
  and o.sale_from <= %(now)s and o.sale_to > %(now)s
order by s.starts_at, o.sale_to, o.offer_id
limit %(limit)s
