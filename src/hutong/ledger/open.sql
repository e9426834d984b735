-- Accounts that are named for the first time: so that there is a row to lock.
insert into ledger.city_accounts (city_id, book_kind, path, asset, side, may_overdraw, opened_at)
select x.key, x.kind, x.path, x.asset, x.side, x.may_overdraw, %(now)s
  from unnest(%(keys)s::int[], %(kinds)s::text[], %(paths)s::text[], %(assets)s::text[], %(sides)s::text[],
              %(overdrafts)s::boolean[]) as x (key, kind, path, asset, side, may_overdraw)
 order by x.key, x.path collate "C", x.asset collate "C"
on conflict (city_id, path, asset) do nothing
