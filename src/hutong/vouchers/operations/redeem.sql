-- Redemptions, in the order of their request numbers; one whose number is taken is left out of the answer.
insert into vouchers.redemptions (
  city_id, redemption_id, voucher_id, request_no, merchant_id, store_id, store_name, staff_id, staff_name, count,
  uses_left, paid_units, due_units, step, at, undo_until)
select %(city)s, r.redemption_id, r.voucher_id, r.request_no, r.merchant_id, r.store_id, r.store_name, r.staff_id,
       r.staff_name, r.count, r.uses_left, r.paid_units, r.due_units, r.step, r.at, r.undo_until
from unnest(%(redemption_id)s::uuid[], %(voucher_id)s::uuid[], %(request_no)s::text[], %(merchant_id)s::uuid[],
            %(store_id)s::uuid[], %(store_name)s::text[], %(staff_id)s::uuid[], %(staff_name)s::text[],
            %(count)s::int[], %(uses_left)s::int[], %(paid_units)s::bigint[], %(due_units)s::bigint[],
            %(step)s::bigint[], %(at)s::timestamptz[], %(undo_until)s::timestamptz[])
  as r(redemption_id, voucher_id, request_no, merchant_id, store_id, store_name, staff_id, staff_name, count,
       uses_left, paid_units, due_units, step, at, undo_until)
order by r.merchant_id, r.request_no
on conflict do nothing
returning redemption_id
