-- How large everything has become: orders of all cities and of the city :city, bytes by table, and how many updates
-- stayed on their page.
with sizes as (
    select c.oid, n.nspname || '.' || c.relname as name, pg_table_size(c.oid) as heap, pg_indexes_size(c.oid) as index
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
),
updates as (
    select schemaname || '.' || relname as name, n_tup_upd as updates, n_tup_hot_upd as hot, n_dead_tup as dead
    from pg_stat_user_tables where n_tup_upd > 0
)
select json_build_object(
    'orders', (select count(*) from orders.orders),
    'orders_of_the_city', (select count(*) from orders.orders where city_id = :city),
    'vouchers', (select count(*) from vouchers.vouchers),
    'redemptions', (select count(*) from vouchers.redemptions),
    'table_bytes', (select sum(heap) from sizes),
    'index_bytes', (select sum(index) from sizes),
    'tables', (select json_agg(json_build_object('name', name, 'table_bytes', heap, 'index_bytes', index)
                               order by heap + index desc)
               from (select * from sizes order by heap + index desc limit 16) s),
    'updates', (select json_object_agg(name, json_build_object('updates', updates, 'hot', hot, 'dead', dead))
                from (select * from updates order by updates desc limit 16) u)
);
