-- The payments that are spoken of, those of the same orders (a second capture must see the first) and those whose
-- refunds are spoken of, locked in one sorted go.
select p.* from payments.payments p
where p.city_id = %(city)s and p.payment_id in (
  select other.payment_id
  from payments.payments one
  join payments.payments other on other.city_id = %(city)s and other.order_id = one.order_id
  where one.city_id = %(city)s and one.payment_id = any(%(payments)s::uuid[])
  union
  select r.payment_id from payments.refunds r
  where r.city_id = %(city)s and r.refund_id = any(%(refunds)s::uuid[])
)
order by p.payment_id
for no key update of p
