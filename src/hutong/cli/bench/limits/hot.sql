\set claim random(1, 9000000000000000000)
\set member random(1, 1000000)
with claim as (
    insert into bench_limit.claims (claim_id, quota_id, member_id) values (:claim, 1, :member)
    on conflict do nothing returning quota_id
)
update bench_limit.quotas q set remaining = q.remaining - 1 from claim c where q.quota_id = c.quota_id;
