-- Orders, their lines and the first step of their history: one round trip whatever the number of orders.
with placed as (
  insert into orders.orders (city_id, order_id, member_id, member_name, phone_tail, merchant_id, scheme, channel, state,
                             total_units, refunded_units, asset, payment_id, provider, hold_id, placed_at, expires_at)
  select %(city)s, o.id, o.member, o.name, o.tail, o.merchant, o.scheme, o.channel, 'placed',
         o.total, 0, o.asset, o.payment, o.provider, o.hold, %(now)s, %(expires)s
  from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(names)s::text[], %(tails)s::text[], %(merchants)s::uuid[],
              %(schemes)s::text[], %(channels)s::text[], %(totals)s::bigint[], %(assets)s::text[],
              %(payments)s::uuid[], %(providers)s::text[], %(holds)s::uuid[])
       as o(id, member, name, tail, merchant, scheme, channel, total, asset, payment, provider, hold)
  returning city_id, order_id
), history as (
  insert into orders.changes (city_id, order_id, seq, state, at, by, reason)
  select %(city)s, o.id, 1, 'placed', %(now)s, o.member, 'placed'
  from unnest(%(ids)s::uuid[], %(members)s::uuid[]) as o(id, member)
)
insert into orders.lines (city_id, line_id, order_id, line_no, offer_id, title, quantity, unit_price, list_price,
                          total_units, breakdown, promise)
select %(city)s, l.id, l.ord, l.no, l.offer, l.title::jsonb, l.quantity, l.price, l.list, l.total, l.breakdown::jsonb,
       l.promise::jsonb
from unnest(%(line_ids)s::uuid[], %(line_orders)s::uuid[], %(line_nos)s::int[], %(line_offers)s::uuid[],
            %(titles)s::text[], %(quantities)s::int[], %(prices)s::bigint[], %(lists)s::bigint[],
            %(line_totals)s::bigint[], %(breakdowns)s::text[], %(promises)s::text[])
     as l(id, ord, no, offer, title, quantity, price, list, total, breakdown, promise)
