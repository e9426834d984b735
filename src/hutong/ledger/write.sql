-- The transfers, the open reserves and the totals of the accounts: in one statement, after which every foreign key
-- of the chain is checked. The lock makes `was` true; the guard says so.
with made as (
  insert into ledger.city_transfers
         (city_id, transfer_id, asset, debit_path, credit_path, amount, step, pending_id, released, expires_at,
          event, ref, rule, chain_id, twin_city, twin_book, at,
          debit_seq, debit_prev, debits_posted, debits_pending,
          credit_seq, credit_prev, credits_posted, credits_pending)
  select x.key, x.id, x.asset, x.debit, x.credit, x.amount, x.step, x.pending, x.released, x.expires_at,
         x.event, x.ref, x.rule, x.chain, x.twin_city, x.twin_book, %(now)s,
         x.d_seq, x.d_prev, x.d_posted, x.d_pending, x.c_seq, x.c_prev, x.c_posted, x.c_pending
    from (select unnest(%(keys)s::int[]) as key, unnest(%(ids)s::uuid[]) as id, unnest(%(assets)s::text[]) as asset,
                 unnest(%(debits)s::text[]) as debit, unnest(%(credits)s::text[]) as credit,
                 unnest(%(amounts)s::bigint[]) as amount, unnest(%(steps)s::text[]) as step,
                 unnest(%(pendings)s::uuid[]) as pending, unnest(%(released)s::bigint[]) as released,
                 unnest(%(expiries)s::timestamptz[]) as expires_at, unnest(%(events)s::text[]) as event,
                 unnest(%(refs)s::uuid[]) as ref, unnest(%(rules)s::text[]) as rule,
                 unnest(%(chains)s::uuid[]) as chain, unnest(%(twin_cities)s::integer[]) as twin_city,
                 unnest(%(twin_books)s::uuid[]) as twin_book, unnest(%(d_seqs)s::bigint[]) as d_seq,
                 unnest(%(d_prevs)s::uuid[]) as d_prev, unnest(%(d_posted)s::bigint[]) as d_posted,
                 unnest(%(d_pending)s::bigint[]) as d_pending, unnest(%(c_seqs)s::bigint[]) as c_seq,
                 unnest(%(c_prevs)s::uuid[]) as c_prev, unnest(%(c_posted)s::bigint[]) as c_posted,
                 unnest(%(c_pending)s::bigint[]) as c_pending) as x
), opened as (
  insert into ledger.city_reserves (city_id, transfer_id, expires_at)
  select x.key, x.id, x.expires_at
    from unnest(%(open_keys)s::int[], %(open_ids)s::uuid[], %(open_expiries)s::timestamptz[]) as x (key, id, expires_at)
), closed as (
  delete from ledger.city_reserves as r
   using unnest(%(closed_keys)s::int[], %(closed_ids)s::uuid[]) as x (key, id)
   where r.city_id = %(city)s and r.city_id = x.key and r.transfer_id = x.id
)
update ledger.city_accounts as a
   set version = x.version,
       debits_posted = x.d_posted, debits_pending = x.d_pending, last_debit = x.last_debit,
       credits_posted = x.c_posted, credits_pending = x.c_pending, last_credit = x.last_credit
  from (select unnest(%(a_keys)s::int[]) as key, unnest(%(a_paths)s::text[]) as path,
               unnest(%(a_assets)s::text[]) as asset, unnest(%(a_was)s::bigint[]) as was,
               unnest(%(a_versions)s::bigint[]) as version, unnest(%(a_d_posted)s::bigint[]) as d_posted,
               unnest(%(a_d_pending)s::bigint[]) as d_pending, unnest(%(a_last_debits)s::uuid[]) as last_debit,
               unnest(%(a_c_posted)s::bigint[]) as c_posted, unnest(%(a_c_pending)s::bigint[]) as c_pending,
               unnest(%(a_last_credits)s::uuid[]) as last_credit) as x
 where a.city_id = %(city)s and a.city_id = x.key and a.path = x.path and a.asset = x.asset and a.version = x.was
