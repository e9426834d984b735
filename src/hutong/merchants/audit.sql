-- name: MER01 a store's place in the index is where its coordinates say (to a metre)
select s.city_id, s.store_id from merchants.stores s
where s.at <-> cube(array[
    6371008.8 * cosd(s.lat) * cosd(s.lon), 6371008.8 * cosd(s.lat) * sind(s.lon), 6371008.8 * sind(s.lat)]) > 1;
-- name: MER02 a merchant is noted as present in every city where it has a store
select s.city_id, s.store_id from merchants.stores s
left join merchants.presence p on p.merchant_id = s.merchant_id and p.city_id = s.city_id
where p.merchant_id is null;
-- name: MER03 a merchant that closed has no open store
select s.city_id, s.store_id from merchants.stores s join merchants.merchants m on m.merchant_id = s.merchant_id
where m.status = 'closed' and s.status = 'open';
-- name: MER04 every store lies inside the box of its city
select s.city_id, s.store_id from merchants.stores s join places.cities c on c.city_id = s.city_id
where c.south is not null and not (s.lat between c.south and c.north and s.lon between c.west and c.east);
-- name: MER05 the spans of a day follow each other, begin in their day and last at most a day
with days as (
    select s.city_id, s.store_id, d.n::text as day, d.spans
    from merchants.stores s, jsonb_array_elements(s.hours) with ordinality as d (spans, n)
    union all
    select e.city_id, e.store_id, e.day::text, e.hours from merchants.store_exceptions e
), spans as (
    select city_id, store_id, (x.span->>0)::int as begins, (x.span->>1)::int as ends,
           lag((x.span->>1)::int) over (partition by city_id, store_id, day order by x.n) as before
    from days, jsonb_array_elements(days.spans) with ordinality as x (span, n)
)
select city_id, store_id from spans
where begins < 0 or begins >= 1440 or ends <= begins or ends > begins + 1440 or begins < before;
-- name: MER06 an owner's invitation was made where the merchant is at home
select i.city_id, i.invitation_id from merchants.invitations i
left join merchants.presence p on p.merchant_id = i.merchant_id and p.city_id = i.city_id
where p.merchant_id is null;

-- name: MER07 the history of a store has every version of it, and nothing beyond
select s.city_id, s.store_id, s.version, h.versions, h.last from merchants.stores s
left join lateral (
    select count(c.version) as versions, max(c.version) as last from merchants.changes c
    where c.city_id = s.city_id and c.store_id = s.store_id) h on true
where (h.versions + 1, coalesce(h.last, 1)) is distinct from (s.version::bigint, s.version);
-- name: MER10 who is on has declared at least what his devices may lose
select l.city_id, l.merchant_id, l.declared_units, d.n from merchants.offline_limits l
join (
    select city_id, merchant_id, count(*) as n from merchants.devices where revoked_at is null group by city_id, merchant_id
) d on d.city_id = l.city_id and d.merchant_id = l.merchant_id
where l.mode <> 'off' and l.declared_units < least(d.n * l.max_count * l.max_face_units, d.n * l.max_units);
-- name: MER11 a device was seen exactly when it sent a message, and never before it was enrolled
select city_id, device_id from merchants.devices
where (seen_at is null) <> (pull_no = 0) or seen_at < enrolled_at or revoked_at < enrolled_at or flagged_at < enrolled_at;
-- name: MER12 a merchant is in one chain at a time
select merchant_id, count(*) from merchants.chain_shops where ended_at is null group by merchant_id having count(*) > 1;
-- name: MER13 a head office is in no chain, not even its own
select c.chain_id, s.merchant_id from merchants.chains c
join merchants.chain_shops s on s.merchant_id = c.head_id and s.ended_at is null;
