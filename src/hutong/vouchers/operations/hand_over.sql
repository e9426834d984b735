-- Locked vouchers that are on their way as these gifts get their new holders, with secrets and digits of their own.
update vouchers.vouchers v
set member_id = n.member, holder_name = n.name, secret = n.secret, code = n.code, version = v.version + 1,
    held_for = null, held_ref = null, held_until = null
from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(members)s::uuid[], %(names)s::text[], %(secrets)s::bytea[],
            %(codes)s::text[]) as n(voucher_id, ref, member, name, secret, code)
where v.city_id = %(city)s and v.voucher_id = n.voucher_id and v.held_for = 'gift' and v.held_ref = n.ref
  and v.state in ('valid', 'waiting')
returning v.voucher_id
