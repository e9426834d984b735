-- Bills in the order of their events, with what was used for them and what promotions took off. One whose event is
-- taken is left out of the answer, with all that belongs to it.
with made as (
  insert into till.bills (
    city_id, bill_id, event_id, merchant_id, store_id, store_name, staff_id, staff_name, member_id, holder, way, source,
    category, asset, amount_units, discount_units, card_units, points_units, collect_units, points, programme_id, burn_id,
    at, bought_at, undo_until)
  select %(city)s, b.*
  from (select unnest(%(ids)s::uuid[]) as bill_id, unnest(%(events)s::text[]) as event_id,
               unnest(%(merchants)s::uuid[]) as merchant_id, unnest(%(stores)s::uuid[]) as store_id,
               unnest(%(store_names)s::text[]) as store_name, unnest(%(staff)s::uuid[]) as staff_id,
               unnest(%(staff_names)s::text[]) as staff_name, unnest(%(members)s::uuid[]) as member_id,
               unnest(%(holders)s::text[]) as holder, unnest(%(ways)s::text[]) as way,
               unnest(%(sources)s::text[]) as source, unnest(%(categories)s::text[]) as category,
               unnest(%(assets)s::text[]) as asset, unnest(%(amounts)s::bigint[]) as amount,
               unnest(%(discounted)s::bigint[]) as discounted, unnest(%(paid)s::bigint[]) as paid,
               unnest(%(points_off)s::bigint[]) as points_off, unnest(%(collects)s::bigint[]) as collect,
               unnest(%(points)s::bigint[]) as points, unnest(%(programmes)s::uuid[]) as programme_id,
               unnest(%(burns)s::uuid[]) as burn_id, unnest(%(ats)s::timestamptz[]) as at,
               unnest(%(boughts)s::timestamptz[]) as bought_at, unnest(%(untils)s::timestamptz[]) as until) as b
  order by b.merchant_id, b.event_id
  on conflict (city_id, merchant_id, event_id) do nothing
  returning bill_id
), used as (
  insert into till.uses (
    city_id, bill_id, redemption_id, voucher_id, offer_id, role, title, code_tail, units, count, uses_left)
  select %(city)s, u.*
  from (select unnest(%(use_bills)s::uuid[]) as bill_id, unnest(%(use_ids)s::uuid[]) as id,
               unnest(%(use_vouchers)s::uuid[]) as voucher, unnest(%(use_offers)s::uuid[]) as offer,
               unnest(%(use_roles)s::text[]) as role, unnest(%(use_titles)s::jsonb[]) as title,
               unnest(%(use_tails)s::text[]) as tail, unnest(%(use_units)s::bigint[]) as units,
               unnest(%(use_counts)s::int[]) as count, unnest(%(use_lefts)s::int[]) as left_over) as u
  join made m on m.bill_id = u.bill_id
), taken as (
  insert into till.discounts (city_id, bill_id, promotion_id, redemption_id, name, units, shares, budgeted)
  select %(city)s, d.*
  from (select unnest(%(off_bills)s::uuid[]) as bill_id, unnest(%(off_ids)s::uuid[]) as promotion,
               unnest(%(off_uses)s::uuid[]) as redemption, unnest(%(off_names)s::jsonb[]) as name,
               unnest(%(off_units)s::bigint[]) as units, unnest(%(off_shares)s::jsonb[]) as shares,
               unnest(%(off_budgeted)s::boolean[]) as budgeted) as d
  join made m on m.bill_id = d.bill_id
)
select bill_id from made
