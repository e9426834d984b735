-- Uses that were undone leave the spans in which they were made, locked in the order of lock_capacity.sql.
with back as (
  select c.offer_id, c.store_id, c.span, c.begins, sum(b.count)::int as used, sum(b.offline)::int as offline
  from unnest(%(offers)s::uuid[], %(stores)s::uuid[], %(ats)s::timestamptz[], %(counts)s::int[], %(offline)s::int[])
    as b(offer_id, store_id, at, count, offline)
  join vouchers.capacity c on c.city_id = %(city)s and c.offer_id = b.offer_id and c.store_id = b.store_id
    and c.begins <= b.at and b.at < c.ends
  group by c.offer_id, c.store_id, c.span, c.begins
), locked as (
  select c.offer_id, c.store_id, c.span, c.begins, b.used, b.offline
  from back b join vouchers.capacity c on c.city_id = %(city)s and c.offer_id = b.offer_id and c.store_id = b.store_id
    and c.span = b.span and c.begins = b.begins
  order by c.offer_id, c.store_id, c.span, c.begins for no key update of c
)
update vouchers.capacity c set used = c.used - l.used, offline = c.offline - l.offline
from locked l
where c.city_id = %(city)s and c.offer_id = l.offer_id and c.store_id = l.store_id and c.span = l.span
  and c.begins = l.begins
