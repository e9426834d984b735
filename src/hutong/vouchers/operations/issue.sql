-- New vouchers. One that is there already, or whose code is taken, is left out of the answer (see issue.py).
-- What many have in common (terms, title, stores) travels once: `of` is its number. Lists of stores travel as JSON,
-- because unnest takes only rectangular arrays.
with rights as materialized (
  select r.*, array(select s::uuid from jsonb_array_elements_text(r.stores) s) as store_ids
  from unnest(%(kinds)s::text[], %(merchants)s::uuid[], %(offers)s::uuid[], %(titles)s::jsonb[], %(uses)s::int[],
              %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(terms)s::jsonb[], %(stores)s::jsonb[],
              %(assets)s::text[], %(values)s::boolean[], %(wides)s::boolean[]) with ordinality
    as r(kind, merchant_id, offer_id, title, uses, valid_from, valid_to, terms, stores, asset, value, wide, number)
), units as (
  select unnest(%(of)s::int[]) as number, unnest(%(ids)s::uuid[]) as voucher_id, unnest(%(members)s::uuid[]) as member_id,
         unnest(%(holders)s::text[]) as holder_name, unnest(%(orders)s::uuid[]) as order_id,
         unnest(%(lines)s::uuid[]) as line_id, unnest(%(units)s::int[]) as unit_no,
         unnest(%(secrets)s::bytea[]) as secret, unnest(%(codes)s::text[]) as code,
         unnest(%(states)s::text[]) as state, unnest(%(paids)s::bigint[]) as paid, unnest(%(dues)s::bigint[]) as due
)
insert into vouchers.vouchers (
  city_id, voucher_id, kind, member_id, holder_name, merchant_id, order_id, line_id, offer_id, title, unit_no, secret,
  code, uses_total, uses_left, state, valid_from, valid_to, terms, store_ids, asset, paid_units, paid_left, due_units,
  due_left, last_step, cycles, version, issued_at, value, wide)
select %(city)s, u.voucher_id, r.kind, u.member_id, u.holder_name, r.merchant_id, u.order_id, u.line_id, r.offer_id,
       r.title, u.unit_no, u.secret, u.code, r.uses, r.uses, u.state, r.valid_from, r.valid_to, r.terms, r.store_ids,
       r.asset, u.paid, u.paid, u.due, u.due, 0, 0, 0, %(now)s, r.value, r.wide
from units u join rights r on r.number = u.number
order by u.voucher_id
on conflict do nothing
returning voucher_id, code
