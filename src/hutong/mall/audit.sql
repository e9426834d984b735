-- name: ML01 what a member has had of a gift in a period is what his exchanges of it say, and never above the limit
select c.city_id, c.offer_id, c.member_id, c.begins, c.units, coalesce(sum(e.units - e.ended_units), 0) as counted
from mall.counts c
left join mall.exchanges e on e.city_id = c.city_id and e.offer_id = c.offer_id and e.member_id = c.member_id
  and e.span = c.span and e.begins = c.begins
group by c.city_id, c.offer_id, c.member_id, c.span, c.begins, c.units
having c.units <> coalesce(sum(e.units - e.ended_units), 0)
    or bool_and(e.most is not null) filter (where e.ended_units < e.units)
       and c.units > max(e.most) filter (where e.ended_units < e.units);
-- name: ML02 a gift's voucher is due exactly the cost of the exchange it came from, and was paid exactly its cash
select v.city_id, v.voucher_id, v.due_units, v.paid_units, e.cost_units, e.cash_units from vouchers.vouchers v
left join mall.exchanges e on e.city_id = v.city_id and e.order_id = v.order_id
where v.kind = 'gift' and (e.order_id is null or v.due_units <> e.cost_units or v.paid_units <> e.cash_units
                           or v.asset <> e.asset or v.offer_id <> e.offer_id);
-- name: ML03 an exchange that is paid has a voucher for each unit, and no other order of the mall has one
select e.city_id, e.order_id, o.state, e.units, count(v.voucher_id) as vouchers from mall.exchanges e
join orders.orders o on o.city_id = e.city_id and o.order_id = e.order_id
left join vouchers.vouchers v on v.city_id = e.city_id and v.order_id = e.order_id
group by e.city_id, e.order_id, o.state, e.units, e.ended_units
having count(v.voucher_id) <> case when o.state in ('paid', 'part_refunded', 'refunded') then e.units else 0 end
    or e.ended_units > case when o.state in ('cancelled', 'expired') then e.units
                            else count(*) filter (where v.state = 'refunded') end;
-- name: ML04 whoever supplied a gift was paid its cost for each use, whole
select s.city_id, s.redemption_id, s.due_units, s.merchant_units, e.cost_units from settlement.earnings s
join vouchers.vouchers v on v.city_id = s.city_id and v.voucher_id = s.voucher_id and v.kind = 'gift'
left join mall.exchanges e on e.city_id = v.city_id and e.order_id = v.order_id
where e.order_id is null or s.due_units <> e.cost_units * s.count or s.merchant_units <> s.due_units
   or s.commission_units <> 0;
-- name: ML05 a parcel is delivered exactly when what it brought was used, at the store that sent it
select d.city_id, d.order_id, d.state, count(r.redemption_id) as used
from mall.deliveries d
left join vouchers.vouchers v on v.city_id = d.city_id and v.order_id = d.order_id
left join vouchers.redemptions r on r.city_id = d.city_id and r.voucher_id = v.voucher_id
  and r.request_no = 'parcel/' || v.voucher_id and r.store_id = d.store_id
left join vouchers.reversals u on u.city_id = d.city_id and u.redemption_id = r.redemption_id
group by d.city_id, d.order_id, d.state
having (d.state = 'delivered') <> (count(r.redemption_id) > 0) or count(u.redemption_id) > 0
    or d.state = 'delivered' and count(r.redemption_id) <> count(*) filter (where v.state = 'used');
-- name: ML06 what is on its way is locked for its parcel, and nothing else is
select coalesce(v.city_id, d.city_id) as city_id, v.voucher_id, d.order_id, d.state
from (select city_id, voucher_id, order_id, held_ref from vouchers.vouchers where held_for = 'delivery') v
full join (select city_id, order_id, state from mall.deliveries where state = 'sent') d
  on d.city_id = v.city_id and d.order_id = v.order_id
where v.voucher_id is null or d.order_id is null or v.held_ref <> v.order_id;
-- name: ML07 a parcel is of an order that is sent, and went step by step
select d.city_id, d.order_id, d.version, count(s.seq) as steps from mall.deliveries d
join mall.exchanges e on e.city_id = d.city_id and e.order_id = d.order_id
left join mall.steps s on s.city_id = d.city_id and s.order_id = d.order_id
group by d.city_id, d.order_id, d.version, d.state, d.units, d.member_id, d.merchant_id, e.way, e.units, e.member_id,
         e.merchant_id
having count(s.seq) <> d.version or max(s.seq) <> d.version or e.way <> 'delivery' or e.units <> d.units
    or e.member_id <> d.member_id or e.merchant_id <> d.merchant_id
    or (array_agg(s.state order by s.seq desc))[1] <> d.state;
-- name: ML08 no address is kept of a parcel that is cancelled or ended long ago
select d.city_id, d.order_id, d.state, d.ended_at from mall.deliveries d
where d.sealed is not null and (d.state = 'cancelled'
   or d.ended_at < (select max(f.at) from infra.facts f where f.city_id = d.city_id) - interval '40 days');
-- name: ML09 units of a gift that were exchanged are units that its stock has given out
select e.city_id, e.offer_id, sum(e.units - e.ended_units) as out, q.sold + q.held as given
from mall.exchanges e
join catalog.offers o on o.city_id = e.city_id and o.offer_id = e.offer_id
join inventory.quotas q on q.city_id = o.city_id and q.quota_id = o.quota_id
join orders.orders r on r.city_id = e.city_id and r.order_id = e.order_id
where r.state in ('paid', 'part_refunded')
group by e.city_id, e.offer_id, q.sold, q.held having sum(e.units - e.ended_units) > q.sold + q.held;
-- name: ML10 a parcel was sent within the validity of what it brings, and only parcels use a right without being shown
select r.city_id, r.redemption_id, d.order_id, d.sent_at, v.valid_to from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
left join mall.deliveries d on d.city_id = r.city_id and d.order_id = v.order_id and d.state = 'delivered'
where left(r.request_no, 7) = 'parcel/'
  and (d.order_id is null or d.sent_at < v.valid_from or d.sent_at >= v.valid_to or r.at < d.sent_at);
-- name: ML11 the points of an exchange are burnt for it, once and exactly, and come back with the units that do
select e.city_id, e.order_id, o.state, e.points * e.units as points, m.points as burnt, m.state as burn, m.undone
from mall.exchanges e
join orders.orders o on o.city_id = e.city_id and o.order_id = e.order_id
left join programmes.movements m on m.programme_id = e.programme_id and m.kind = 'burn' and m.source_kind = 'gift'
  and m.source_ref = e.order_id
left join lateral (select count(*) as n from vouchers.vouchers v where v.city_id = e.city_id and v.order_id = e.order_id
                   and v.state = 'refunded') r on true
where m.movement_id is null or m.member_id <> e.member_id or m.partner_id <> e.merchant_id
   or abs(m.points) <> e.points * e.units or m.worth_units <> (e.cost_units - e.cash_units) * e.units
   or m.state <> case when o.state = 'placed' then 'held' when o.state in ('cancelled', 'expired') then 'released' else 'done' end
   or m.state = 'done' and m.undone <> e.points * r.n
union all
select m.city_id, m.source_ref, null, null, m.points, m.state, m.undone from programmes.movements m
where m.kind = 'burn' and m.source_kind = 'gift' and m.state <> 'released' and not exists (
  select 1 from mall.exchanges e where e.city_id = m.city_id and e.order_id = m.source_ref and e.programme_id = m.programme_id);
-- name: ML12 points and cash of a gift on the shelf cover what its supplier is paid
select o.city_id, o.offer_id, o.form ->> 'cost_units' as cost, o.price_units from catalog.offers o
left join programmes.programmes p on p.programme_id = (o.form ->> 'programme_id')::uuid
where o.form ->> 'form' = 'gift' and o.status = 'published'
  and (p.programme_id is null or o.scheme <> 'alliance' or (o.form ->> 'cost_units')::bigint < o.price_units
       or (o.form ->> 'cost_units')::bigint > (o.form ->> 'points')::bigint * p.face_units + o.price_units);
