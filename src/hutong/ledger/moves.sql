-- What was posted about these things, in the order of time: to show who got what of them.
select t.city_id as key, t.transfer_id, t.at, t.asset, t.amount, t.debit_path, t.credit_path, t.event, t.ref, t.rule
  from ledger.city_transfers as t
 where t.city_id = %(city)s and t.ref = any(%(refs)s::uuid[]) and t.step in ('post', 'post_pending')
 order by t.at, t.debit_seq, t.transfer_id
 limit %(limit)s
