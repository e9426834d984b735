-- The legs of one account from an instant on: a page of them, and the balances (debits less credits) before the
-- page and at the end of the period. Balances come from the totals less what came later, not from all history.
with legs as (
  select t.at, t.debit_seq as seq, t.transfer_id, t.event, t.ref, t.rule, t.credit_path as other, t.amount as net
    from ledger.city_transfers as t
   where t.city_id = %(city)s and t.debit_path = %(path)s and t.asset = %(asset)s
     and t.at >= %(since)s and t.step in ('post', 'post_pending')
  union all
  select t.at, t.credit_seq, t.transfer_id, t.event, t.ref, t.rule, t.debit_path, -t.amount
    from ledger.city_transfers as t
   where t.city_id = %(city)s and t.credit_path = %(path)s and t.asset = %(asset)s
     and t.at >= %(since)s and t.step in ('post', 'post_pending')
), sums as (
  select coalesce(sum(net) filter (where (at, seq) > (%(since)s, %(seq)s)), 0) as from_page,
         coalesce(sum(net) filter (where at >= %(until)s), 0) as later
    from legs
), page as (
  select * from legs where (at, seq) > (%(since)s, %(seq)s) and at < %(until)s order by at, seq limit %(limit)s
)
select a.side, a.may_overdraw, (a.debits_posted - a.credits_posted - sums.from_page)::bigint as opening,
       (a.debits_posted - a.credits_posted - sums.later)::bigint as closing, page.*
  from ledger.city_accounts as a
 cross join sums
  left join page on true
 where a.city_id = %(city)s and a.path = %(path)s and a.asset = %(asset)s
 order by page.at, page.seq
