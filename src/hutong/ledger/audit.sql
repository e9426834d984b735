-- The invariants of the books. Each query returns no row when its sentence holds.
-- The database holds most of them by itself (see _tables.py); the audit proves it from the rows.

-- name: L01 in every book each asset is debited as much as it is credited, posted and reserved
select 'city/' || a.city_id as book, a.asset, sum(a.debits_posted) - sum(a.credits_posted) as posted,
       sum(a.debits_pending) - sum(a.credits_pending) as reserved
  from ledger.city_accounts as a
 group by a.city_id, a.asset
having sum(a.debits_posted) <> sum(a.credits_posted) or sum(a.debits_pending) <> sum(a.credits_pending)
union all
select 'book/' || a.book_id as book, a.asset, sum(a.debits_posted) - sum(a.credits_posted) as posted,
       sum(a.debits_pending) - sum(a.credits_pending) as reserved
  from ledger.book_accounts as a
 group by a.book_id, a.asset
having sum(a.debits_posted) <> sum(a.credits_posted) or sum(a.debits_pending) <> sum(a.credits_pending);

-- name: L02 the totals of an account are the sums of its transfers
select 'city/' || a.city_id as book, a.path, a.asset, a.debits_posted, a.credits_posted, l.debits, l.credits
  from ledger.city_accounts as a
  left join (
    select x.city_id, x.path, x.asset, sum(x.debits) as debits, sum(x.credits) as credits
      from (select t.city_id, t.debit_path as path, t.asset, t.amount as debits, 0 as credits
              from ledger.city_transfers as t where t.step in ('post', 'post_pending')
            union all
            select t.city_id, t.credit_path, t.asset, 0, t.amount
              from ledger.city_transfers as t where t.step in ('post', 'post_pending')) as x
     group by x.city_id, x.path, x.asset
  ) as l on l.city_id = a.city_id and l.path = a.path and l.asset = a.asset
 where a.debits_posted <> coalesce(l.debits, 0) or a.credits_posted <> coalesce(l.credits, 0)
union all
select 'book/' || a.book_id as book, a.path, a.asset, a.debits_posted, a.credits_posted, l.debits, l.credits
  from ledger.book_accounts as a
  left join (
    select x.book_id, x.path, x.asset, sum(x.debits) as debits, sum(x.credits) as credits
      from (select t.book_id, t.debit_path as path, t.asset, t.amount as debits, 0 as credits
              from ledger.book_transfers as t where t.step in ('post', 'post_pending')
            union all
            select t.book_id, t.credit_path, t.asset, 0, t.amount
              from ledger.book_transfers as t where t.step in ('post', 'post_pending')) as x
     group by x.book_id, x.path, x.asset
  ) as l on l.book_id = a.book_id and l.path = a.path and l.asset = a.asset
 where a.debits_posted <> coalesce(l.debits, 0) or a.credits_posted <> coalesce(l.credits, 0);

-- name: L03 no account stands below zero, counting what is reserved, unless it is declared that it may
select 'city/' || a.city_id as book, a.path, a.asset, a.side,
       a.debits_posted, a.debits_pending, a.credits_posted, a.credits_pending
  from ledger.city_accounts as a
 where not a.may_overdraw
   and case a.side when 'credit' then a.debits_posted + a.debits_pending > a.credits_posted
                   else a.credits_posted + a.credits_pending > a.debits_posted end
union all
select 'book/' || a.book_id as book, a.path, a.asset, a.side,
       a.debits_posted, a.debits_pending, a.credits_posted, a.credits_pending
  from ledger.book_accounts as a
 where not a.may_overdraw
   and case a.side when 'credit' then a.debits_posted + a.debits_pending > a.credits_posted
                   else a.credits_posted + a.credits_pending > a.debits_posted end;

-- name: L04 over all books the clearing accounts of an asset net to zero
select c.asset, sum(c.posted) as posted, sum(c.reserved) as reserved
  from (select a.asset, a.debits_posted - a.credits_posted as posted, a.debits_pending - a.credits_pending as reserved
          from ledger.city_accounts as a where starts_with(a.path, 'clearing/')
        union all
        select a.asset, a.debits_posted - a.credits_posted, a.debits_pending - a.credits_pending
          from ledger.book_accounts as a where starts_with(a.path, 'clearing/')) as c
 group by c.asset
having sum(c.posted) <> 0 or sum(c.reserved) <> 0;

-- name: L05 what stands reserved on an account is the sum of its open reserves
select 'city/' || a.city_id as book, a.path, a.asset, a.debits_pending, a.credits_pending, l.debits, l.credits
  from ledger.city_accounts as a
  left join (
    select x.city_id, x.path, x.asset, sum(x.debits) as debits, sum(x.credits) as credits
      from (select t.city_id, t.debit_path as path, t.asset, t.amount as debits, 0 as credits
              from ledger.city_transfers as t
             where t.step = 'reserve' and not exists (
               select from ledger.city_transfers as r where r.city_id = t.city_id and r.pending_id = t.transfer_id)
            union all
            select t.city_id, t.credit_path, t.asset, 0, t.amount
              from ledger.city_transfers as t
             where t.step = 'reserve' and not exists (
               select from ledger.city_transfers as r where r.city_id = t.city_id and r.pending_id = t.transfer_id)) as x
     group by x.city_id, x.path, x.asset
  ) as l on l.city_id = a.city_id and l.path = a.path and l.asset = a.asset
 where a.debits_pending <> coalesce(l.debits, 0) or a.credits_pending <> coalesce(l.credits, 0)
union all
select 'book/' || a.book_id as book, a.path, a.asset, a.debits_pending, a.credits_pending, l.debits, l.credits
  from ledger.book_accounts as a
  left join (
    select x.book_id, x.path, x.asset, sum(x.debits) as debits, sum(x.credits) as credits
      from (select t.book_id, t.debit_path as path, t.asset, t.amount as debits, 0 as credits
              from ledger.book_transfers as t
             where t.step = 'reserve' and not exists (
               select from ledger.book_transfers as r where r.book_id = t.book_id and r.pending_id = t.transfer_id)
            union all
            select t.book_id, t.credit_path, t.asset, 0, t.amount
              from ledger.book_transfers as t
             where t.step = 'reserve' and not exists (
               select from ledger.book_transfers as r where r.book_id = t.book_id and r.pending_id = t.transfer_id)) as x
     group by x.book_id, x.path, x.asset
  ) as l on l.book_id = a.book_id and l.path = a.path and l.asset = a.asset
 where a.debits_pending <> coalesce(l.debits, 0) or a.credits_pending <> coalesce(l.credits, 0);

-- name: L06 a resolution frees exactly the reserve that it names: same accounts, same asset, at most its amount
select 'city/' || r.city_id as book, r.transfer_id, r.pending_id, r.step, r.amount, r.released, t.amount as reserved
  from ledger.city_transfers as r
  left join ledger.city_transfers as t on t.city_id = r.city_id and t.transfer_id = r.pending_id and t.step = 'reserve'
 where r.step not in ('post', 'reserve')
   and (t.transfer_id is null or r.released <> t.amount or r.amount > t.amount
        or (r.asset, r.debit_path, r.credit_path) <> (t.asset, t.debit_path, t.credit_path))
union all
select 'book/' || r.book_id as book, r.transfer_id, r.pending_id, r.step, r.amount, r.released, t.amount as reserved
  from ledger.book_transfers as r
  left join ledger.book_transfers as t on t.book_id = r.book_id and t.transfer_id = r.pending_id and t.step = 'reserve'
 where r.step not in ('post', 'reserve')
   and (t.transfer_id is null or r.released <> t.amount or r.amount > t.amount
        or (r.asset, r.debit_path, r.credit_path) <> (t.asset, t.debit_path, t.credit_path));

-- name: L07 a reserve is resolved at most once
select 'city/' || r.city_id as book, r.pending_id, count(*) as resolutions
  from ledger.city_transfers as r
 where r.pending_id is not null
 group by r.city_id, r.pending_id
having count(*) > 1
union all
select 'book/' || r.book_id as book, r.pending_id, count(*) as resolutions
  from ledger.book_transfers as r
 where r.pending_id is not null
 group by r.book_id, r.pending_id
having count(*) > 1;

-- name: L08 the open reserves are those without a resolution, with the same expiry
select 'city/' || coalesce(o.city_id, t.city_id) as book, coalesce(o.transfer_id, t.transfer_id) as transfer_id,
       o.expires_at as listed, t.expires_at
  from ledger.city_reserves as o
  full join (
    select t.city_id, t.transfer_id, t.expires_at
      from ledger.city_transfers as t
     where t.step = 'reserve' and not exists (
       select from ledger.city_transfers as r where r.city_id = t.city_id and r.pending_id = t.transfer_id)
  ) as t on t.city_id = o.city_id and t.transfer_id = o.transfer_id
 where o.transfer_id is null or t.transfer_id is null or o.expires_at is distinct from t.expires_at
union all
select 'book/' || coalesce(o.book_id, t.book_id) as book, coalesce(o.transfer_id, t.transfer_id) as transfer_id,
       o.expires_at as listed, t.expires_at
  from ledger.book_reserves as o
  full join (
    select t.book_id, t.transfer_id, t.expires_at
      from ledger.book_transfers as t
     where t.step = 'reserve' and not exists (
       select from ledger.book_transfers as r where r.book_id = t.book_id and r.pending_id = t.transfer_id)
  ) as t on t.book_id = o.book_id and t.transfer_id = o.transfer_id
 where o.transfer_id is null or t.transfer_id is null or o.expires_at is distinct from t.expires_at;

-- name: L09 a transfer moves a positive amount between two accounts of its book and asset
select 'city/' || t.city_id as book, t.transfer_id, t.amount, t.asset, t.debit_path, t.credit_path
  from ledger.city_transfers as t
  left join ledger.city_accounts as d on d.city_id = t.city_id and d.path = t.debit_path and d.asset = t.asset
  left join ledger.city_accounts as c on c.city_id = t.city_id and c.path = t.credit_path and c.asset = t.asset
 where t.amount <= 0 or t.debit_path = t.credit_path or d.path is null or c.path is null
union all
select 'book/' || t.book_id as book, t.transfer_id, t.amount, t.asset, t.debit_path, t.credit_path
  from ledger.book_transfers as t
  left join ledger.book_accounts as d on d.book_id = t.book_id and d.path = t.debit_path and d.asset = t.asset
  left join ledger.book_accounts as c on c.book_id = t.book_id and c.path = t.credit_path and c.asset = t.asset
 where t.amount <= 0 or t.debit_path = t.credit_path or d.path is null or c.path is null;

-- name: L10 the legs of an account are numbered from 1 to its version
select 'city/' || a.city_id as book, a.path, a.asset, a.version, l.legs, l.highest
  from ledger.city_accounts as a
  left join (
    select x.city_id, x.path, x.asset, count(*) as legs, max(x.seq) as highest, sum(x.seq) as total
      from (select t.city_id, t.debit_path as path, t.asset, t.debit_seq as seq from ledger.city_transfers as t
            union all
            select t.city_id, t.credit_path, t.asset, t.credit_seq from ledger.city_transfers as t) as x
     group by x.city_id, x.path, x.asset
  ) as l on l.city_id = a.city_id and l.path = a.path and l.asset = a.asset
 where a.version <> coalesce(l.legs, 0) or l.highest <> a.version
    or l.total <> a.version::numeric * (a.version + 1) / 2
union all
select 'book/' || a.book_id as book, a.path, a.asset, a.version, l.legs, l.highest
  from ledger.book_accounts as a
  left join (
    select x.book_id, x.path, x.asset, count(*) as legs, max(x.seq) as highest, sum(x.seq) as total
      from (select t.book_id, t.debit_path as path, t.asset, t.debit_seq as seq from ledger.book_transfers as t
            union all
            select t.book_id, t.credit_path, t.asset, t.credit_seq from ledger.book_transfers as t) as x
     group by x.book_id, x.path, x.asset
  ) as l on l.book_id = a.book_id and l.path = a.path and l.asset = a.asset
 where a.version <> coalesce(l.legs, 0) or l.highest <> a.version
    or l.total <> a.version::numeric * (a.version + 1) / 2;

-- name: L11 a movement between two books has its other half, with the same id, in the other book
select h.book, h.transfer_id, h.amount, h.asset, h.step
  from (select 'city/' || t.city_id as book, t.transfer_id, t.amount, t.asset, t.step,
               coalesce(t.twin_city::text, t.twin_book::text) as twin, t.city_id::text as key
          from ledger.city_transfers as t where num_nonnulls(t.twin_city, t.twin_book) > 0
        union all
        select 'book/' || t.book_id, t.transfer_id, t.amount, t.asset, t.step,
               coalesce(t.twin_city::text, t.twin_book::text), t.book_id::text
          from ledger.book_transfers as t where num_nonnulls(t.twin_city, t.twin_book) > 0) as h
  left join
       (select t.transfer_id, t.amount, t.asset, t.step, t.city_id::text as key,
               coalesce(t.twin_city::text, t.twin_book::text) as twin
          from ledger.city_transfers as t where num_nonnulls(t.twin_city, t.twin_book) > 0
        union all
        select t.transfer_id, t.amount, t.asset, t.step, t.book_id::text,
               coalesce(t.twin_city::text, t.twin_book::text)
          from ledger.book_transfers as t where num_nonnulls(t.twin_city, t.twin_book) > 0) as o
    on o.transfer_id = h.transfer_id and o.key = h.twin and o.twin = h.key
   and (o.amount, o.asset, o.step) = (h.amount, h.asset, h.step)
 where o.transfer_id is null;

-- name: L12 linked transfers are two or more
select c.chain_id, count(*) as members
  from (select t.chain_id from ledger.city_transfers as t where t.chain_id is not null
        union all
        select t.chain_id from ledger.book_transfers as t where t.chain_id is not null) as c
 group by c.chain_id
having count(*) < 2;
