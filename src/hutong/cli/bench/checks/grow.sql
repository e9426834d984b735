-- Makes the city :city :copies times larger by :copies - 1 copies of all its merchants, stores and offers, each copy of a
-- store up to some hundred metres from its model. Only ids and places are new; :salt keeps the ids of two growths apart.
-- Where the owner may do so, foreign keys are not asked row by row: every row is a copy of one that passed.
\set ON_ERROR_STOP 0
set session_replication_role = replica;
\set ON_ERROR_STOP 1
begin;
create function pg_temp.moved(id uuid, copy int) returns uuid language sql immutable strict parallel safe
    return (left(id::text, 14) || right(md5(id::text || copy::text)::uuid::text, 22))::uuid;
create temporary table copies as select :salt + n as copy from generate_series(1, :copies - 1) n;

create temporary table new_stores as
select s.store_id as model, c.copy, pg_temp.moved(s.store_id, c.copy) as store_id, p.lat, p.lon,
       cube(array[6371008.8 * cos(radians(p.lat)) * cos(radians(p.lon)),
                  6371008.8 * cos(radians(p.lat)) * sin(radians(p.lon)), 6371008.8 * sin(radians(p.lat))]) as at
from merchants.stores s cross join copies c
cross join lateral (
    select round((s.lat + (hashtext(s.store_id::text || c.copy) % 1000) * 0.000008)::numeric, 6)::float8 as lat,
           round((s.lon + (hashtext(c.copy || s.store_id::text) % 1000) * 0.000008)::numeric, 6)::float8 as lon) p
where s.city_id = :city;
create index on new_stores (model);
analyze new_stores;

insert into merchants.merchants
select r.* from merchants.presence p
join merchants.merchants m on m.merchant_id = p.merchant_id cross join copies c
cross join lateral jsonb_populate_record(m, jsonb_build_object(
    'merchant_id', pg_temp.moved(m.merchant_id, c.copy))) r
where p.city_id = :city;

insert into merchants.stores
select r.* from merchants.stores s join new_stores n on n.model = s.store_id
cross join lateral jsonb_populate_record(s, jsonb_build_object(
    'store_id', n.store_id, 'merchant_id', pg_temp.moved(s.merchant_id, n.copy), 'lat', n.lat, 'lon', n.lon,
    'at', n.at::text)) r
where s.city_id = :city;

insert into inventory.quotas
select r.* from inventory.quotas q cross join copies c
cross join lateral jsonb_populate_record(q, jsonb_build_object('quota_id', pg_temp.moved(q.quota_id, c.copy))) r
where q.city_id = :city;

insert into catalog.offers
select r.* from catalog.offers o cross join copies c
cross join lateral jsonb_populate_record(o, jsonb_build_object(
    'offer_id', pg_temp.moved(o.offer_id, c.copy), 'merchant_id', pg_temp.moved(o.merchant_id, c.copy),
    'quota_id', pg_temp.moved(o.quota_id, c.copy))) r
where o.city_id = :city;

insert into catalog.offer_stores
select r.* from catalog.offer_stores o cross join copies c
cross join lateral jsonb_populate_record(o, jsonb_build_object(
    'offer_id', pg_temp.moved(o.offer_id, c.copy), 'store_id', pg_temp.moved(o.store_id, c.copy),
    'merchant_id', pg_temp.moved(o.merchant_id, c.copy))) r
where o.city_id = :city;

insert into catalog.offer_changes
select r.* from catalog.offer_changes o cross join copies c
cross join lateral jsonb_populate_record(o, jsonb_build_object('offer_id', pg_temp.moved(o.offer_id, c.copy))) r
where o.city_id = :city;

insert into catalog.offer_prices
select r.* from catalog.offer_prices o cross join copies c
cross join lateral jsonb_populate_record(o, jsonb_build_object('offer_id', pg_temp.moved(o.offer_id, c.copy))) r
where o.city_id = :city;

insert into catalog.storefronts
select r.* from catalog.storefronts s join new_stores n on n.model = s.store_id
cross join lateral jsonb_populate_record(s, jsonb_build_object(
    'store_id', n.store_id, 'merchant_id', pg_temp.moved(s.merchant_id, n.copy), 'lat', n.lat, 'lon', n.lon,
    'at', n.at::text)) r
where s.city_id = :city;

insert into catalog.listings
select r.* from catalog.listings l join new_stores n on n.model = l.store_id
cross join lateral jsonb_populate_record(l, jsonb_build_object('store_id', n.store_id, 'at', n.at::text)) r
where l.city_id = :city;

-- Adding so many documents to the indexes of words one by one takes ten times as long as building these anew, so they
-- are built when all is there; whoever kills this on the way finds them as they were.
create temporary table put_off as
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as made, array(
           select format('alter index %s alter column %s set statistics %s', i.indexrelid::regclass, a.attnum,
                         a.attstattarget)
           from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget >= 0) as told
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
where i.indrelid = 'catalog.search_docs'::regclass and m.amname = 'gin';
select 'drop index ' || name from put_off \gexec

-- The marks of a document are those of its model, but for the squares of the map (catalog/cells.py), which follow its
-- stores: else all copies would lie in the squares of their model, however fine these are.
create temporary table squares as
select n.model, n.copy, n.store_id, n.at, array_agg(
           format('%s.@%s:%s:%s', :city, g.n, floor(n.lat * g.grid)::int, floor(n.lon * g.grid)::int)) as squares
from new_stores n
cross join (values (8, 1024), (7, 512), (0, 256), (1, 128), (2, 64), (3, 32), (4, 16), (5, 8), (6, 4)) g (n, grid)
group by n.model, n.copy, n.store_id, n.at;
create index on squares (model, copy);
create temporary table plain_marks as
select d.kind, d.doc_id, ts_delete(d.marks, array(
           select one from unnest(tsvector_to_array(d.marks)) one where one like d.city_id || '.@%')) as marks
from catalog.search_docs d where d.city_id = :city;
create index on plain_marks (doc_id, kind);
analyze squares;
analyze plain_marks;
insert into catalog.search_docs (city_id, kind, doc_id, merchant_id, title, names, words, marks, latin, boost, sale,
                                 store_ids, places)
select d.city_id, d.kind, case d.kind when 'store' then w.store_ids[1] else pg_temp.moved(d.doc_id, c.copy) end,
       pg_temp.moved(d.merchant_id, c.copy), d.title, d.names, d.words, p.marks || w.squares, d.latin, d.boost, d.sale,
       w.store_ids, w.places
from catalog.search_docs d join plain_marks p on p.kind = d.kind and p.doc_id = d.doc_id cross join copies c
cross join lateral (
    select array_agg(n.store_id order by n.store_id) as store_ids, array_agg(n.at order by n.store_id) as places,
           array_to_tsvector((select array_agg(distinct one) from unnest(array_agg(n.squares)) one)) as squares
    from squares n where n.copy = c.copy and n.model = any(d.store_ids)) w
where d.city_id = :city;

set local maintenance_work_mem = '512MB';
select made from put_off \gexec
select unnest(told) from put_off \gexec

update catalog.shelf_counts set stores = stores * :copies where city_id = :city;

insert into merchants.presence
select pg_temp.moved(p.merchant_id, c.copy), p.city_id from merchants.presence p cross join copies c
where p.city_id = :city;
commit;
