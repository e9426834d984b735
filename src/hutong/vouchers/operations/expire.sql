-- Valid vouchers whose validity is over become expired; those that somebody works on are left for the next sweep.
with due as (
  select v.voucher_id from vouchers.vouchers v
  where v.city_id = %(city)s and v.state = 'valid' and v.valid_to <= %(now)s
    and (%(orders)s::uuid[] is null or v.order_id = any(%(orders)s::uuid[]))
  order by v.valid_to, v.voucher_id limit %(limit)s
  for no key update skip locked
), ended as (
  update vouchers.vouchers v set state = 'expired', version = v.version + 1
  from due d where v.city_id = %(city)s and v.voucher_id = d.voucher_id and v.state = 'valid'
  returning v.*
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, e.voucher_id, e.version, 'valid', 'expired', %(now)s, %(by)s::uuid, %(reason)s from ended e
)
select * from ended order by valid_to, voucher_id
