-- name: T01 every live redemption of money's worth is settled, and none that is not there
select coalesce(e.city_id, r.city_id) as city_id, coalesce(e.redemption_id, r.redemption_id) as redemption_id
from settlement.earnings e
full join vouchers.redemptions r on r.city_id = e.city_id and r.redemption_id = e.redemption_id
left join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where e.redemption_id is null or r.redemption_id is null or e.merchant_id <> r.merchant_id
   or e.count <> case when v.value or left(r.request_no, 5) = 'term/' then 1 else r.count end;

-- name: T02 an earning is divided without loss
select city_id, redemption_id from settlement.earnings
where due_units <> commission_units + merchant_units or operator_units > commission_units;

-- name: T03 an undone redemption is undone in the statement, and only that
select e.city_id, e.redemption_id from settlement.earnings e
left join vouchers.reversals v on v.city_id = e.city_id and v.redemption_id = e.redemption_id
where (e.reversed_at is null) <> (v.redemption_id is null);

-- name: T04 live earnings of a voucher, with what orders spent of it, never exceed what is due for it
select v.city_id, v.voucher_id from vouchers.vouchers v
join (
  select k.city_id, k.voucher_id, sum(k.units) as units from (
    select city_id, voucher_id,
           due_units - (select coalesce(sum((o ->> 1)::bigint), 0) from jsonb_array_elements(outside) o) as units
    from settlement.earnings where reversed_at is null
    union all
    select city_id, voucher_id, due_units - back_due_units from vouchers.spends
  ) k group by k.city_id, k.voucher_id
) e on e.city_id = v.city_id and e.voucher_id = v.voucher_id
where e.units > v.due_units or (v.uses_left = 0 and e.units <> v.due_units);

-- name: T05 the merchant's balance is what the statements and payouts say
select k.city_id, k.merchant_id from (
  select city_id, merchant_id, asset, sum(merchant_units) filter (where reversed_at is null) as units
  from settlement.earnings group by city_id, merchant_id, asset
) k
left join (
  select city_id, payee_id, asset, sum(units) as units from settlement.payouts
  where state = 'done' and payee_kind = 'merchant' group by city_id, payee_id, asset
) p on p.city_id = k.city_id and p.payee_id = k.merchant_id and p.asset = k.asset
left join (  -- what others book there: bills paid by phone, blocks for points, clearing; their own audits prove it
  select city_id, path, asset, sum(units) as units from (
    select t.city_id, t.credit_path as path, t.asset, t.amount as units from ledger.city_transfers t
    where t.event in ('bill_paid', 'bill_refunded', 'fund', 'clearing') and starts_with(t.credit_path, 'payable/merchant/')
    union all
    select t.city_id, t.debit_path, t.asset, -t.amount from ledger.city_transfers t
    where t.event in ('bill_paid', 'bill_refunded', 'fund', 'clearing') and starts_with(t.debit_path, 'payable/merchant/')
  ) b group by city_id, path, asset
) o on o.city_id = k.city_id and o.asset = k.asset and o.path = 'payable/merchant/' || k.merchant_id
left join ledger.city_accounts a on a.city_id = k.city_id and a.asset = k.asset
  and a.path = 'payable/merchant/' || k.merchant_id
where coalesce(a.credits_posted, 0) - coalesce(a.debits_posted, 0)
   <> coalesce(k.units, 0) - coalesce(p.units, 0) + coalesce(o.units, 0);

-- name: T06 an open payout has its reserve, and an ended one has none
select p.city_id, p.payout_id from settlement.payouts p
left join ledger.city_transfers t on t.city_id = p.city_id and t.ref = p.payout_id and t.step = 'reserve'
where t.ref is null or t.amount <> p.units;

-- name: T07 escrow holds what unused rights are due, not more and not less
select e.city_id, e.merchant_id, e.asset, e.units, a.units as booked from (
  select v.city_id, v.merchant_id, v.asset,
         sum(case v.state when 'void' then 0 when 'refunded' then v.due_units - v.due_left else v.due_units end) as units
  from vouchers.vouchers v group by v.city_id, v.merchant_id, v.asset
) e
left join (
  select k.city_id, k.merchant_id, k.asset, sum(k.units) as units from (
    select city_id, coalesce(issuer_id, merchant_id) as merchant_id, asset,
           due_units - (select coalesce(sum((o ->> 1)::bigint), 0) from jsonb_array_elements(outside) o) as units
    from settlement.earnings where reversed_at is null
    union all
    select p.city_id, v.merchant_id, v.asset, p.due_units - p.back_due_units from vouchers.spends p
    join vouchers.vouchers v on v.city_id = p.city_id and v.voucher_id = p.voucher_id
  ) k group by k.city_id, k.merchant_id, k.asset
) s on s.city_id = e.city_id and s.merchant_id = e.merchant_id and s.asset = e.asset
left join (
  select city_id, path, asset, credits_posted - debits_posted as units from ledger.city_accounts
) a on a.city_id = e.city_id and a.asset = e.asset and a.path = 'escrow/' || e.merchant_id
left join (
  select city_id, debit_path, asset, sum(amount) as units from ledger.city_transfers where event = 'breakage'
  group by city_id, debit_path, asset
) b on b.city_id = e.city_id and b.asset = e.asset and b.debit_path = 'escrow/' || e.merchant_id
left join (  -- what is off its vouchers when it is asked for, and out of escrow when it is sent: of a ladder, of a dead card
  select city_id, merchant_id, asset, sum(units) as units from orders.refunds
  where reason in ('ladder', 'card_over') and state = 'asked' group by city_id, merchant_id, asset
) d on d.city_id = e.city_id and d.merchant_id = e.merchant_id and d.asset = e.asset
where coalesce(a.units, 0) <> coalesce(e.units, 0) - coalesce(s.units, 0) - coalesce(b.units, 0) + coalesce(d.units, 0);

-- name: T08 who sold a right stands in an earning exactly when another merchant honoured it
select e.city_id, e.redemption_id from settlement.earnings e
join vouchers.vouchers v on v.city_id = e.city_id and v.voucher_id = e.voucher_id
where v.merchant_id is distinct from coalesce(e.issuer_id, e.merchant_id) or e.issuer_id = e.merchant_id;

-- name: T09 an operator's balance is what his shares and payouts say
select k.city_id, k.path from (
  select u.city_id, u.asset, 'payable/operator/' || u.operator_id as path, sum(u.units) as units from (
    select s.city_id, s.operator_id, s.asset, s.units from settlement.shares s
    join settlement.earnings e on e.city_id = s.city_id and e.redemption_id = s.redemption_id
    where e.reversed_at is null
    union all
    select p.city_id, p.payee_id, p.asset, -p.units from settlement.payouts p
    where p.state = 'done' and p.payee_kind = 'operator'
  ) u group by u.city_id, u.asset, u.operator_id
) k
left join (
  select city_id, path, asset, credits_posted - debits_posted as units from ledger.city_accounts
) a on a.city_id = k.city_id and a.asset = k.asset and a.path = k.path
where coalesce(k.units, 0) <> coalesce(a.units, 0);

-- name: T10 what operators were given of a redemption adds up to their part of the commission
select e.city_id, e.redemption_id from settlement.earnings e
left join settlement.shares s on s.city_id = e.city_id and s.redemption_id = e.redemption_id
group by e.city_id, e.redemption_id
having e.operator_units <> coalesce(sum(s.units), 0) or bool_or(s.merchant_id <> e.merchant_id or s.at <> e.at);

-- name: T11 the lines of a commission add up to it
select e.city_id, e.redemption_id from settlement.earnings e
where e.lines <> '[]'::jsonb
  and e.commission_units <> (select coalesce(sum((l ->> 1)::bigint), 0) from jsonb_array_elements(e.lines) l);

-- name: T12 the rule and the shares that an earning names were in force when it was earned
select e.city_id, e.redemption_id, e.rule from settlement.earnings e
left join settlement.rules r
  on r.rule_id::text = split_part(e.rule, '/', 1) and r.version::text = split_part(split_part(e.rule, '+', 1), '/', 2)
left join settlement.chains c
  on c.merchant_id = e.merchant_id
 and e.rule = split_part(e.rule, '+', 1) || '+chain/' || c.merchant_id || '/' || c.version
where r.rule_id is null or r.valid_from > e.at
   or (strpos(e.rule, '+') > 0 and (c.merchant_id is null or c.valid_from > e.at));

-- name: T13 a payout ended in the books as it says, once, and an open one not at all
select p.city_id, p.payout_id, p.state from settlement.payouts p
left join ledger.city_transfers r
  on r.city_id = p.city_id and r.ref = p.payout_id and r.event = 'payout' and r.step = 'reserve'
left join ledger.city_transfers t
  on t.city_id = p.city_id and t.pending_id = r.transfer_id
where coalesce(t.step, '') <> case p.state when 'done' then 'post_pending' when 'refused' then 'void_pending' else '' end
   or (t.step = 'post_pending' and t.amount <> p.units);

-- name: T14 a payout is where the last step of its history left it
select p.city_id, p.payout_id from settlement.payouts p
left join settlement.payout_changes c on c.city_id = p.city_id and c.payout_id = p.payout_id and c.seq = p.seq
where c.state is distinct from p.state
   or (select count(*) from settlement.payout_changes k
       where k.city_id = p.city_id and k.payout_id = p.payout_id) <> p.seq;

-- name: T15 nobody let his own payout go, nor said of it that it was paid
select c.city_id, c.payout_id from settlement.payout_changes c
join settlement.payouts p on p.city_id = c.city_id and p.payout_id = c.payout_id
where c.cause in ('approved', 'declined', 'marked') and c.by = p.asked_by
union all
select b.city_id, b.batch_id from settlement.batches b where b.decided_by = b.made_by
union all
select null, a.payee_id from settlement.accounts a where a.decided_by = a.proposed_by;

-- name: T16 a batch is its payouts, and none of them went before it was let go
select b.city_id, b.batch_id from settlement.batches b
left join settlement.payouts p on p.city_id = b.city_id and p.batch_id = b.batch_id
group by b.city_id, b.batch_id
having b.count <> count(p.payout_id) or b.units <> coalesce(sum(p.units), 0)
    or (b.state <> 'sent' and bool_or(p.first_sent_at is not null))
    or (b.state <> 'waiting' and bool_or(p.state = 'waiting'));

-- name: T17 money that came back is somebody's task
select p.city_id, p.payout_id from settlement.payouts p
left join settlement.tasks t on t.city_id = p.city_id and t.ref = p.payout_id and t.kind = 'refused'
where p.state = 'refused' and p.failure is distinct from 'declined' and t.ref is null
  and exists (select 1 from settlement.payout_changes c
              where c.city_id = p.city_id and c.payout_id = p.payout_id and c.state = 'asked');

-- name: T18 the fee of every bill is booked once, as it stands on the bill
select b.city_id, b.provider, b.asset from (
  select city_id, provider, asset, sum(fee_units) as units from settlement.bills group by city_id, provider, asset
) b
left join (
  select city_id, credit_path, asset, sum(amount) as units from ledger.city_transfers where event = 'provider_fee'
  group by city_id, credit_path, asset
) t on t.city_id = b.city_id and t.credit_path = 'provider/' || b.provider and t.asset = b.asset
where coalesce(b.units, 0) <> coalesce(t.units, 0);

-- name: T19 a payout was never sent to an account that was not approved for it
select p.city_id, p.payout_id from settlement.payouts p
where p.first_sent_at is not null
  and exists (select 1 from settlement.accounts a
              where a.payee_kind = p.payee_kind and a.payee_id = p.payee_id and a.state = 'approved'
                and a.decided_at <= p.asked_at)
  and not exists (select 1 from settlement.accounts a
                  where a.payee_kind = p.payee_kind and a.payee_id = p.payee_id and a.state = 'approved'
                    and a.account = p.account and a.usable_from <= p.asked_at);

-- name: T20 a difference belongs to a bill that is booked, and one of the bill's own lines to its asset
select d.city_id, d.provider, d.day, d.ref from settlement.bill_differences d
where not exists (select 1 from settlement.bills b
                  where b.city_id = d.city_id and b.provider = d.provider and b.day = d.day
                    and b.asset = coalesce(d.bill_asset, b.asset));

-- name: T21 what stands on a bill is what agrees and what differs, to the unit
select b.city_id, b.provider, b.day, b.asset from settlement.bills b
left join settlement.bill_differences d
  on d.city_id = b.city_id and d.provider = b.provider and d.day = b.day and d.bill_asset = b.asset
 and d.what in ('bill_only', 'amount')
where b.captured_matched is not null or b.refunded_matched is not null
group by b.city_id, b.provider, b.day, b.asset
having b.captured_units is distinct from b.captured_matched + coalesce(sum(d.bill_units) filter (where d.line = 'capture'), 0)
    or b.refunded_units is distinct from b.refunded_matched + coalesce(sum(d.bill_units) filter (where d.line = 'refund'), 0);

-- name: T22 a line that differs is somebody's task, or was
select d.city_id, d.provider, d.day, d.ref from settlement.bill_differences d
left join settlement.tasks t on t.city_id = d.city_id and t.ref = d.ref and t.kind = 'bill_differs'
where d.what in ('bill_only', 'amount') and t.ref is null;

-- name: T23 what we hold as on a bill is held by payments, in the same amount
select d.city_id, d.provider, d.day, d.ref from settlement.bill_differences d
left join payments.payments p on p.city_id = d.city_id and p.payment_id = d.ref and d.line = 'capture'
  and p.captured_units = d.our_units and p.captured_asset = d.our_asset
left join payments.refunds r on r.city_id = d.city_id and r.refund_id = d.ref and d.line = 'refund'
  and r.state = 'done' and r.units = d.our_units and r.asset = d.our_asset
where d.our_units is not null and p.payment_id is null and r.refund_id is null;
