-- Makes :copies further cities with the whole business of the city :city: the same rows, ids and books, under other
-- numbers. A city's rows name each other within the city, so every copy is as sound as its model. Only
-- the words of the search begin with the number of the city. As the owner may, foreign keys are not asked row by row.
\set ON_ERROR_STOP 0
set session_replication_role = replica;
\set ON_ERROR_STOP 1
select set_config('bench.city', :'city', false), set_config('bench.copies', :'copies', false) \g /dev/null
do $$
declare
    model constant int := current_setting('bench.city')::int;
    copies constant int := current_setting('bench.copies')::int;
    last_city constant int := (select max(city_id) from places.cities);
    found record;
begin
    insert into places.cities
    select r.* from places.cities c cross join generate_series(1, copies) n
    cross join lateral jsonb_populate_record(c, jsonb_build_object(
        'city_id', last_city + n, 'slug', c.slug || '-copy-' || n)) r
    where c.city_id = model;
    for found in
        select a.attrelid::regclass as name,
               string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
               string_agg(case when a.attname = 'city_id' then format('%s + n', last_city)
                               when a.atttypid = 'tsvector'::regtype then format(
                                   'replace(t.%I::text, %L, chr(39) || (%s + n) || %L)::tsvector', a.attname,
                                   '''' || model || '.', last_city, '.')
                               else 't.' || quote_ident(a.attname) end, ', ' order by a.attnum) as copied
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace s on s.oid = c.relnamespace
        where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          and s.nspname in ('orders', 'payments', 'inventory', 'vouchers', 'ledger', 'settlement', 'catalog',
                            'merchants', 'infra')
          and exists (select 1 from pg_index i join pg_attribute k on k.attrelid = c.oid and k.attnum = i.indkey[0]
                      where i.indrelid = c.oid and i.indisprimary and k.attname = 'city_id')
        group by a.attrelid
    loop
        execute format('insert into %s (%s) select %s from %s t cross join generate_series(1, %s) n where t.city_id = %s',
                       found.name, found.columns, found.copied, found.name, copies, model);
    end loop;
    insert into merchants.presence (merchant_id, city_id)
    select p.merchant_id, last_city + n from merchants.presence p cross join generate_series(1, copies) n
    where p.city_id = model;
end
$$;
