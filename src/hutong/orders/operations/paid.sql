-- Orders that were placed and are locked become paid, with the second step of their history: before it was only the
-- placing. The answer is their lines, with the columns of JSON as text, because many are the same.
with moved as (
  update orders.orders o set state = 'paid', paid_at = %(now)s
  where o.city_id = %(city)s and o.order_id = any(%(ids)s::uuid[])
  returning o.order_id
), noted as (
  insert into orders.changes (city_id, order_id, seq, state, at, reason)
  select %(city)s, m.order_id, 2, 'paid', %(now)s, 'paid' from moved m
)
select l.line_id, l.order_id, l.offer_id, l.quantity, l.title::text as title, l.breakdown::text as breakdown,
       l.promise::text as promise
from orders.lines l
where l.city_id = %(city)s and l.order_id = any(%(ids)s::uuid[])
order by l.order_id, l.line_no
