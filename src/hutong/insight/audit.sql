-- name: IN01 every redemption that was told to insight is a visit
select h.city_id, f.subject as redemption_id from infra.handled h
join infra.facts f on f.city_id = h.city_id and f.fact_id = h.fact_id and f.topic = 'vouchers.redeemed'
left join insight.visits v on v.city_id = f.city_id and v.redemption_id = f.subject
where h.handler = 'insight.visits' and v.redemption_id is null;
-- name: IN02 an undo that was told to insight is marked on its visit, and no other visit is undone
select h.city_id, f.subject as redemption_id from infra.handled h
join infra.facts f on f.city_id = h.city_id and f.fact_id = h.fact_id and f.topic = 'vouchers.reversed'
left join insight.visits v on v.city_id = f.city_id and v.redemption_id = f.subject
where h.handler = 'insight.visits' and v.undone_at is null
union all
select v.city_id, v.redemption_id from insight.visits v
left join vouchers.reversals u on u.city_id = v.city_id and u.redemption_id = v.redemption_id
where v.undone_at is not null and u.at is distinct from v.undone_at;
-- name: IN03 a visit is its redemption: the same merchant, store, time and right, and what was paid
select v.city_id, v.redemption_id from insight.visits v
left join vouchers.redemptions r on r.city_id = v.city_id and r.redemption_id = v.redemption_id
left join vouchers.vouchers w on w.city_id = v.city_id and w.voucher_id = v.voucher_id
where (r.voucher_id, r.merchant_id, r.store_id, r.at, r.count, r.paid_units, w.offer_id)
      is distinct from (v.voucher_id, v.merchant_id, v.store_id, v.at, v.count, v.paid_units, v.offer_id);
-- name: IN04 the money of a visit is what settlement earned with it
select v.city_id, v.redemption_id from insight.visits v
left join settlement.earnings e on e.city_id = v.city_id and e.redemption_id = v.redemption_id
where (v.due_units, v.commission_units, v.merchant_units)
      <> (coalesce(e.due_units, 0), coalesce(e.commission_units, 0), coalesce(e.merchant_units, 0));
-- name: IN05 the day of a visit is the city's
select v.city_id, v.redemption_id, v.day from insight.visits v
join places.cities c on c.city_id = v.city_id
where v.day <> (v.at at time zone c.zone)::date;
-- name: IN06 no more came back than could, and guests add up
select city_id, offer_id from insight.sheets where new > guests or known > new or back > known or guests < 0;
-- name: IN07 the money of the visits of an offer is what settlement earned with its vouchers, as far as insight was told
select v.city_id, v.offer_id, v.units, e.units as earned from (
  select city_id, offer_id, sum(merchant_units) as units from insight.visits group by city_id, offer_id
) v
join (
  select w.city_id, w.offer_id, sum(e.merchant_units) as units from settlement.earnings e
  join insight.visits t on t.city_id = e.city_id and t.redemption_id = e.redemption_id
  join vouchers.vouchers w on w.city_id = e.city_id and w.voucher_id = e.voucher_id
  group by w.city_id, w.offer_id
) e on e.city_id = v.city_id and e.offer_id = v.offer_id
where v.units <> e.units;
-- name: IN08 nobody was asked to come more than once in fourteen days
select a.city_id, a.member_id, a.nudge_id from insight.nudges a
join insight.nudges b on b.city_id = a.city_id and b.member_id = a.member_id and b.nudge_id > a.nudge_id
  and abs(extract(epoch from a.due_at - b.due_at)) < 13 * 86400;
-- name: IN09 a nudge names a voucher of its merchant and offer
select n.city_id, n.nudge_id from insight.nudges n
left join vouchers.vouchers v on v.city_id = n.city_id and v.voucher_id = n.voucher_id
where (v.merchant_id, v.offer_id) is distinct from (n.merchant_id, n.offer_id);
-- name: IN10 a plan and a capacity belong to the merchant of the offer and of the store
select p.city_id, p.offer_id as subject from insight.plans p
join catalog.offers o on o.city_id = p.city_id and o.offer_id = p.offer_id
where o.merchant_id <> p.merchant_id
union all
select c.city_id, c.store_id from insight.capacities c
join merchants.stores s on s.city_id = c.city_id and s.store_id = c.store_id
where s.merchant_id <> c.merchant_id;
-- name: IN11 what a cashier used for himself is no guest's visit
select v.city_id, v.redemption_id from insight.visits v
join vouchers.redemptions r on r.city_id = v.city_id and r.redemption_id = v.redemption_id
where r.own and not v.own;

-- name: IN12 every use of a right is a coming: the same member, place, day and undo, and what was due for it
select v.city_id, v.redemption_id from insight.visits v
left join insight.comings c on c.city_id = v.city_id and c.coming_id = v.redemption_id
where (c.kind, c.merchant_id, c.store_id, c.member_id, c.offer_id, c.day, c.at, c.bought_at, c.asset, c.units, c.own,
       c.undone_at)
      is distinct from ('redemption', v.merchant_id, v.store_id, v.member_id, v.offer_id, v.day, v.at, v.bought_at, v.asset,
                        v.due_units, v.own, v.undone_at)
union all
select c.city_id, c.coming_id from insight.comings c
left join insight.visits v on v.city_id = c.city_id and v.redemption_id = c.coming_id
where c.kind = 'redemption' and v.redemption_id is null;
-- name: IN13 every bill of a known guest that insight was told is a coming
select h.city_id, f.subject as bill_id from infra.handled h
join infra.facts f on f.city_id = h.city_id and f.fact_id = h.fact_id and f.topic = 'till.settled'
left join insight.comings c on c.city_id = f.city_id and c.coming_id = f.subject
where h.handler = 'insight.comings' and c.coming_id is null and f.payload ->> 'way' is distinct from 'phone';
-- name: IN14 what a bill brought is what neither a discount nor a card paid, at the counter that settled it
select c.city_id, c.coming_id from insight.comings c
join infra.facts f on f.city_id = c.city_id and f.subject = c.coming_id and f.topic = 'till.settled'
where c.kind = 'bill' and (c.merchant_id, c.store_id, c.units) is distinct from (
  (f.payload ->> 'merchant')::uuid, (f.payload ->> 'store')::uuid,
  (f.payload ->> 'amount')::bigint - (f.payload ->> 'discounted')::bigint - (f.payload ->> 'paid')::bigint);
-- name: IN15 a bill that was taken back is no coming, as far as insight was told; and no other is undone
select h.city_id, f.subject as bill_id from infra.handled h
join infra.facts f on f.city_id = h.city_id and f.fact_id = h.fact_id and f.topic = 'till.undone'
join insight.comings c on c.city_id = f.city_id and c.coming_id = f.subject
where h.handler = 'insight.comings' and c.undone_at is null
union all
select c.city_id, c.coming_id from insight.comings c
join infra.facts s on s.city_id = c.city_id and s.subject = c.coming_id and s.topic = 'till.settled'
where c.kind = 'bill' and c.undone_at is not null and not exists (
  select 1 from infra.facts f where f.city_id = c.city_id and f.subject = c.coming_id and f.topic = 'till.undone');
-- name: IN16 the day of a coming is the city's, and it was not undone before it was
select c.city_id, c.coming_id, c.day from insight.comings c
join places.cities p on p.city_id = c.city_id
where c.day <> (c.at at time zone p.zone)::date or c.undone_at < c.at;
