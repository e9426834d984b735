-- Valid vouchers whose validity is over become expired; those that somebody works on are left for the next sweep, as
-- are those that a counter without a network may still bring (a capsule, and an open, living allowance). What is locked
-- for an order or on its way as a gift was taken in time: it ends when its lock has ended.
with due as (
  select v.voucher_id from vouchers.vouchers v
  where v.city_id = %(city)s and v.state = 'valid' and v.valid_to <= %(now)s
    and (v.held_for is null or (v.held_for = 'gift' and v.held_until <= %(now)s))
    and (%(orders)s::uuid[] is null or v.order_id = any(%(orders)s::uuid[]))
    and not exists (select 1 from vouchers.capsules k
                    join vouchers.allowances a on a.city_id = %(city)s and a.merchant_id = k.merchant_id
                      and a.ended_at is null and a.until > %(now)s and a.seen_at < v.valid_to
                    where k.city_id = %(city)s and k.voucher_id = v.voucher_id)
  order by v.valid_to, v.voucher_id limit %(limit)s
  for no key update skip locked
), ended as (
  update vouchers.vouchers v set state = 'expired', version = v.version + 1, held_for = null, held_ref = null, held_until = null
  from due d where v.city_id = %(city)s and v.voucher_id = d.voucher_id and v.state = 'valid'
  returning v.*
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, e.voucher_id, e.version, 'valid', 'expired', %(now)s, %(by)s::uuid, %(reason)s from ended e
)
select * from ended order by valid_to, voucher_id
