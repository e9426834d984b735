-- The counters of these days and hours, made where there were none, locked in one order. The update that changes
-- nothing is what locks a row that is there already and gives back how much of it is used.
insert into vouchers.capacity as c (city_id, offer_id, store_id, span, begins, ends, most, used, offline)
select %(city)s, k.offer_id, k.store_id, k.span, k.begins, k.ends, k.most, 0, 0
from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(spans)s::text[], %(begins)s::timestamptz[],
            %(ends)s::timestamptz[], %(mosts)s::int[]) as k(offer_id, store_id, span, begins, ends, most)
order by k.offer_id, k.store_id, k.span, k.begins
on conflict (city_id, offer_id, store_id, span, begins) do update set most = greatest(c.most, excluded.most)
returning c.offer_id, c.store_id, c.span, c.begins, c.used
