-- All accounts of the list, locked in one order for everyone.
select a.city_id as key, a.book_kind, a.path, a.asset, a.side, a.may_overdraw, a.version,
       a.debits_posted, a.debits_pending, a.last_debit, a.credits_posted, a.credits_pending, a.last_credit
  from unnest(%(keys)s::int[], %(paths)s::text[], %(assets)s::text[]) as x (key, path, asset)
  join ledger.city_accounts as a on a.city_id = x.key and a.path = x.path and a.asset = x.asset
 where a.city_id = %(city)s
 order by a.city_id, a.path, a.asset
   for no key update of a
