-- Visits as they are told; one that is there already changes only in what may change: its undo, and who holds it.
insert into insight.visits as v (
  city_id, redemption_id, voucher_id, merchant_id, store_id, member_id, offer_id, trade, day, at, bought_at, valid_from,
  valid_to, count, full_price, own, asset, list_units, price_units, paid_units, due_units, commission_units,
  merchant_units, undone_at)
select %(city)s, r.* from (
  select distinct on (redemption_id) * from jsonb_to_recordset(%(visits)s::jsonb) as r (
    redemption_id uuid, voucher_id uuid, merchant_id uuid, store_id uuid, member_id uuid, offer_id uuid, trade text,
    day date, at timestamptz, bought_at timestamptz, valid_from timestamptz, valid_to timestamptz, count int,
    full_price boolean, own boolean, asset text, list_units bigint, price_units bigint, paid_units bigint,
    due_units bigint, commission_units bigint, merchant_units bigint, undone_at timestamptz)
  order by redemption_id, undone_at nulls last) r
on conflict (city_id, redemption_id) do update set
  undone_at = coalesce(v.undone_at, excluded.undone_at), valid_to = excluded.valid_to, member_id = excluded.member_id,
  trade = excluded.trade, due_units = excluded.due_units, commission_units = excluded.commission_units,
  merchant_units = excluded.merchant_units
where (v.undone_at is null and excluded.undone_at is not null)
   or (v.valid_to, v.member_id, v.trade, v.due_units, v.commission_units, v.merchant_units) is distinct from
      (excluded.valid_to, excluded.member_id, excluded.trade, excluded.due_units, excluded.commission_units,
       excluded.merchant_units)
returning redemption_id
