-- name: T01 every live redemption of money's worth is settled, and none that is not there
select coalesce(e.city_id, r.city_id) as city_id, coalesce(e.redemption_id, r.redemption_id) as redemption_id
from settlement.earnings e
full join vouchers.redemptions r on r.city_id = e.city_id and r.redemption_id = e.redemption_id
where e.redemption_id is null or r.redemption_id is null or e.merchant_id <> r.merchant_id or e.count <> r.count;

-- name: T02 an earning is divided without loss
select city_id, redemption_id from settlement.earnings
where due_units <> commission_units + merchant_units or operator_units > commission_units;

-- name: T03 an undone redemption is undone in the statement, and only that
select e.city_id, e.redemption_id from settlement.earnings e
left join vouchers.reversals v on v.city_id = e.city_id and v.redemption_id = e.redemption_id
where (e.reversed_at is null) <> (v.redemption_id is null);

-- name: T04 live earnings of a voucher never exceed what is due for it
select v.city_id, v.voucher_id from vouchers.vouchers v
join (
  select city_id, voucher_id, sum(due_units) as units from settlement.earnings where reversed_at is null
  group by city_id, voucher_id
) e on e.city_id = v.city_id and e.voucher_id = v.voucher_id
where e.units > v.due_units or (v.uses_left = 0 and e.units <> v.due_units);

-- name: T05 the merchant's balance is what the statements and payouts say
select k.city_id, k.merchant_id from (
  select city_id, merchant_id, asset, sum(merchant_units) filter (where reversed_at is null) as units
  from settlement.earnings group by city_id, merchant_id, asset
) k
left join (
  select city_id, merchant_id, asset, sum(units) as units from settlement.payouts where state = 'done'
  group by city_id, merchant_id, asset
) p on p.city_id = k.city_id and p.merchant_id = k.merchant_id and p.asset = k.asset
left join ledger.city_accounts a on a.city_id = k.city_id and a.asset = k.asset
  and a.path = 'payable/merchant/' || k.merchant_id
where coalesce(a.credits_posted, 0) - coalesce(a.debits_posted, 0) <> coalesce(k.units, 0) - coalesce(p.units, 0);

-- name: T06 an open payout has its reserve, and an ended one has none
select p.city_id, p.payout_id from settlement.payouts p
left join ledger.city_transfers t on t.city_id = p.city_id and t.ref = p.payout_id and t.step = 'reserve'
where t.ref is null or t.amount <> p.units;

-- name: T07 escrow holds what unused rights are due, not more and not less
select e.city_id, e.merchant_id, e.asset, e.units, a.units as booked from (
  select v.city_id, v.merchant_id, v.asset,
         sum(v.paid_units) filter (where v.state in ('waiting', 'valid', 'refunding', 'expired', 'used')) as units
  from vouchers.vouchers v group by v.city_id, v.merchant_id, v.asset
) e
left join (
  select city_id, merchant_id, asset, sum(due_units) as units from settlement.earnings where reversed_at is null
  group by city_id, merchant_id, asset
) s on s.city_id = e.city_id and s.merchant_id = e.merchant_id and s.asset = e.asset
left join (
  select city_id, path, asset, credits_posted - debits_posted as units from ledger.city_accounts
) a on a.city_id = e.city_id and a.asset = e.asset and a.path = 'escrow/' || e.merchant_id
left join (
  select city_id, debit_path, asset, sum(amount) as units from ledger.city_transfers where event = 'breakage'
  group by city_id, debit_path, asset
) b on b.city_id = e.city_id and b.asset = e.asset and b.debit_path = 'escrow/' || e.merchant_id
where coalesce(a.units, 0) <> coalesce(e.units, 0) - coalesce(s.units, 0) - coalesce(b.units, 0);
