-- name: V01 no voucher is used more often than it says
select v.city_id, v.voucher_id, v.uses_total, sum(r.count) as used
from vouchers.vouchers v
join vouchers.redemptions r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
where u.redemption_id is null
group by v.city_id, v.voucher_id, v.uses_total having sum(r.count) > v.uses_total;
-- name: V02 uses and money that are left, plus those of live redemptions and orders, are those of the voucher
select v.city_id, v.voucher_id, v.uses_left, v.paid_left, v.due_left, r.uses, r.paid, r.due
from vouchers.vouchers v
left join (
  select k.city_id, k.voucher_id, sum(k.count) as uses, sum(k.paid_units) as paid, sum(k.due_units) as due
  from (
    select r.city_id, r.voucher_id, r.count, r.paid_units, r.due_units
    from vouchers.redemptions r
    left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
    where u.redemption_id is null
    union all
    select s.city_id, s.voucher_id, s.count - s.back_count, s.paid_units - s.back_paid_units, s.due_units - s.back_due_units
    from vouchers.spends s
  ) k group by k.city_id, k.voucher_id
) r on r.city_id = v.city_id and r.voucher_id = v.voucher_id
where v.uses_left + coalesce(r.uses, 0) <> v.uses_total or v.paid_left + coalesce(r.paid, 0) <> v.paid_units
   or v.due_left + coalesce(r.due, 0) <> v.due_units;
-- name: V03 a voucher was used only at the merchant it was sold for, unless all honour it, and at a store it names
select r.city_id, r.redemption_id, r.voucher_id, r.merchant_id, r.store_id
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where (r.merchant_id <> v.merchant_id and not v.wide) or (cardinality(v.store_ids) > 0 and r.store_id <> all(v.store_ids));
-- name: V04 a voucher was used only within its validity (sent goods may arrive later: ML10), and the price of a pass only after it
select r.city_id, r.redemption_id, r.voucher_id, r.at, v.valid_from, v.valid_to
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where case when left(r.request_no, 5) = 'term/' then r.at < v.valid_to or v.kind <> 'card' or v.value or v.uses_total <> 100000
           else (r.at < v.valid_from or r.at >= v.valid_to) and left(r.request_no, 7) <> 'parcel/' end;
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
-- name: V50 the counters of days and hours say what the live redemptions in them say
select c.city_id, c.offer_id, c.store_id, c.span, c.begins, c.used, c.offline, coalesce(r.used, 0) as redeemed
from vouchers.capacity c
left join lateral (
  select sum(r.count) as used, sum(r.count) filter (where o.redemption_id is not null) as offline
  from vouchers.redemptions r
  join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id and v.offer_id = c.offer_id
  left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
  left join vouchers.offline_scans o on o.city_id = r.city_id and o.redemption_id = r.redemption_id
  where r.city_id = c.city_id and r.store_id = c.store_id and r.at >= c.begins and r.at < c.ends
    and u.redemption_id is null
) r on true
where c.used <> coalesce(r.used, 0) or c.offline <> coalesce(r.offline, 0);
-- name: V51 every live use of an offer with so many places a day or an hour stands in one counter of that span
select r.city_id, r.redemption_id, l.span
from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
cross join (values ('day', 'per_day'), ('hour', 'per_hour')) as l(span, term)
left join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
left join vouchers.capacity c on c.city_id = r.city_id and c.offer_id = v.offer_id and c.store_id = r.store_id
  and c.span = l.span and c.begins <= r.at and r.at < c.ends
where u.redemption_id is null and v.terms ->> l.term is not null
group by r.city_id, r.redemption_id, l.span having count(c.begins) <> 1;
-- name: V52 no day and no hour of a store has more uses than it takes, but for those of counters without a network
select city_id, offer_id, store_id, span, begins, used, offline, most from vouchers.capacity
where used - offline > most;
-- name: V30 stored value earns one for one, and never more than was taken from the card
select r.city_id, r.redemption_id from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where v.value and (r.paid_units > r.due_units or r.due_units > r.count);
-- name: V31 of stored value that was never undone or given back the principal went first and the bonus last
select v.city_id, v.voucher_id from vouchers.vouchers v
where v.value and v.cycles = 0
  and not exists (select 1 from vouchers.spends s
                  where s.city_id = v.city_id and s.voucher_id = v.voucher_id and s.back_count > 0)
  and (paid_left <> greatest(0, paid_units - (uses_total - uses_left))
       or due_left <> greatest(0, due_units - (uses_total - uses_left)));
-- name: V40 an extended voucher ends no earlier than its last extension says, and no extension shortened it
select e.city_id, e.voucher_id, e.extension_id from vouchers.extensions e
join vouchers.vouchers v on v.city_id = e.city_id and v.voucher_id = e.voucher_id
where e.valid_to <= e.was or v.valid_to < e.valid_to or e.was < v.valid_from;
-- name: V53 what is on its way as a gift is locked for that gift, held by its giver; and no other voucher is
select coalesce(g.city_id, v.city_id) as city_id, coalesce(g.voucher_id, v.voucher_id) as voucher_id, g.gift_id
from (select city_id, gift_id, voucher_id, giver_id, expires_at from vouchers.gifts where state = 'open') g
full join (
  select city_id, voucher_id, member_id, held_ref, held_until from vouchers.vouchers where held_for = 'gift'
) v on v.city_id = g.city_id and v.voucher_id = g.voucher_id and v.held_ref = g.gift_id
left join vouchers.vouchers w on w.city_id = g.city_id and w.voucher_id = g.voucher_id
where g.gift_id is null
   or (v.voucher_id is null and w.state in ('valid', 'waiting') and w.uses_left = w.uses_total and w.held_for is null)
   or v.member_id <> g.giver_id or v.held_until <> g.expires_at;
-- name: V54 what was accepted as a gift is held by who accepted it, in time, and was not given on
select g.city_id, g.voucher_id, g.gift_id from vouchers.gifts g
join vouchers.vouchers v on v.city_id = g.city_id and v.voucher_id = g.voucher_id
where g.state = 'claimed' and (v.member_id <> g.taker_id or g.taker_id = g.giver_id or g.ended_at >= g.expires_at)
union all
select city_id, voucher_id, null from vouchers.gifts where state = 'claimed'
group by city_id, voucher_id having count(*) > 1;
-- name: V55 nothing was used at a counter while it was on its way, except by counters without a network
select g.city_id, g.gift_id, r.redemption_id from vouchers.gifts g
join vouchers.redemptions r on r.city_id = g.city_id and r.voucher_id = g.voucher_id
left join vouchers.offline_scans o on o.city_id = r.city_id and o.redemption_id = r.redemption_id
where o.redemption_id is null and r.at > g.made_at and r.at < least(g.ended_at, g.expires_at);
-- name: V60 what a cashier used for himself is marked, and nothing else is
select r.city_id, r.redemption_id from vouchers.redemptions r
join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where r.own <> (r.staff_id = v.member_id);
-- name: V61 all of a spend came back exactly when it is marked so, and never more of its money than of its uses
select city_id, voucher_id, ref, count, back_count, restored_at from vouchers.spends
where (restored_at is not null) <> (back_count = count)
   or (restored_at is not null and (back_paid_units, back_due_units) is distinct from (paid_units, due_units));
