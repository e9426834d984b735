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

-- name: O04 a paid order has exactly its total captured, an unpaid one nothing that is not on its way back
select o.city_id, o.order_id, o.state from orders.orders o
left join (
  select i.city_id, i.order_id, sum(i.captured_units) as units from payments.payments i
  where i.state in ('captured', 'surplus', 'quarantined') group by i.city_id, i.order_id
) p on p.city_id = o.city_id and p.order_id = o.order_id
where (o.state in ('paid', 'part_refunded', 'refunded') and o.total_units > 0 and coalesce(p.units, 0) < o.total_units)
   or (coalesce(p.units, 0) > case when o.paid_at is null then 0 else o.total_units end
       and coalesce(p.units, 0) - case when o.paid_at is null then 0 else o.total_units end
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
where r.state <> 'failed';
