-- New vouchers. One that is there already, or whose code is taken, is left out of the answer (see issue.py).
-- Lists of stores travel as JSON, because unnest takes only rectangular arrays.
insert into vouchers.vouchers (
  city_id, voucher_id, kind, member_id, holder_name, merchant_id, order_id, line_id, offer_id, title, unit_no, secret,
  code, uses_total, uses_left, state, valid_from, valid_to, terms, store_ids, asset, paid_units, paid_left, due_units,
  due_left, last_step, cycles, version, issued_at)
select %(city)s, i.voucher_id, i.kind, i.member_id, i.holder_name, i.merchant_id, i.order_id, i.line_id, i.offer_id,
       i.title, i.unit_no, i.secret, i.code, i.uses, i.uses, i.state, i.valid_from, i.valid_to, i.terms,
       array(select s::uuid from jsonb_array_elements_text(i.stores) s), i.asset, i.paid, i.paid, i.due, i.due, 0, 0, 0,
       %(now)s
from unnest(%(ids)s::uuid[], %(kinds)s::text[], %(members)s::uuid[], %(holders)s::text[], %(merchants)s::uuid[],
            %(orders)s::uuid[], %(lines)s::uuid[], %(offers)s::uuid[], %(titles)s::jsonb[], %(units)s::int[],
            %(secrets)s::bytea[], %(codes)s::text[], %(uses)s::int[], %(states)s::text[], %(froms)s::timestamptz[],
            %(tos)s::timestamptz[], %(terms)s::jsonb[], %(stores)s::jsonb[], %(assets)s::text[], %(paids)s::bigint[],
            %(dues)s::bigint[])
  as i(voucher_id, kind, member_id, holder_name, merchant_id, order_id, line_id, offer_id, title, unit_no, secret,
       code, uses, state, valid_from, valid_to, terms, stores, asset, paid, due)
order by i.voucher_id
on conflict do nothing
returning voucher_id, code
