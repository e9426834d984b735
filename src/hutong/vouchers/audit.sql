-- name: V01 no voucher is used more often than it says
select v.city_id, v.voucher_id, v.uses_total, sum(r.count) as used
from vouchers.vouchers v
join vouchers.redemptions r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
where u.redemption_id is null
group by v.city_id, v.voucher_id, v.uses_total having sum(r.count) > v.uses_total;
-- name: V02 uses and money that are left, plus those of live redemptions, are those of the voucher
select v.city_id, v.voucher_id, v.uses_left, v.paid_left, v.due_left, r.uses, r.paid, r.due
from vouchers.vouchers v
left join (
  select r.city_id, r.voucher_id, sum(r.count) as uses, sum(r.paid_units) as paid, sum(r.due_units) as due
  from vouchers.redemptions r
  left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
  where u.redemption_id is null group by r.city_id, r.voucher_id
) r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
where v.uses_left + coalesce(r.uses, 0) <> v.uses_total or v.paid_left + coalesce(r.paid, 0) <> v.paid_units
   or v.due_left + coalesce(r.due, 0) <> v.due_units;
-- name: V03 a voucher was used only at the merchant it was sold for, and at a store it names
select r.city_id, r.redemption_id, r.voucher_id, r.merchant_id, r.store_id
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where r.merchant_id <> v.merchant_id or (cardinality(v.store_ids) > 0 and r.store_id <> all(v.store_ids));
-- name: V04 a voucher was used only within its validity
select r.city_id, r.redemption_id, r.voucher_id, r.at, v.valid_from, v.valid_to
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where r.at < v.valid_from or r.at >= v.valid_to;
-- name: V07 a request number of a merchant, and a QR step of a voucher, is used once
select city_id, merchant_id::text || ' ' || request_no as twice from vouchers.redemptions
group by city_id, merchant_id, request_no having count(*) > 1
union all
select city_id, voucher_id::text || ' ' || step from vouchers.redemptions
where step is not null group by city_id, voucher_id, step having count(*) > 1;
-- name: V11 a voucher is used up exactly when nothing is left of it
select city_id, voucher_id, state, uses_left from vouchers.vouchers where (state = 'used') <> (uses_left = 0);
-- name: V12 no single-use voucher is both used and refunded, or used while it waited
select v.city_id, v.voucher_id, v.state
from vouchers.vouchers v
join vouchers.redemptions r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
where u.redemption_id is null and v.uses_total = 1 and v.state <> 'used';
-- name: V13 every reversal undoes a redemption that came before it
select u.city_id, u.redemption_id
from vouchers.reversals u
left join vouchers.redemptions r on r.city_id = u.city_id and r.redemption_id = u.redemption_id
where r.redemption_id is null or u.at < r.at;
-- name: V14 a voucher was undone as often as it says
select v.city_id, v.voucher_id, v.cycles, count(u.redemption_id) as undone
from vouchers.vouchers v
left join vouchers.redemptions r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
group by v.city_id, v.voucher_id, v.cycles having v.cycles <> count(u.redemption_id);
-- name: V15 the state of a voucher is where its history ends, and each step begins where the last one ended
select c.city_id, c.voucher_id, c.version
from (
  select city_id, voucher_id, version, was, state,
         lag(state) over history as before, lead(version) over history as next_version
  from vouchers.changes window history as (partition by city_id, voucher_id order by version)
) c
join vouchers.vouchers v on v.city_id = c.city_id and v.voucher_id = c.voucher_id
where c.was <> coalesce(c.before, c.was) or (c.next_version is null and c.state <> v.state) or c.version > v.version;
-- name: V08 every scan that lost is booked as a conflict with its worth, and no other
select coalesce(s.city_id, c.city_id) as city_id, coalesce(s.device_id, c.device_id) as device_id, coalesce(s.seq, c.seq) as seq
from (
  select city_id, device_id, seq, merchant_id, units from vouchers.offline_scans
  where outcome not in ('redeemed', 'duplicate_of_self')
) s
full join vouchers.conflicts c on c.city_id = s.city_id and c.device_id = s.device_id and c.seq = s.seq
where s.seq is null or c.seq is null or c.units <> s.units or c.merchant_id <> s.merchant_id;
-- name: V09 nothing is accepted from a device after it was revoked or marked
select s.city_id, s.device_id, s.seq, s.uploaded_at from vouchers.offline_scans s
join merchants.devices d on d.city_id = s.city_id and d.device_id = s.device_id
where s.outcome = 'redeemed' and s.uploaded_at > least(d.revoked_at, d.flagged_at);
-- name: V10 the log of a device is as far as its last scan, and what is missing is counted
select s.city_id, s.device_id, s.last, s.n, l.last_seq, l.missing from (
  select city_id, device_id, max(seq) as last, count(*) as n from vouchers.offline_scans group by city_id, device_id
) s
left join vouchers.device_logs l on l.city_id = s.city_id and l.device_id = s.device_id
where l.device_id is null or l.last_seq <> s.last or l.missing <> s.last - s.n or l.told_seq < s.last;
-- name: V16 an accepted scan is a redemption of its voucher at its store, at the time and half minute that were signed
select s.city_id, s.device_id, s.seq from vouchers.offline_scans s
left join vouchers.redemptions r on r.city_id = s.city_id and r.redemption_id = s.redemption_id
where s.outcome = 'redeemed'
  and (r.redemption_id is null or (r.voucher_id, r.store_id, r.at, r.step) is distinct from (s.voucher_id, s.store_id, s.scanned_at, s.step)
       or abs(extract(epoch from s.scanned_at) - (s.step * 30 + 15)) > 150.001);
-- name: V17 nothing was accepted beyond an allowance: not more often, not for more, not at another time
select s.city_id, s.device_id, s.allowance, s.n, s.units from (
  select city_id, device_id, allowance, count(*) as n, sum(units) as units, max(units) as dearest,
         min(scanned_at) as first, max(scanned_at) as last
  from vouchers.offline_scans where outcome in ('redeemed', 'duplicate_of_self', 'conflict', 'refunded_meanwhile')
  group by city_id, device_id, allowance
) s
left join vouchers.allowances a on a.city_id = s.city_id and a.device_id = s.device_id and a.number = s.allowance
where a.number is null or s.n > a.max_count or s.units > a.max_units or s.dearest > a.max_face_units
   or s.first < a.issued_at - interval '2 minutes' or s.last >= a.until;
-- name: V18 a device with a fork is marked
select f.city_id, f.device_id, f.seq from vouchers.forks f
left join merchants.devices d on d.city_id = f.city_id and d.device_id = f.device_id
where d.flagged_at is null;
