-- Offers on sale that hold when enough are bought, those that end first, each with its nearest visible store.
select o.offer_id, o.title, o.category, o.price_units, o.list_units, o.asset, o.min_units, o.sale_to, o.terms, o.form,
       f.store_id, f.merchant_name
from catalog.offers o
cross join lateral (
    select s.store_id, s.merchant_name
    from catalog.offer_stores os
    join catalog.storefronts s on s.city_id = %(city)s and s.store_id = os.store_id
    where os.city_id = %(city)s and os.offer_id = o.offer_id and s.visible
    order by s.at <-> %(here)s::cube, s.store_id limit 1
) f
where o.city_id = %(city)s and o.status = 'published' and o.min_units > 1
  and o.sale_from <= %(now)s and o.sale_to > %(now)s
order by o.sale_to, o.offer_id
limit %(limit)s
