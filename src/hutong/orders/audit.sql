-- name: O01 no order is worth less than nothing, nor gives back more than it took
select city_id, order_id from orders.orders where total_units < 0 or refunded_units > total_units;

-- name: O02 the total of an order is the sum of its lines, and of every line the sum of its units
select o.city_id, o.order_id from orders.orders o
left join (
  select l.city_id, l.order_id, sum(l.total_units) as lines,
         sum((select sum((u ->> 'paid')::bigint) from jsonb_array_elements(l.breakdown) u)) as units
  from orders.lines l group by l.city_id, l.order_id
) s on s.city_id = o.city_id and s.order_id = o.order_id
where s.lines is distinct from o.total_units or s.units is distinct from o.total_units;

-- name: O03 the state of an order is the last step of its history
select o.city_id, o.order_id from orders.orders o
left join lateral (
  select c.state from orders.changes c where c.city_id = o.city_id and c.order_id = o.order_id order by c.seq desc limit 1
) last on true
where last.state is distinct from o.state;

-- name: O04 of a paid order exactly what cards and points leave of its total is captured, of an unpaid one nothing that does not go back
select o.city_id, o.order_id, o.state from orders.orders o
left join (
  select i.city_id, i.order_id, sum(i.captured_units) as units from payments.payments i
  where i.state in ('captured', 'surplus', 'quarantined') group by i.city_id, i.order_id
) p on p.city_id = o.city_id and p.order_id = o.order_id
where (o.state in ('paid', 'part_refunded', 'refunded') and coalesce(p.units, 0) < o.total_units - o.tendered_units)
   or (coalesce(p.units, 0) > case when o.paid_at is null then 0 else o.total_units - o.tendered_units end
       and coalesce(p.units, 0) - case when o.paid_at is null then 0 else o.total_units - o.tendered_units end
           > (select coalesce(sum(r.units), 0) from orders.refunds r
              where r.city_id = o.city_id and r.order_id = o.order_id and r.reason in ('paid_late', 'paid_twice', 'wrong_amount')));

-- name: O05 one voucher for each unit of a paid order, none for an unpaid one
select o.city_id, o.order_id from orders.orders o
left join (select city_id, order_id, sum(quantity) as units from orders.lines group by city_id, order_id) l
  on l.city_id = o.city_id and l.order_id = o.order_id
left join (select city_id, order_id, count(*) as units from vouchers.vouchers group by city_id, order_id) v
  on v.city_id = o.city_id and v.order_id = o.order_id
where coalesce(v.units, 0) <> case when o.paid_at is null then 0 else coalesce(l.units, 0) end;

-- name: O06 what was refunded is the sum of the refunds that ended well
select o.city_id, o.order_id from orders.orders o
left join (
  select city_id, order_id, sum(units) as units from orders.refunds
  where state = 'done' and reason not in ('paid_late', 'paid_twice', 'wrong_amount') group by city_id, order_id
) r on r.city_id = o.city_id and r.order_id = o.order_id
where o.refunded_units <> coalesce(r.units, 0);

-- name: O07 no unpaid order outlives its time by more than ten minutes
select city_id, order_id from orders.orders
where state = 'placed' and expires_at < (select max(at) from infra.facts) - interval '10 minutes';

-- name: O08 a deal tips when its count reaches the minimum, and not before
select city_id, offer_id from orders.tippings
where (tipped_at is null and closed_at is null and paid_units >= min_units) or (tipped_at is not null and paid_units < min_units);

-- name: O09 a deal that failed leaves no paid unit without its refund on the way
select l.city_id, l.order_id from orders.tippings t
join orders.lines l on l.city_id = t.city_id and l.offer_id = t.offer_id
join vouchers.vouchers v on v.city_id = l.city_id and v.line_id = l.line_id and v.state in ('valid', 'used')
where t.outcome = 'failed';

-- name: O10 what a member holds of a capped offer is what live orders say
select b.city_id, b.offer_id, b.member_id, b.units from orders.bought b
left join (
  select l.city_id, l.offer_id, o.member_id,
         sum(l.quantity) - coalesce(sum((select count(*) from vouchers.vouchers v where v.city_id = l.city_id
                                         and v.line_id = l.line_id and v.state = 'refunded')), 0) as units
  from orders.lines l join orders.orders o on o.city_id = l.city_id and o.order_id = l.order_id
  where o.state not in ('cancelled', 'expired') and l.promise -> 'terms' ->> 'per_member' is not null
  group by l.city_id, l.offer_id, o.member_id
) k on k.city_id = b.city_id and k.offer_id = b.offer_id and k.member_id = b.member_id
where b.units <> coalesce(k.units, 0);

-- name: O11 the units in live orders are the units their stock counts as sold or held
select h.city_id, h.hold_id, h.state, o.state as order_state from inventory.holds h
join orders.orders o on o.city_id = h.city_id and o.hold_id = h.hold_id
where (h.state = 'held') <> (o.state = 'placed') or (h.state = 'confirmed') <> (o.paid_at is not null);

-- name: O12 a state follows only from a state that leads to it
select c.city_id, c.order_id, c.seq from orders.changes c
join orders.changes b on b.city_id = c.city_id and b.order_id = c.order_id and b.seq = c.seq - 1
where (b.state, c.state) not in (
  ('placed', 'paid'), ('placed', 'cancelled'), ('placed', 'expired'), ('paid', 'part_refunded'), ('paid', 'refunded'),
  ('part_refunded', 'part_refunded'), ('part_refunded', 'refunded'));

-- name: O13 a refund that the merchant gave says in a note to its order why, and no other refund does
select r.city_id, r.refund_id from orders.refunds r
full join orders.notes n on n.city_id = r.city_id and n.refund_id = r.refund_id
where (r.reason = 'merchant' or n.refund_id is not null)
  and (r.reason is distinct from 'merchant' or n.order_id is distinct from r.order_id);

-- name: O14 what expired without a refund is not given back: its money went as breakage
select r.city_id, r.refund_id, v.voucher_id from orders.refunds r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = any(r.voucher_ids)
join ledger.city_transfers t on t.city_id = r.city_id and t.ref = v.voucher_id and t.event = 'breakage'
where r.state <> 'failed' and r.reason not in ('ladder', 'card_over');

-- name: O20 what promotions took off an order is what is missing from its lines, and the sum of its uses
select o.city_id, o.order_id, o.saved_units, l.missing, u.units from orders.orders o
left join (
  select city_id, order_id, sum(unit_price * quantity - total_units) as missing from orders.lines group by city_id, order_id
) l on l.city_id = o.city_id and l.order_id = o.order_id
left join (
  select city_id, order_id, sum(units) as units from orders.uses group by city_id, order_id
) u on u.city_id = o.city_id and u.order_id = o.order_id
where o.saved_units <> coalesce(l.missing, 0) or o.saved_units <> coalesce(u.units, 0);

-- name: O21 of every unit, what is paid and what others bear is its price; what is due leaves out the merchant's part and bonuses
select l.city_id, l.line_id, k.unit ->> 'paid' as paid, k.unit ->> 'due' as due, k.borne, k.others, k.behind from orders.lines l
cross join lateral (
  select j.unit,
         coalesce((select sum((b ->> 'units')::bigint) from jsonb_array_elements(coalesce(j.unit -> 'by', '[]')) b), 0) as borne,
         coalesce((select sum((b ->> 'units')::bigint) from jsonb_array_elements(coalesce(j.unit -> 'by', '[]')) b
                   where b ->> 'payer' <> 'merchant'), 0) as others,
         coalesce((select sum((t ->> 'due')::bigint - (t ->> 'units')::bigint)
                   from jsonb_array_elements(coalesce(j.unit -> 'tenders', '[]')) t), 0) as behind
  from jsonb_array_elements(l.breakdown) as j(unit)
) k
where (k.unit ->> 'paid')::bigint + k.borne <> l.unit_price or (k.unit ->> 'due')::bigint <> (k.unit ->> 'paid')::bigint + k.others + k.behind;

-- name: O22 the shares of a use are its parts of the units, payer by payer, and nobody got back more than he bore
select u.city_id, u.order_id, u.promotion_id from orders.uses u
left join (
  select l.city_id, l.order_id, l.promotion, jsonb_object_agg(l.payer, l.units) as shares from (
    select l.city_id, l.order_id, b ->> 'promotion' as promotion, b ->> 'payer' as payer, sum((b ->> 'units')::bigint) as units
    from orders.lines l, jsonb_array_elements(l.breakdown) j, jsonb_array_elements(coalesce(j -> 'by', '[]')) b
    group by 1, 2, 3, 4
  ) l group by l.city_id, l.order_id, l.promotion
) k on k.city_id = u.city_id and k.order_id = u.order_id and k.promotion = u.promotion_id::text
where k.shares is distinct from u.shares
   or u.units <> (select sum(s.value::bigint) from jsonb_each_text(u.shares) s)
   or u.given_units <> (select coalesce(sum(g.value::bigint), 0) from jsonb_each_text(u.given) g)
   or exists (select 1 from jsonb_each_text(u.given) g where g.value::bigint > coalesce((u.shares ->> g.key)::bigint, 0));

-- name: O23 a promotion's use stands as its order stands
select u.city_id, u.order_id, u.promotion_id, u.state, o.state as order_state from orders.uses u
join orders.orders o on o.city_id = u.city_id and o.order_id = u.order_id
where u.member_id <> o.member_id or (u.state = 'returned' and u.given_units <> u.units)
   or u.state <> case o.state when 'placed' then 'held' when 'paid' then 'used' when 'part_refunded' then 'used'
                              when 'refunded' then 'returned' else 'released' end;

-- name: O24 a spent coupon belongs to one live order of its own member, and a live order has spent its coupons
select coalesce(u.city_id, s.city_id) as city_id, coalesce(u.voucher_id, s.voucher_id) as voucher_id, u.order_id, s.ref
from (select city_id, voucher_id, order_id, member_id from orders.uses where state = 'used' and voucher_id is not null) u
full join (
  select p.city_id, p.voucher_id, p.ref, v.member_id from vouchers.spends p
  join vouchers.vouchers v on v.city_id = p.city_id and v.voucher_id = p.voucher_id
  where p.restored_at is null and v.kind = 'coupon' and p.ref in (select order_id from orders.orders)
) s on s.city_id = u.city_id and s.voucher_id = u.voucher_id and s.ref = u.order_id
where u.voucher_id is null or s.voucher_id is null or s.member_id <> u.member_id;

-- name: O25 one coupon is on one live order at most
select city_id, voucher_id, count(*) as orders from orders.uses
where voucher_id is not null and state in ('held', 'used') group by city_id, voucher_id having count(*) > 1;

-- name: O26 a voucher is locked for an order exactly while an unpaid order holds it
select coalesce(v.city_id, u.city_id) as city_id, coalesce(v.voucher_id, u.voucher_id) as voucher_id, v.held_ref, u.order_id
from (select city_id, voucher_id, held_ref from vouchers.vouchers where held_for = 'order') v
full join (
  select city_id, voucher_id, order_id from orders.uses where state = 'held' and voucher_id is not null
  union all
  select city_id, ref, order_id from orders.tenders where state = 'held' and kind = 'card'
) u on u.city_id = v.city_id and u.voucher_id = v.voucher_id and u.order_id = v.held_ref
where v.voucher_id is null or u.voucher_id is null;

-- name: O27 the expense of each payer is what he bears of paid orders, less what came back to him
select coalesce(u.city_id, t.city_id) as city_id, coalesce(u.payer, t.payer) as payer, u.units, t.units as booked
from (
  select u.city_id, o.asset, s.key as payer, sum(s.value::bigint - coalesce((u.given ->> s.key)::bigint, 0)) as units
  from orders.uses u
  join orders.orders o on o.city_id = u.city_id and o.order_id = u.order_id
  cross join lateral jsonb_each_text(u.shares) s
  where u.state in ('used', 'returned') and s.key <> 'merchant' group by u.city_id, o.asset, s.key
) u
full join (
  select k.city_id, k.asset, split_part(k.path, '/', 3) as payer, sum(k.units) as units from (
    select city_id, asset, debit_path as path, amount as units from ledger.city_transfers where event = 'promotion'
    union all
    select city_id, asset, credit_path, -amount from ledger.city_transfers
    where event in ('promotion_back', 'breakage') and starts_with(credit_path, 'expense/promotion/')
  ) k group by k.city_id, k.asset, k.path
) t on t.city_id = u.city_id and t.asset = u.asset and t.payer = u.payer
where coalesce(u.units, 0) <> coalesce(t.units, 0);

-- name: O28 the budgets know of every use of an order, in its state and with its units
select coalesce(u.city_id, p.city_id) as city_id, coalesce(u.order_id, p.ref) as order_id, u.state, p.state as budget_state
from orders.uses u
full join (
  select p.* from pricing.uses p join orders.orders o on o.city_id = p.city_id and o.order_id = p.ref
) p on p.city_id = u.city_id and p.promotion_id = u.promotion_id and p.ref = u.order_id
where u.units is distinct from p.units or u.given_units is distinct from p.back_units
   or p.state is distinct from case u.state when 'used' then 'spent' else u.state end;

-- name: O29 what came back to the payers are their parts of the units that went back, or that nobody used
select u.city_id, u.order_id, u.promotion_id, u.given_units, k.units from orders.uses u
join (
  select l.city_id, l.order_id, b ->> 'promotion' as promotion, sum((b ->> 'units')::bigint) filter (
           where v.state = 'refunded' or (v.state = 'expired' and v.terms ->> 'refund_on_expiry' = 'false')) as units
  from orders.lines l
  join vouchers.vouchers v on v.city_id = l.city_id and v.line_id = l.line_id
  cross join lateral jsonb_array_elements(coalesce(l.breakdown -> v.unit_no -> 'by', '[]')) b
  where l.order_id not in (select w.order_id from vouchers.vouchers w
                           where w.city_id = l.city_id and w.order_id = l.order_id and w.uses_total > 1)
  group by 1, 2, 3
) k on k.city_id = u.city_id and k.order_id = u.order_id and k.promotion = u.promotion_id::text
where u.given_units <> coalesce(k.units, 0);

-- name: O30 what a voucher was worth less than its unit cost was given back because the price of its ladder fell
select o.city_id, o.order_id, d.less, r.units from orders.orders o
join (
  select v.city_id, v.order_id, sum((l.breakdown -> v.unit_no ->> 'paid')::bigint - v.paid_units) as less
  from vouchers.vouchers v join orders.lines l on l.city_id = v.city_id and l.line_id = v.line_id
  group by v.city_id, v.order_id
) d on d.city_id = o.city_id and d.order_id = o.order_id
left join (
  select city_id, order_id, sum(units) as units from orders.refunds where reason = 'ladder' and state <> 'failed'
  group by city_id, order_id
) r on r.city_id = o.city_id and r.order_id = o.order_id
where d.less <> coalesce(r.units, 0);

-- name: O31 a unit of a ladder waits exactly until its price is final, and no unit of a team that clinched waits
select c.city_id, c.order_id from groups.climbs c
join vouchers.vouchers v on v.city_id = c.city_id and v.order_id = c.order_id
join groups.ladders l on l.city_id = c.city_id and l.offer_id = c.offer_id
where (l.settled_at is null and v.state in ('valid', 'used')) or (c.settled_at is not null and v.state = 'waiting')
union all
select s.city_id, s.order_id from groups.seats s
join vouchers.vouchers v on v.city_id = s.city_id and v.order_id = s.order_id
where (s.state = 'kept' and v.state = 'waiting') or (s.state in ('taken', 'failed', 'left', 'sent_back') and v.state in ('valid', 'used'));

-- name: O32 a seat is paid for exactly when its order is
select s.city_id, s.order_id, s.state, o.state as order_state from groups.seats s
left join orders.orders o on o.city_id = s.city_id and o.order_id = s.order_id
where (o.order_id is null and s.state <> 'freed') or s.member_id <> o.member_id or (s.taken_at is null) <> (o.paid_at is null)
   or (s.state = 'held') <> (o.state = 'placed');

-- name: O33 a climb has the living units of its order
select c.city_id, c.order_id, c.units, v.n from groups.climbs c
join groups.ladders l on l.city_id = c.city_id and l.offer_id = c.offer_id and l.settled_at is null
left join (select city_id, order_id, count(*) filter (where state not in ('refunding', 'refunded')) as n
           from vouchers.vouchers group by city_id, order_id) v on v.city_id = c.city_id and v.order_id = c.order_id
where c.units > coalesce(v.n, 0);

-- name: O40 a code that is taken belongs to a claim of its member: his order of that coupon
select c.city_id, c.code_id, c.promotion_id, c.taken_ref from pricing.codes c
left join orders.orders o on o.city_id = c.city_id and o.order_id = c.taken_ref and o.member_id = c.taken_by
where c.state = 'taken' and (o.order_id is null or not exists (
  select 1 from orders.lines l
  where l.city_id = c.city_id and l.order_id = c.taken_ref and l.offer_id = c.promotion_id));

-- name: O41 a coupon on offer has its promotion: claimed, of the same merchant, with the same end of the claiming
select o.city_id, o.offer_id, o.status, p.state from catalog.offers o
left join pricing.promotions p on p.city_id = o.city_id and p.promotion_id = o.offer_id
where o.scheme = 'coupons' and (p.promotion_id is null or p.trigger <> 'coupon' or p.merchant_id <> o.merchant_id
  or (o.status = 'published' and (p.state = 'draft' or p.ends_at is distinct from o.sale_to)));

-- name: O42 a claim costs nothing, and a coupon that needs a code was never claimed without one
select l.city_id, l.order_id, l.offer_id from orders.lines l
join catalog.offers f on f.city_id = l.city_id and f.offer_id = l.offer_id and f.scheme = 'coupons'
join orders.orders o on o.city_id = l.city_id and o.order_id = l.order_id
where o.total_units <> 0 or (
  f.form ->> 'claim' in ('code', 'issued', 'pool') and o.paid_at is not null and not exists (
    select 1 from pricing.codes c
    where c.city_id = l.city_id and c.taken_ref = l.order_id and c.promotion_id = l.offer_id));

-- name: O43 a coupon that all merchants of a city take is borne by none of them, but where its rule names the offers or the merchants
select o.city_id, o.offer_id, p.rule -> 'payers' as payers from catalog.offers o
join pricing.promotions p on p.city_id = o.city_id and p.promotion_id = o.offer_id
where o.scheme = 'coupons' and (o.form ->> 'wide')::boolean and exists (
  select 1 from jsonb_array_elements(p.rule -> 'payers') s where s ->> 0 = 'merchant' and (s ->> 1)::int > 0)
and not exists (
  select 1 from jsonb_array_elements(p.rule -> 'conditions') c
  where c ->> 'kind' in ('offers', 'merchants') and not coalesce((c ->> 'excluded')::boolean, false));

-- name: O50 what cards and points pay of an order is the sum of its tenders, and of each the sum of its parts of the units
select o.city_id, o.order_id, o.tendered_units, o.tender_count, t.units, t.n from orders.orders o
left join (
  select city_id, order_id, sum(units) as units, count(*) as n from orders.tenders group by city_id, order_id
) t on t.city_id = o.city_id and t.order_id = o.order_id
where o.tendered_units <> coalesce(t.units, 0) or o.tender_count <> coalesce(t.n, 0)
union all
select coalesce(t.city_id, k.city_id), coalesce(t.order_id, k.order_id), t.units, null, k.units, k.points from orders.tenders t
full join (
  select l.city_id, l.order_id, (p ->> 'ref')::uuid as ref, sum((p ->> 'units')::bigint) as units, sum((p ->> 'due')::bigint) as due,
         sum(coalesce((p ->> 'points')::bigint, 0)) as points
  from orders.lines l, jsonb_array_elements(l.breakdown) j, jsonb_array_elements(coalesce(j -> 'tenders', '[]')) p
  group by 1, 2, 3
) k on k.city_id = t.city_id and k.order_id = t.order_id and k.ref = t.ref
where (t.units, t.due_units, t.points) is distinct from (k.units, k.due, k.points);

-- name: O51 a tender stands as its order stands, and is its buyer's
select t.city_id, t.order_id, t.ref, t.state, o.state as order_state from orders.tenders t
join orders.orders o on o.city_id = t.city_id and o.order_id = t.order_id
where t.member_id <> o.member_id
   or (t.state = 'held') <> (o.state = 'placed') or (t.state = 'released') <> (o.state in ('cancelled', 'expired'))
   or (t.state = 'returned') <> (o.paid_at is not null and (t.back_units, t.back_due_units, t.back_points) = (t.units, t.due_units, t.points))
   or (o.state = 'refunded' and t.state <> 'returned');

-- name: O52 what a card paid of a paid order is spent of it; what came back is on it again, or goes to whoever bought a card that is over
select coalesce(t.city_id, s.city_id) as city_id, coalesce(t.order_id, s.ref) as order_id, coalesce(t.ref, s.voucher_id) as voucher_id
from (select * from orders.tenders where kind = 'card' and state in ('used', 'returned')) t
full join (
  select p.* from vouchers.spends p
  join vouchers.vouchers v on v.city_id = p.city_id and v.voucher_id = p.voucher_id and v.kind = 'card'
) s on s.city_id = t.city_id and s.voucher_id = t.ref and s.ref = t.order_id
left join (
  select r.city_id, r.voucher_ids[1] as voucher_id, sum(r.units) as units from orders.refunds r
  where r.reason = 'card_over' group by 1, 2
) c on c.city_id = t.city_id and c.voucher_id = t.ref
where s.voucher_id is null or t.ref is null or (t.units, t.due_units, t.due_units) is distinct from (s.count, s.due_units, s.paid_units)
   or s.back_count > t.back_units or s.back_due_units > t.back_due_units
   or (c.units is null and (s.back_count, s.back_due_units) is distinct from (t.back_units, t.back_due_units));

-- name: O53 what came back of a tender are exactly its parts of the units that were refunded
select t.city_id, t.order_id, t.ref, t.back_units, k.units, t.back_due_units, k.due from orders.tenders t
join (
  select l.city_id, l.order_id, (p ->> 'ref')::uuid as ref,
         sum((p ->> 'units')::bigint) filter (where v.state = 'refunded') as units,
         sum((p ->> 'due')::bigint) filter (where v.state = 'refunded') as due,
         sum(coalesce((p ->> 'points')::bigint, 0)) filter (where v.state = 'refunded') as points
  from orders.lines l
  join vouchers.vouchers v on v.city_id = l.city_id and v.line_id = l.line_id
  cross join lateral jsonb_array_elements(coalesce(l.breakdown -> v.unit_no -> 'tenders', '[]')) p
  where l.order_id not in (select w.order_id from vouchers.vouchers w
                           where w.city_id = l.city_id and w.order_id = l.order_id and w.uses_total > 1)
  group by 1, 2, 3
) k on k.city_id = t.city_id and k.order_id = t.order_id and k.ref = t.ref
where (t.back_units, t.back_due_units, t.back_points) is distinct from (coalesce(k.units, 0), coalesce(k.due, 0), coalesce(k.points, 0));

-- name: O54 the money of a card that another merchant sold moved to the seller when the order was paid, and back with what came back
select coalesce(t.city_id, m.city_id) as city_id, coalesce(t.order_id, m.order_id) as order_id, t.units, m.units as booked from (
  select t.city_id, t.order_id, sum(t.due_units - s.back_due_units) as units from orders.tenders t
  join orders.orders o on o.city_id = t.city_id and o.order_id = t.order_id
  join vouchers.spends s on s.city_id = t.city_id and s.voucher_id = t.ref and s.ref = t.order_id
  where t.kind = 'card' and t.state in ('used', 'returned') and t.issuer_id <> o.merchant_id group by 1, 2
) t
full join (
  select k.city_id, k.order_id, sum(k.units) as units from (
    select city_id, ref as order_id, amount as units from ledger.city_transfers where event = 'tender'
    union all
    select x.city_id, r.order_id, -x.amount from ledger.city_transfers x
    join orders.refunds r on r.city_id = x.city_id and r.refund_id = x.ref where x.event = 'tender_back'
  ) k group by 1, 2
) m on m.city_id = t.city_id and m.order_id = t.order_id
where coalesce(t.units, 0) <> coalesce(m.units, 0);

-- name: O55 of a refund the provider is asked for what does not go back to cards and points, no more and no less
select r.city_id, r.refund_id, r.units, r.tendered_units, p.units as asked from orders.refunds r
left join payments.refunds p on p.city_id = r.city_id and p.refund_id = r.refund_id
where coalesce(p.units, 0) <> r.units - r.tendered_units;

-- name: O56 a card that pays is stored value of who orders, honoured by who sells; the bonus only by who gave it
select t.city_id, t.order_id, t.ref from orders.tenders t
join orders.orders o on o.city_id = t.city_id and o.order_id = t.order_id
left join vouchers.vouchers v on v.city_id = t.city_id and v.voucher_id = t.ref
where t.kind = 'card' and (v.voucher_id is null or not v.value or v.asset <> o.asset or v.merchant_id <> t.issuer_id
                           or (v.merchant_id <> o.merchant_id and (not v.wide or t.due_units <> t.units)));

-- name: O57 what points pay of an order its programme holds or has burnt for it, and what came back of them is back in the wallet
select coalesce(t.city_id, m.city_id) as city_id, coalesce(t.order_id, m.source_ref) as order_id, t.state, m.state as burn_state
from (select * from orders.tenders where kind = 'points') t
full join (
  select b.*, coalesce(u.points, 0) as back_points, coalesce(u.worth, 0) as back_worth from programmes.movements b
  left join (
    select programme_id, parent_id, sum(points) as points, sum(worth_units) as worth from programmes.movements
    where kind = 'unburn' group by 1, 2
  ) u on u.programme_id = b.programme_id and u.parent_id = b.movement_id
  where b.kind = 'burn' and b.target = 'escrow' and b.source_ref in (select order_id from orders.orders)
) m on m.city_id = t.city_id and m.source_ref = t.order_id and m.programme_id = t.ref
where t.ref is null or m.movement_id is null or m.member_id <> t.member_id
   or (m.points, m.worth_units, m.back_points, m.back_worth) is distinct from (t.points, t.due_units, t.back_points, t.back_due_units)
   or m.state <> case t.state when 'held' then 'held' when 'released' then 'released' else 'done' end;
