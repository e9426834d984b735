-- Waiting vouchers of these orders become valid; how many.
with waiting as (
  select v.voucher_id from vouchers.vouchers v
  where v.city_id = %(city)s and v.order_id = any(%(orders)s::uuid[]) and v.state = 'waiting'
  order by v.voucher_id for no key update
), woken as (
  update vouchers.vouchers v set state = 'valid', version = v.version + 1
  from waiting w where v.city_id = %(city)s and v.voucher_id = w.voucher_id and v.state = 'waiting'
  returning v.voucher_id, v.version
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, w.voucher_id, w.version, 'waiting', 'valid', %(now)s, null, %(reason)s from woken w
)
select count(*)::int as n from woken
