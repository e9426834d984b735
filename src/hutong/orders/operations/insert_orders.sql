-- Orders, their lines and the first step of their history: one round trip whatever the number of orders. The columns of
-- JSON that many lines have in common travel and are parsed once: `sheet` is their number.
with placed as (
  insert into orders.orders (city_id, order_id, member_id, member_name, phone_tail, merchant_id, scheme, channel, state,
                             total_units, refunded_units, saved_units, tendered_units, tender_count, asset, payment_id, provider, hold_id, placed_at, expires_at)
  select %(city)s, o.id, o.member, o.name, o.tail, o.merchant, o.scheme, o.channel, 'placed',
         o.total, 0, o.saved, o.tendered, o.tenders, o.asset, o.payment, o.provider, o.hold, %(now)s, %(expires)s
  from (select unnest(%(ids)s::uuid[]) as id, unnest(%(members)s::uuid[]) as member,
               unnest(%(names)s::text[]) as name, unnest(%(tails)s::text[]) as tail,
               unnest(%(merchants)s::uuid[]) as merchant, unnest(%(schemes)s::text[]) as scheme,
               unnest(%(channels)s::text[]) as channel, unnest(%(totals)s::bigint[]) as total,
               unnest(%(saved)s::bigint[]) as saved, unnest(%(tendered)s::bigint[]) as tendered,
               unnest(%(tenders)s::int[]) as tenders, unnest(%(assets)s::text[]) as asset,
               unnest(%(payments)s::uuid[]) as payment, unnest(%(providers)s::text[]) as provider,
               unnest(%(holds)s::uuid[]) as hold) as o
), history as (
  insert into orders.changes (city_id, order_id, seq, state, at, by, reason)
  select %(city)s, o.id, 1, 'placed', %(now)s, o.member, 'placed'
  from (select unnest(%(ids)s::uuid[]) as id, unnest(%(members)s::uuid[]) as member) as o
)
insert into orders.lines (city_id, line_id, order_id, line_no, offer_id, title, quantity, unit_price, list_price,
                          total_units, breakdown, promise)
select %(city)s, l.id, l.ord, l.no, l.offer, (select %(titles)s::text[]::jsonb[])[l.sheet], l.quantity, l.price, l.list,
       l.total, (select %(breakdowns)s::text[]::jsonb[])[l.sheet], (select %(promises)s::text[]::jsonb[])[l.sheet]
from (select unnest(%(line_ids)s::uuid[]) as id, unnest(%(line_orders)s::uuid[]) as ord,
             unnest(%(line_nos)s::int[]) as no, unnest(%(line_offers)s::uuid[]) as offer,
             unnest(%(sheet_nos)s::int[]) as sheet, unnest(%(quantities)s::int[]) as quantity,
             unnest(%(prices)s::bigint[]) as price, unnest(%(lists)s::bigint[]) as list,
             unnest(%(line_totals)s::bigint[]) as total) as l
