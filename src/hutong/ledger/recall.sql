-- What the books know already: transfers with the ids of the list, reserves that it resolves, their resolutions.
select t.city_id as key, t.transfer_id, t.asset, t.amount, t.debit_path, t.credit_path, t.step, t.pending_id,
       t.event, t.ref, t.rule, t.twin_city, t.twin_book, t.expires_at
  from ledger.city_transfers as t
 where t.city_id = %(city)s and t.transfer_id = any(%(ids)s::uuid[])
union all
select t.city_id, t.transfer_id, t.asset, t.amount, t.debit_path, t.credit_path, t.step, t.pending_id,
       t.event, t.ref, t.rule, t.twin_city, t.twin_book, t.expires_at
  from ledger.city_transfers as t
 where t.city_id = %(city)s and t.pending_id = any(%(pending_ids)s::uuid[])
