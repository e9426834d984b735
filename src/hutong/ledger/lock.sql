-- All accounts of the list, locked in one order for everyone; none of them when one is missing (see open.sql).
select a.city_id as key, a.book_kind, a.path, a.asset, a.side, a.may_overdraw, a.version,
       a.debits_posted, a.debits_pending, a.last_debit, a.credits_posted, a.credits_pending, a.last_credit
  from (select unnest(%(keys)s::int[]) as key, unnest(%(paths)s::text[]) as path,
               unnest(%(assets)s::text[]) as asset) as x
  join ledger.city_accounts as a on a.city_id = x.key and a.path = x.path and a.asset = x.asset
 where a.city_id = %(city)s
   and cardinality(%(paths)s::text[])
       = (select count(*)
            from (select unnest(%(keys)s::int[]) as key, unnest(%(paths)s::text[]) as path,
                         unnest(%(assets)s::text[]) as asset) as n
            join ledger.city_accounts as b on b.city_id = n.key and b.path = n.path and b.asset = n.asset
           where b.city_id = %(city)s)
 order by a.city_id, a.path, a.asset
   for no key update of a
