-- Redemptions, in the order of their request numbers; one whose number is taken is left out of the answer.
insert into vouchers.redemptions (
  city_id, redemption_id, voucher_id, request_no, merchant_id, store_id, store_name, staff_id, staff_name, count,
  uses_left, paid_units, due_units, step, own, at, undo_until)
select %(city)s, r.redemption_id, r.voucher_id, r.request_no, r.merchant_id, r.store_id, r.store_name, r.staff_id,
       r.staff_name, r.count, r.uses_left, r.paid_units, r.due_units, r.step, r.own, r.at, r.undo_until
from (select unnest(%(redemption_id)s::uuid[]) as redemption_id, unnest(%(voucher_id)s::uuid[]) as voucher_id,
             unnest(%(request_no)s::text[]) as request_no, unnest(%(merchant_id)s::uuid[]) as merchant_id,
             unnest(%(store_id)s::uuid[]) as store_id, unnest(%(store_name)s::text[]) as store_name,
             unnest(%(staff_id)s::uuid[]) as staff_id, unnest(%(staff_name)s::text[]) as staff_name,
             unnest(%(count)s::int[]) as count, unnest(%(uses_left)s::int[]) as uses_left,
             unnest(%(paid_units)s::bigint[]) as paid_units, unnest(%(due_units)s::bigint[]) as due_units,
             unnest(%(step)s::bigint[]) as step, unnest(%(own)s::boolean[]) as own,
             unnest(%(at)s::timestamptz[]) as at, unnest(%(undo_until)s::timestamptz[]) as undo_until) as r
order by r.merchant_id, r.request_no
on conflict do nothing
returning redemption_id
