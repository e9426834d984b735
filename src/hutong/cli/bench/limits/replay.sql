-- The same rows as a replay has written, by bare INSERT ... SELECT into copies of its tables with the same columns,
-- CHECKs and indexes (`like ... including all` copies no foreign keys). Variables: city, sets.
\set QUIET on
select set_config('bench.city', :'city', false), set_config('bench.sets', :'sets', false) \gset dropped_
drop schema if exists bench_replay cascade;
create schema bench_replay;
create table bench_replay.copied (name text, copy text, source text, columns text);
do $$
declare one record; city int := current_setting('bench.city')::int; sets int := current_setting('bench.sets')::int;
begin
  insert into bench_replay.copied (name, copy, source, columns)
  select t.name, 'bench_replay.' || replace(t.name, '.', '_'), 'bench_replay.of_' || replace(t.name, '.', '_'),
         (select string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position)
          from information_schema.columns c
          where c.table_schema || '.' || c.table_name = t.name and c.is_generated = 'NEVER')
  from unnest(array['orders.orders', 'orders.lines', 'orders.changes', 'inventory.holds', 'inventory.wants',
                    'payments.payments', 'payments.changes', 'vouchers.vouchers', 'vouchers.changes',
                    'ledger.city_transfers', 'infra.facts']) as t (name);
  for one in select * from bench_replay.copied loop
    execute format('create table %s (like %s including all)', one.copy, one.name);
    execute format('create unlogged table %s as select t.*, ((row_number() over () - 1) * %s / count(*) over ())::int'
                   ' as set_no from %s t where city_id = %s', one.source, sets, one.name, city);
    execute format('create index on %s (set_no)', one.source);
  end loop;
end $$;
vacuum analyze;
checkpoint;

-- As one: a statement for each table, one transaction.
\timing on
do $$
declare one record;
begin
  for one in select * from bench_replay.copied loop
    execute format('insert into %s (%s) select %s from %s', one.copy, one.columns, one.columns, one.source);
  end loop;
end $$;
\timing off
do $$
declare one record;
begin
  for one in select * from bench_replay.copied loop execute format('truncate %s', one.copy); end loop;
end $$;
checkpoint;

-- In transactions of the size of a set.
\timing on
do $$
declare one record; sets int := current_setting('bench.sets')::int;
begin
  for number in 0 .. sets - 1 loop
    for one in select * from bench_replay.copied loop
      execute format('insert into %s (%s) select %s from %s where set_no = $1',
                     one.copy, one.columns, one.columns, one.source) using number;
    end loop;
    commit;
  end loop;
end $$;
\timing off
create table bench_replay.counted (rows bigint);
do $$
declare one record; written bigint; total bigint := 0;
begin
  for one in select * from bench_replay.copied loop
    execute format('select count(*) from %s', one.copy) into written;
    total := total + written;
  end loop;
  insert into bench_replay.counted values (total);
end $$;
select jsonb_build_object('rows', rows, 'units', (select count(*) from bench_replay.vouchers_vouchers))
from bench_replay.counted;
drop schema bench_replay cascade;
