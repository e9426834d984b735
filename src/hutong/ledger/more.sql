-- The legs of one account behind a place, by time: a page and nothing about balances, which the page before knows.
select a.side, page.*
  from ledger.city_accounts as a
 cross join (
   select legs.*
     from (select t.at, t.debit_seq as seq, t.transfer_id, t.event, t.ref, t.rule, t.credit_path as other,
                  t.amount as net
             from ledger.city_transfers as t
            where t.city_id = %(city)s and t.debit_path = %(path)s and t.asset = %(asset)s
              and t.at >= %(since)s and t.at < %(until)s and t.step in ('post', 'post_pending')
           union all
           select t.at, t.credit_seq, t.transfer_id, t.event, t.ref, t.rule, t.debit_path, -t.amount
             from ledger.city_transfers as t
            where t.city_id = %(city)s and t.credit_path = %(path)s and t.asset = %(asset)s
              and t.at >= %(since)s and t.at < %(until)s and t.step in ('post', 'post_pending')) as legs
    where (legs.at, legs.seq) > (%(since)s, %(seq)s)
    order by legs.at, legs.seq limit %(limit)s) as page
 where a.city_id = %(city)s and a.path = %(path)s and a.asset = %(asset)s
 order by page.at, page.seq
