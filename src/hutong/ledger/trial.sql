-- The trial balance of a book: totals by asset and heading (the first part of the path).
select a.asset, split_part(a.path, '/', 1) as heading, count(*) as accounts,
       sum(a.debits_posted)::bigint as debits, sum(a.credits_posted)::bigint as credits,
       sum(a.debits_pending)::bigint as debits_pending, sum(a.credits_pending)::bigint as credits_pending
  from ledger.city_accounts as a
 where a.city_id = %(city)s
 group by 1, 2
 order by 1, 2
