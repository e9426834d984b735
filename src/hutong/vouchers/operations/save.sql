-- Write vouchers as they have become, each only if it still has the version it was read with, and its history.
with saved as (
  update vouchers.vouchers v
  set version = c.version, state = c.state, refund_from = c.refund_from, uses_left = c.uses_left,
      paid_left = c.paid_left, due_left = c.due_left, last_step = c.last_step, cycles = c.cycles
  from unnest(%(ids)s::uuid[], %(versions_before)s::int[], %(versions)s::int[], %(states)s::text[],
              %(refund_froms)s::text[], %(uses)s::int[], %(paids)s::bigint[], %(dues)s::bigint[],
              %(last_steps)s::bigint[], %(cycles)s::int[])
    as c(voucher_id, before, version, state, refund_from, uses_left, paid_left, due_left, last_step, cycles)
  where v.city_id = %(city)s and v.voucher_id = c.voucher_id and v.version = c.before
  returning v.voucher_id
), noted as (
  insert into vouchers.changes (city_id, voucher_id, version, was, state, at, by, reason)
  select %(city)s, h.voucher_id, h.version, h.was, h.state, %(now)s, h.by, h.reason
  from unnest(%(road_ids)s::uuid[], %(road_versions)s::int[], %(road_was)s::text[], %(road_states)s::text[],
              %(road_bys)s::uuid[], %(road_reasons)s::text[])
    as h(voucher_id, version, was, state, by, reason)
  join saved s on s.voucher_id = h.voucher_id
)
select voucher_id from saved
