-- Paid units climb their ladders: a ladder is opened by its first, and its row is the lock that its end waits for, too.
-- What is reached stays reached: the price only falls. The last tier ends it.
with asked as (
  select * from unnest(%(offers)s::uuid[], %(merchants)s::uuid[], %(firsts)s::bigint[], %(tiers)s::jsonb[],
                       %(units)s::int[], %(closes)s::timestamptz[])
                as a(offer_id, merchant_id, first_units, tiers, units, closes_at)
)
insert into groups.ladders as l (city_id, offer_id, merchant_id, first_units, tiers, paid_units, low_units, closes_at)
select %(city)s, a.offer_id, a.merchant_id, a.first_units, a.tiers, a.units,
       least(a.first_units, (select min((t ->> 'price_units')::bigint) from jsonb_array_elements(a.tiers) t
                             where a.units >= (t ->> 'from_units')::int)), a.closes_at
from asked a order by a.offer_id
on conflict (city_id, offer_id) do update
  set paid_units = l.paid_units + excluded.paid_units,
      low_units = case when l.settled_at is not null then l.low_units
                       else least(l.low_units, (select min((t ->> 'price_units')::bigint)
                                                from jsonb_array_elements(l.tiers) t
                                                where l.paid_units + excluded.paid_units >= (t ->> 'from_units')::int))
                  end
returning offer_id, tiers, low_units, settled_at
