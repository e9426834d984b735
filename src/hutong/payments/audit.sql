-- name: P01 one provider transaction is one payment, over all cities
select provider, provider_no, count(*) as payments from payments.payments
where provider_no is not null group by provider, provider_no having count(*) > 1;
-- name: P02 at most one captured payment of an order
select city_id, order_id, count(*) as captured from payments.payments
where state = 'captured' group by city_id, order_id having count(*) > 1;
-- name: P04 a captured payment has exactly the amount and asset that were asked for
select city_id, payment_id, units, asset, captured_units, captured_asset from payments.payments
where state in ('captured', 'surplus') and (captured_units <> units or captured_asset is distinct from asset);
-- name: P06 no received callback waits for over 10 minutes, by the latest news of its city
select e.city_id, e.provider, e.event_id, e.number from payments.events e
join (select city_id, max(received_at) as latest from payments.events group by city_id) c on c.city_id = e.city_id
left join (select city_id, max(at) as latest from payments.changes group by city_id) h on h.city_id = e.city_id
where e.applied_at is null and e.received_at < greatest(c.latest, h.latest) - interval '10 minutes';
-- name: P07 one callback has at most one effect
select city_id, provider, event_id, count(*) as effects from payments.changes
where event_id is not null group by city_id, provider, event_id having count(*) > 1;
-- name: P08 no payment is in doubt for over 26 hours after its time, by the latest change in its city
select p.city_id, p.payment_id, p.state from payments.payments p
join (select city_id, max(at) as latest from payments.changes group by city_id) c on c.city_id = p.city_id
where p.state in ('created', 'unknown', 'opened')
  and greatest(p.created_at, p.expires_at) < c.latest - interval '26 hours';
-- name: P09 the history of every payment has no gap and ends in its state
select p.city_id, p.payment_id, p.state, p.seq, count(c.seq) as steps from payments.payments p
left join payments.changes c on c.city_id = p.city_id and c.subject = p.payment_id
group by p.city_id, p.payment_id, p.state, p.seq
having count(c.seq) <> p.seq or max(c.state) filter (where c.seq = p.seq) is distinct from p.state;
-- name: P10 money that belongs to no order (wrong amount, paid twice) goes back whole
select city_id, payment_id, state, captured_units, refunding_units from payments.payments
where state in ('quarantined', 'surplus') and refunding_units <> captured_units;
-- name: R01 refunds never above what was captured
select p.city_id, p.payment_id, p.captured_units, sum(r.units) as refunds from payments.payments p
join payments.refunds r on r.city_id = p.city_id and r.payment_id = p.payment_id and r.state <> 'failed'
group by p.city_id, p.payment_id, p.captured_units having sum(r.units) > p.captured_units;
-- name: R02 one provider refund is one refund, over all cities
select provider, provider_no, count(*) as refunds from payments.refunds
where provider_no is not null group by provider, provider_no having count(*) > 1;
-- name: R05 what a payment says is going back is what its refunds say, in its own asset
select p.city_id, p.payment_id, p.refunding_units, coalesce(sum(r.units), 0) as refunds from payments.payments p
left join payments.refunds r on r.city_id = p.city_id and r.payment_id = p.payment_id and r.state <> 'failed'
group by p.city_id, p.payment_id, p.refunding_units, p.captured_asset
having p.refunding_units <> coalesce(sum(r.units), 0) or bool_or(r.asset <> p.captured_asset);
-- name: R06 no refund waits for over 26 hours (in processing: 8 days), by the latest change in its city
select r.city_id, r.refund_id, r.state from payments.refunds r
join (select city_id, max(at) as latest from payments.changes group by city_id) c on c.city_id = r.city_id
where r.state in ('asked', 'unknown', 'processing')
  and r.asked_at < c.latest - case r.state when 'processing' then interval '8 days' else interval '26 hours' end;
-- name: R07 the history of every refund has no gap and ends in its state
select r.city_id, r.refund_id, r.state, r.seq, count(c.seq) as steps from payments.refunds r
left join payments.changes c on c.city_id = r.city_id and c.subject = r.refund_id
group by r.city_id, r.refund_id, r.state, r.seq
having count(c.seq) <> r.seq or max(c.state) filter (where c.seq = r.seq) is distinct from r.state;
