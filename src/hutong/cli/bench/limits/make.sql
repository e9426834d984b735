-- The least tables that any correct shop would need, in a schema of their own that is dropped afterwards.
drop schema if exists bench_limit cascade;
create schema bench_limit;
create table bench_limit.quotas (
    quota_id bigint primary key,
    remaining bigint not null check (remaining >= 0)
);
create table bench_limit.claims (
    claim_id bigint primary key,
    quota_id bigint not null,
    member_id bigint not null
);
create table bench_limit.vouchers (
    voucher_id bigint primary key,
    state text not null
);
create table bench_limit.redemptions (
    voucher_id bigint primary key,
    store_id bigint not null
);
create table bench_limit.partners (
    partner_id bigint primary key,
    funding bigint not null check (funding >= 0)
);
create table bench_limit.members (
    member_id bigint primary key,
    balance bigint not null check (balance >= 0)
);
create table bench_limit.movements (
    movement_id bigint primary key,
    partner_id bigint not null,
    member_id bigint not null,
    points bigint not null
);
insert into bench_limit.quotas select n, 1000000000 from generate_series(1, 10000) n;
insert into bench_limit.vouchers select n, 'valid' from generate_series(1, 200000) n;
insert into bench_limit.partners select n, 1000000000000 from generate_series(1, 20) n;
insert into bench_limit.members select n, 0 from generate_series(1, 1000) n;
analyze bench_limit.quotas;
analyze bench_limit.vouchers;
analyze bench_limit.partners;
analyze bench_limit.members;
