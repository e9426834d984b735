-- name: B01 a bill is the sum of its discounts, of what its cards paid, of what points took off and of what was collected
select b.city_id, b.bill_id from till.bills b
left join (select city_id, bill_id, sum(units) as units from till.discounts group by city_id, bill_id) d
  on d.city_id = b.city_id and d.bill_id = b.bill_id
left join (select city_id, bill_id, sum(units) filter (where role = 'card') as units from till.uses group by city_id, bill_id) c
  on c.city_id = b.city_id and c.bill_id = b.bill_id
where b.discount_units <> coalesce(d.units, 0) or b.card_units <> coalesce(c.units, 0)
   or b.amount_units <> b.discount_units + b.card_units + b.points_units + b.collect_units;

-- name: B02 who bears a discount adds up to it
select d.city_id, d.bill_id, d.promotion_id from till.discounts d
where d.units <> (select coalesce(sum((s ->> 1)::bigint), 0) from jsonb_array_elements(d.shares) s);

-- name: B03 what was used for a bill was redeemed, by its merchant, for the guest of the bill, so often and no other way
select x.city_id, x.bill_id, x.redemption_id from till.uses x
join till.bills b on b.city_id = x.city_id and b.bill_id = x.bill_id
left join vouchers.redemptions r on r.city_id = x.city_id and r.redemption_id = x.redemption_id
where r.redemption_id is null
   or (r.voucher_id, r.count, r.merchant_id, r.store_id, r.at) is distinct from (x.voucher_id, x.count, b.merchant_id, b.store_id, b.at);

-- name: B04 a bill is undone exactly when all that was used for it is
select b.city_id, b.bill_id from till.bills b
left join till.undos u on u.city_id = b.city_id and u.bill_id = b.bill_id
join till.uses x on x.city_id = b.city_id and x.bill_id = b.bill_id
left join vouchers.reversals v on v.city_id = x.city_id and v.redemption_id = x.redemption_id
where (u.bill_id is null) <> (v.redemption_id is null);

-- name: B05 what others bear of bills is booked as they bear it, redemption by redemption
select coalesce(e.city_id, d.city_id) as city_id, coalesce(e.redemption_id, d.redemption_id) as redemption_id,
       coalesce(e.payer, d.payer) as payer
from (
  select e.city_id, e.redemption_id, o ->> 0 as payer, (o ->> 1)::bigint as units
  from settlement.earnings e, jsonb_array_elements(e.outside) o
) e
full join (
  select d.city_id, d.redemption_id, s ->> 0 as payer, sum((s ->> 1)::bigint) as units
  from till.discounts d, jsonb_array_elements(d.shares) s
  where s ->> 0 <> 'merchant' and (s ->> 1)::bigint > 0
  group by d.city_id, d.redemption_id, s ->> 0
) d on d.city_id = e.city_id and d.redemption_id = e.redemption_id and d.payer = e.payer
where e.units is distinct from d.units;

-- name: B06 each share that others bear of a bill stands in the ledger, and is taken back when the bill is
select coalesce(e.city_id, t.city_id) as city_id, coalesce(e.redemption_id, t.ref) as redemption_id
from (
  select e.city_id, e.redemption_id, 'expense/promotion/' || (o ->> 0) as path, e.asset,
         case when e.reversed_at is null then (o ->> 1)::bigint else 0 end as units
  from settlement.earnings e, jsonb_array_elements(e.outside) o
) e
full join (
  select city_id, ref, asset, case event when 'bill' then debit_path else credit_path end as path,
         sum(case event when 'bill' then amount else -amount end) as units
  from ledger.city_transfers where event in ('bill', 'bill_undone')
  group by city_id, ref, asset, case event when 'bill' then debit_path else credit_path end
) t on t.city_id = e.city_id and t.ref = e.redemption_id and t.path = e.path and t.asset = e.asset
where e.units is distinct from t.units;

-- name: B07 stored value that was spent for a bill belongs to it
select r.city_id, r.redemption_id from vouchers.redemptions r
left join till.uses x on x.city_id = r.city_id and x.redemption_id = r.redemption_id
where r.request_no like 'bill/%%' and x.redemption_id is null;

-- name: B08 an event of a merchant is one bill
select city_id, merchant_id, event_id from till.bills group by city_id, merchant_id, event_id having count(*) > 1;

-- name: B10 the points of a bill were burnt for it, by its guest, at its merchant, and each took its face value off
select b.city_id, b.bill_id from till.bills b
left join programmes.programmes g on g.programme_id = b.programme_id
left join programmes.movements m on m.programme_id = b.programme_id and m.movement_id = b.burn_id
where b.points > 0
  and (m.kind, m.state, m.source_kind, m.source_ref, m.member_id, m.partner_id, m.points, b.points_units, b.asset)
      is distinct from ('burn', 'done', 'bill', b.bill_id, b.member_id, b.merchant_id, b.points, b.points * g.face_units, g.currency);

-- name: B11 a burn for a bill belongs to one that says so
select m.programme_id, m.movement_id from programmes.movements m
left join till.bills b on b.city_id = m.city_id and b.bill_id = m.source_ref
where m.kind = 'burn' and m.source_kind = 'bill' and m.store_id is not null and b.burn_id is distinct from m.movement_id;

-- name: B12 what a bill says that it gave is what the programme gave for it, to its guest
select e.city_id, e.bill_id from till.earns e
join till.bills b on b.city_id = e.city_id and b.bill_id = e.bill_id
left join programmes.movements m on m.programme_id = e.programme_id and m.kind = 'earn'
  and m.source_kind = 'bill' and m.source_ref = e.bill_id
where e.member_id is distinct from b.member_id or e.amount_units <> b.collect_units
   or (e.base + e.bonus + e.campaign > 0 or m.movement_id is not null and e.why is null)
      and (m.base, m.bonus, m.campaign, m.member_id, m.partner_id)
          is distinct from (e.base, e.bonus, e.campaign, e.member_id, b.merchant_id);

-- name: B13 an undone bill has its points back, and has left nothing that it gave
select b.city_id, b.bill_id, m.movement_id from till.undos u
join till.bills b on b.city_id = u.city_id and b.bill_id = u.bill_id
left join till.earns e on e.city_id = b.city_id and e.bill_id = b.bill_id
join programmes.movements m on m.programme_id = coalesce(e.programme_id, b.programme_id)
  and m.source_kind = 'bill' and m.source_ref = b.bill_id and m.kind in ('earn', 'burn')
where m.undone <> m.points or (m.kind = 'burn' and u.points_back <> m.points);

-- name: B14 a bill that waits for its payment, or was undone before it came, has given nothing
select p.city_id, p.bill_id from till.pays p
join till.earns e on e.city_id = p.city_id and e.bill_id = p.bill_id
where p.state in ('open', 'void');

-- name: B15 a bill that was paid by phone has its captured payment, of what it collects, and no other bill has one
select coalesce(p.city_id, k.city_id) as city_id, coalesce(p.bill_id, k.order_id) as bill_id, p.state, k.payment_id
from (
  select p.city_id, p.bill_id, p.state, p.payment_id, p.units, p.asset, b.collect_units from till.pays p
  join till.bills b on b.city_id = p.city_id and b.bill_id = p.bill_id
  where p.state in ('paid', 'refunding', 'refunded', 'refund_failed')
) p
full join (
  select i.city_id, i.order_id, i.payment_id, i.units, i.asset from payments.payments i
  where i.purpose = 'bill' and i.state = 'captured' and not exists (
    select 1 from payments.refunds r where r.city_id = i.city_id and r.payment_id = i.payment_id and r.reason = 'bill_late')
) k on k.city_id = p.city_id and k.order_id = p.bill_id and k.payment_id = p.payment_id
where p.bill_id is null or k.order_id is null or (p.units, p.asset) is distinct from (k.units, k.asset)
   or p.units <> p.collect_units;

-- name: B16 what guests paid by phone stands in the books for the merchant, once, and went back when the bill did
select coalesce(w.city_id, t.city_id) as city_id, coalesce(w.bill_id, t.ref) as bill_id, w.units as wanted, t.units as booked
from (
  select p.city_id, p.bill_id, p.asset, 'payable/merchant/' || b.merchant_id as path,
         case when p.state = 'refunded' then 0 else p.units end as units
  from till.pays p join till.bills b on b.city_id = p.city_id and b.bill_id = p.bill_id
  where p.state in ('paid', 'refunding', 'refunded', 'refund_failed')
) w
full join (
  select city_id, ref, asset, path, sum(units) as units from (
    select city_id, ref, asset, credit_path as path, amount as units from ledger.city_transfers where event = 'bill_paid'
    union all
    select city_id, ref, asset, debit_path, -amount from ledger.city_transfers where event = 'bill_refunded'
  ) x group by city_id, ref, asset, path
) t on t.city_id = w.city_id and t.ref = w.bill_id and t.path = w.path and t.asset = w.asset
where w.units is distinct from t.units;

-- name: B17 a void has no bill that stands, and every number of a bill or void is claimed
select v.city_id, v.merchant_id, v.event_id from till.voids v
join till.bills b on b.city_id = v.city_id and b.merchant_id = v.merchant_id and b.event_id = v.event_id
left join till.undos u on u.city_id = b.city_id and u.bill_id = b.bill_id
where u.bill_id is null
union all
select b.city_id, b.merchant_id, b.event_id from till.bills b
left join till.events e on e.city_id = b.city_id and e.merchant_id = b.merchant_id and e.event_id = b.event_id
where e.event_id is null;

-- name: B18 a block that a merchant bought is in the programme, of the same money, and one that waits is not
select b.city_id, b.block_id from till.blocks b
left join programmes.blocks k on k.programme_id = b.programme_id and k.block_id = b.block_id
where (b.state = 'paid') <> (k.block_id is not null)
   or (k.block_id is not null and (k.partner_id, k.units, k.city_id) is distinct from (b.merchant_id, b.units, b.city_id));

-- name: B19 money that nobody waited for is kept for the one bill or block it came for, until it is back
select coalesce(d.city_id, k.city_id) as city_id, coalesce(d.ref, k.payment_id) as payment_id
from (
  select city_id, ref, asset, sum(case event when 'capture_deposit' then amount else -amount end) as units
  from ledger.city_transfers t where event in ('capture_deposit', 'deposit_refunded')
    and exists (select 1 from payments.payments i where i.city_id = t.city_id and i.payment_id = t.ref and i.purpose <> 'order')
  group by city_id, ref, asset
) d
full join (
  select i.city_id, i.payment_id, i.captured_asset as asset,
         i.captured_units - coalesce(sum(r.units) filter (where r.state = 'done'), 0) as units
  from payments.payments i
  join payments.refunds r on r.city_id = i.city_id and r.payment_id = i.payment_id and r.reason in ('bill_late', 'wrong_amount')
  where i.purpose <> 'order' group by i.city_id, i.payment_id, i.captured_asset, i.captured_units
) k on k.city_id = d.city_id and k.payment_id = d.ref and k.asset = d.asset
where d.units is distinct from k.units;
