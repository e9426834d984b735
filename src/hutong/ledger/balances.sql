-- Accounts of a book under a prefix, with their totals; `paths` narrows it to the named ones.
select a.city_id as key, a.book_kind, a.path, a.asset, a.side, a.may_overdraw, a.version,
       a.debits_posted, a.debits_pending, a.last_debit, a.credits_posted, a.credits_pending, a.last_credit
  from ledger.city_accounts as a
 where a.city_id = %(city)s and a.path >= %(first)s and a.path < %(last)s
   and (%(paths)s::text[] is null or a.path = any(%(paths)s::text[]))
   and (%(asset)s::text is null or a.asset = %(asset)s)
 order by a.path, a.asset
 limit %(limit)s
