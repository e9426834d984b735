-- Write vouchers as they have become, each only if it still has the version it was read with, and their history. The
-- caller counts the answer: when one is missing, nothing of this is committed.
with saved as (
  update vouchers.vouchers v
  set version = c.version, state = c.state, refund_from = c.refund_from, uses_left = c.uses_left,
      paid_left = c.paid_left, due_left = c.due_left, last_step = c.last_step, cycles = c.cycles,
      held_for = c.held_for, held_ref = c.held_ref, held_until = c.held_until
  from (select unnest(%(ids)s::uuid[]) as voucher_id, unnest(%(versions_before)s::int[]) as before,
               unnest(%(versions)s::int[]) as version, unnest(%(states)s::text[]) as state,
               unnest(%(refund_froms)s::text[]) as refund_from, unnest(%(uses)s::int[]) as uses_left,
               unnest(%(paids)s::bigint[]) as paid_left, unnest(%(dues)s::bigint[]) as due_left,
               unnest(%(last_steps)s::bigint[]) as last_step, unnest(%(cycles)s::int[]) as cycles,
               unnest(%(held_fors)s::text[]) as held_for, unnest(%(held_refs)s::uuid[]) as held_ref,
               unnest(%(held_untils)s::timestamptz[]) as held_until) as c
  where v.city_id = %(city)s and v.voucher_id = c.voucher_id and v.version = c.before
  returning v.voucher_id
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, h.voucher_id, h.version, h.was, h.state, %(now)s, h.by, h.reason
  from (select unnest(%(road_ids)s::uuid[]) as voucher_id, unnest(%(road_versions)s::int[]) as version,
               unnest(%(road_was)s::text[]) as was, unnest(%(road_states)s::text[]) as state,
               unnest(%(road_bys)s::uuid[]) as by, unnest(%(road_reasons)s::text[]) as reason) as h
)
select voucher_id from saved
