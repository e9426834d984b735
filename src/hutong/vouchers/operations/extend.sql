-- Usable vouchers get a later end, with their history; of two extensions of one voucher the later end counts. The index
-- of what is due finds them; they are locked sorted, as everybody locks them.
with asked as (
  select unnest(%(extensions)s::uuid[]) as extension_id, unnest(%(offers)s::uuid[]) as offer_id,
         unnest(%(merchants)s::uuid[]) as merchant_id, unnest(%(afters)s::timestamptz[]) as after,
         unnest(%(bys)s::timestamptz[]) as by_end, unnest(%(tos)s::timestamptz[]) as valid_to,
         unnest(%(authors)s::uuid[]) as author, unnest(%(reasons)s::text[]) as reason,
         unnest(%(members)s::uuid[]) as member_id
), due as (
  select v.voucher_id, v.member_id, v.valid_to as was from vouchers.vouchers v
  where v.city_id = %(city)s and v.state = 'valid' and v.valid_to > %(now)s
    and exists (select 1 from asked a where a.offer_id = v.offer_id and a.merchant_id = v.merchant_id
                and v.valid_to > a.after and v.valid_to <= a.by_end and v.valid_to < a.valid_to
                and (a.member_id is null or a.member_id = v.member_id))
  order by v.voucher_id for no key update
), chosen as (
  select distinct on (v.voucher_id) v.voucher_id, d.member_id, d.was, a.extension_id, a.valid_to, a.author, a.reason
  from due d
  join vouchers.vouchers v on v.city_id = %(city)s and v.voucher_id = d.voucher_id
  join asked a on a.offer_id = v.offer_id and a.merchant_id = v.merchant_id and d.was > a.after and d.was <= a.by_end
    and d.was < a.valid_to and (a.member_id is null or a.member_id = d.member_id)
  order by v.voucher_id, a.valid_to desc
), extended as (
  update vouchers.vouchers v set valid_to = c.valid_to, version = v.version + 1
  from chosen c
  where v.city_id = %(city)s and v.voucher_id = c.voucher_id and v.state = 'valid' and v.valid_to = c.was
  returning v.voucher_id
), noted as (
  insert into vouchers.extensions (city_id, voucher_id, extension_id, was, valid_to, by, reason, at)
  select %(city)s, c.voucher_id, c.extension_id, c.was, c.valid_to, c.author, c.reason, %(now)s
  from chosen c join extended e on e.voucher_id = c.voucher_id
)
select c.extension_id, c.voucher_id, c.member_id from chosen c
join extended e on e.voucher_id = c.voucher_id order by c.voucher_id
