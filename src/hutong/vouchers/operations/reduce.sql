-- Waiting vouchers become valid for less than was paid: what comes off goes back to the buyer.
with asked as (
  select k.id, k.less from unnest(%(ids)s::uuid[], %(less)s::bigint[]) as k(id, less)
), woken as (
  update vouchers.vouchers v
  set state = 'valid', version = v.version + 1, paid_units = v.paid_units - a.less, paid_left = v.paid_left - a.less,
      due_units = v.due_units - a.less, due_left = v.due_left - a.less
  from asked a where v.city_id = %(city)s and v.voucher_id = a.id and v.state = 'waiting'
  returning v.voucher_id, v.version
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, w.voucher_id, w.version, 'waiting', 'valid', %(now)s, null, %(reason)s from woken w
)
select count(*)::int as n from woken
