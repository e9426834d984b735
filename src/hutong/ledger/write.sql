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
    from unnest(
           %(keys)s::int[], %(ids)s::uuid[], %(assets)s::text[], %(debits)s::text[], %(credits)s::text[],
           %(amounts)s::bigint[], %(steps)s::text[], %(pendings)s::uuid[], %(released)s::bigint[],
           %(expiries)s::timestamptz[], %(events)s::text[], %(refs)s::uuid[], %(rules)s::text[], %(chains)s::uuid[],
           %(twin_cities)s::integer[], %(twin_books)s::uuid[],
           %(d_seqs)s::bigint[], %(d_prevs)s::uuid[], %(d_posted)s::bigint[], %(d_pending)s::bigint[],
           %(c_seqs)s::bigint[], %(c_prevs)s::uuid[], %(c_posted)s::bigint[], %(c_pending)s::bigint[]
         ) as x (key, id, asset, debit, credit, amount, step, pending, released, expires_at, event, ref, rule, chain,
                 twin_city, twin_book, d_seq, d_prev, d_posted, d_pending, c_seq, c_prev, c_posted, c_pending)
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
  from unnest(
         %(a_keys)s::int[], %(a_paths)s::text[], %(a_assets)s::text[], %(a_was)s::bigint[], %(a_versions)s::bigint[],
         %(a_d_posted)s::bigint[], %(a_d_pending)s::bigint[], %(a_last_debits)s::uuid[],
         %(a_c_posted)s::bigint[], %(a_c_pending)s::bigint[], %(a_last_credits)s::uuid[]
       ) as x (key, path, asset, was, version, d_posted, d_pending, last_debit, c_posted, c_pending, last_credit)
 where a.city_id = %(city)s and a.city_id = x.key and a.path = x.path and a.asset = x.asset and a.version = x.was
