-- Open reserves whose time is over, with their two accounts, the longest overdue first.
select t.city_id as key, d.book_kind, t.transfer_id, t.asset, t.amount, t.event, t.ref, t.rule, t.twin_city, t.twin_book,
       t.debit_path, d.side as debit_side, d.may_overdraw as debit_overdraft,
       t.credit_path, c.side as credit_side, c.may_overdraw as credit_overdraft
  from ledger.city_reserves as r
  join ledger.city_transfers as t on t.city_id = r.city_id and t.transfer_id = r.transfer_id
  join ledger.city_accounts as d on d.city_id = t.city_id and d.path = t.debit_path and d.asset = t.asset
  join ledger.city_accounts as c on c.city_id = t.city_id and c.path = t.credit_path and c.asset = t.asset
 where r.city_id = %(city)s and t.city_id = %(city)s and d.city_id = %(city)s and c.city_id = %(city)s
   and r.expires_at <= %(now)s and (%(ids)s::uuid[] is null or r.transfer_id = any(%(ids)s::uuid[]))
 order by r.expires_at, r.transfer_id
 limit %(limit)s
