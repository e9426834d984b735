-- What must never be in clearing. Money is of the programme's currency, signed from the party's side.

-- name: CL01 the closed periods of a programme follow each other without gap or overlap, and its head is the last of them
select r.programme_id, r.number, r.since, p.until from clearing.runs r
left join clearing.runs p on p.programme_id = r.programme_id and p.number = r.number - 1
where (r.number > 1 and p.until is distinct from r.since)
union all
select h.programme_id, h.number, h.until, max(r.until) from clearing.heads h
left join clearing.runs r on r.programme_id = h.programme_id
group by h.programme_id, h.number, h.until
having h.number <> count(r.run_id) or h.until is distinct from max(r.until);

-- name: CL02 over all parties of a run, the programme included, lines and nets sum to zero
select r.programme_id, r.run_id, coalesce(p.units, 0) as units, coalesce(s.net, 0) as net, s.partners, r.partners_units
from clearing.runs r
left join (select programme_id, run_id, sum(units) as units from clearing.parts group by 1, 2) p
  on p.programme_id = r.programme_id and p.run_id = r.run_id
left join (select programme_id, run_id, sum(net_units) as net,
                  coalesce(sum(net_units) filter (where party_id <> programme_id), 0) as partners_net,
                  coalesce(sum(units) filter (where party_id <> programme_id), 0) as partners
           from clearing.statements group by 1, 2) s
  on s.programme_id = r.programme_id and s.run_id = r.run_id
where coalesce(p.units, 0) <> 0 or coalesce(s.net, 0) <> 0 or r.partners_units <> coalesce(s.partners, 0)
   or r.partners_net <> coalesce(s.partners_net, 0);

-- name: CL03 a statement is the sum of its parts, and a part is the sum of its lines
select s.programme_id, s.run_id, s.party_id, 'statement' as what, s.units, sum(p.units) as sum
from clearing.statements s
left join clearing.parts p on p.programme_id = s.programme_id and p.run_id = s.run_id and p.party_id = s.party_id
group by s.programme_id, s.run_id, s.party_id, s.units, s.net_units
having s.units <> coalesce(sum(p.units), 0)
    or (s.party_id <> s.programme_id
        and s.net_units <> coalesce(sum(p.units) filter (where p.via in ('due', 'postpaid', 'dispute')), 0))
union all
select p.programme_id, p.run_id, p.party_id, p.kind || ' by ' || p.via, p.units, coalesce(e.units, 0)
from clearing.parts p
left join (select programme_id, run_id, party_id, kind, via, count(*) as count, sum(points) as points,
                  sum(units) as units
           from clearing.entries group by 1, 2, 3, 4, 5) e
  on e.programme_id = p.programme_id and e.run_id = p.run_id and e.party_id = p.party_id
     and e.kind = p.kind and e.via = p.via
where (p.party_id <> p.programme_id or p.kind not in ('reserve', 'held', 'correction'))
  and (p.units <> coalesce(e.units, 0) or p.points <> coalesce(e.points, 0) or p.count <> coalesce(e.count, 0));

-- name: CL04 every leg of a programme's reserve is a line of one run, with its amount, and every line is such a leg
with legs as materialized (
  select t.book_id, t.transfer_id, t.at, case when t.debit_path = 'reserve' then t.amount else -t.amount end as units
  from ledger.book_transfers t
  where 'reserve' in (t.debit_path, t.credit_path) and t.step in ('post', 'post_pending')
)
select l.book_id, l.transfer_id, l.units, e.units as line
from legs l
join clearing.heads h on h.programme_id = l.book_id
join clearing.runs r on r.programme_id = h.programme_id and r.number = h.number
left join clearing.entries e on e.programme_id = l.book_id and e.transfer_id = l.transfer_id
where (e.transfer_id is null and l.at < r.since) or e.units <> l.units or e.at <> l.at
union all
select e.programme_id, e.transfer_id, null, e.units from clearing.entries e
left join legs l on l.book_id = e.programme_id and l.transfer_id = e.transfer_id
where e.via <> 'dispute' and l.transfer_id is null;

-- name: CL05 a closed statement never changed: the text that its rows give has its digest
select s.programme_id, s.run_id, s.party_id, s.digest
from clearing.statements s
join clearing.runs r on r.programme_id = s.programme_id and r.run_id = s.run_id
left join (
  select p.programme_id, p.run_id, p.party_id,
         string_agg(concat_ws(' ', 'part', p.kind, p.via, p.count, p.points, p.units), E'\n'
                    order by p.kind collate "C", p.via collate "C") as text
  from clearing.parts p group by 1, 2, 3
) p on p.programme_id = s.programme_id and p.run_id = s.run_id and p.party_id = s.party_id
left join (
  select e.programme_id, e.run_id, e.party_id,
         string_agg(concat_ws(' ', 'entry', (extract(epoch from e.at) * 1000000)::bigint, e.transfer_id, e.kind, e.via,
                              e.points, e.units, e.movement_id, coalesce(e.store_id::text, '-'), e.rule), E'\n'
                    order by e.at, e.transfer_id) as text
  from clearing.entries e group by 1, 2, 3
) e on e.programme_id = s.programme_id and e.run_id = s.run_id and e.party_id = s.party_id
where s.digest <> encode(sha256(convert_to(concat_ws(E'\n',
    concat_ws(' ', 'clearing 1', r.programme_id, r.number, (extract(epoch from r.since) * 1000000)::bigint,
              (extract(epoch from r.until) * 1000000)::bigint, s.party_id, r.asset, s.net_units),
    p.text, e.text), 'UTF8')), 'hex');

-- name: CL06 the digest of a run is that of its statements, and it has as many lines as it says
select r.programme_id, r.run_id, r.digest, r.entries from clearing.runs r
left join (select programme_id, run_id, string_agg(digest, E'\n' order by digest collate "C") as text
           from clearing.statements group by 1, 2) s on s.programme_id = r.programme_id and s.run_id = r.run_id
left join (select programme_id, run_id, count(*) as lines from clearing.entries group by 1, 2) e
  on e.programme_id = r.programme_id and e.run_id = r.run_id
where r.digest <> encode(sha256(convert_to(coalesce(s.text, ''), 'UTF8')), 'hex')
   or r.entries <> coalesce(e.lines, 0);

-- name: CL07 a booked statement stands in the partner's payable with its net, once; one that is not booked does not
select s.programme_id, s.run_id, s.party_id, s.net_units, s.posted_at, coalesce(b.units, 0) as booked
from clearing.statements s
left join (
  select x.city_id, x.ref, x.path, sum(x.units) as units
  from (select t.city_id, t.ref, t.credit_path as path, t.amount as units from ledger.city_transfers t
        where t.event = 'clearing' and starts_with(t.credit_path, 'payable/merchant/')
        union all
        select t.city_id, t.ref, t.debit_path, -t.amount from ledger.city_transfers t
        where t.event = 'clearing' and starts_with(t.debit_path, 'payable/merchant/')) x
  group by 1, 2, 3
) b on b.city_id = s.home_city and b.ref = s.run_id and b.path = 'payable/merchant/' || s.party_id
where s.party_id <> s.programme_id
  and coalesce(b.units, 0) <> case when s.posted_at is null then 0 else s.net_units end;

-- name: CL08 what partners are owed and owe in a programme's book is what no clearing has booked yet
select a.book_id, a.party, a.units, coalesce(l.units, 0) as open
from (select book_id, asset, split_part(path, '/', 2) as party,
             sum(credits_posted - debits_posted) as units
      from ledger.book_accounts
      where book_kind = 'programme' and (starts_with(path, 'due/') or path ~ '^funding/[^/]+/postpaid$')
      group by 1, 2, 3) a
left join (
  select x.book_id, x.party, sum(x.units) as units
  from (select t.book_id, t.transfer_id,
               split_part(case when t.debit_path = 'reserve' then t.credit_path else t.debit_path end, '/', 2) as party,
               case when t.debit_path = 'reserve' then t.amount else -t.amount end as units
        from ledger.book_transfers t
        where t.step in ('post', 'post_pending')
          and ((t.debit_path = 'reserve' and (starts_with(t.credit_path, 'due/') or t.credit_path ~ '^funding/[^/]+/postpaid$'))
            or (t.credit_path = 'reserve' and (starts_with(t.debit_path, 'due/') or t.debit_path ~ '^funding/[^/]+/postpaid$')))
       ) x
  left join clearing.entries e on e.programme_id = x.book_id and e.transfer_id = x.transfer_id
  left join clearing.statements s on s.programme_id = e.programme_id and s.run_id = e.run_id and s.party_id = e.party_id
  where s.posted_at is null
  group by 1, 2
) l on l.book_id = a.book_id and l.party = a.party
where a.units <> coalesce(l.units, 0);

-- name: CL09 what is held for disputes is what no clearing has given back yet
select coalesce(a.programme_id, d.programme_id) as programme_id, coalesce(a.party, d.party) as party, a.units, d.units as held
from (select book_id as programme_id, split_part(path, '/', 2) as party, sum(credits_posted - debits_posted) as units
      from ledger.book_accounts where starts_with(path, 'disputed/') group by 1, 2) a
full join (
  select d.programme_id, d.party_id::text as party, sum(d.held_units) as units from clearing.disputes d
  left join clearing.statements s
    on s.programme_id = d.programme_id and s.run_id = d.settled_run and s.party_id = d.party_id
  where s.posted_at is null
  group by 1, 2
) d on d.programme_id = a.programme_id and d.party = a.party
where coalesce(a.units, 0) <> coalesce(d.units, 0);

-- name: CL10 the runs of a programme, added up, are its reserve at the end of each
select r.programme_id, r.run_id, r.reserve_units, sum(p.units) as units from clearing.runs r
join clearing.runs o on o.programme_id = r.programme_id and o.number <= r.number
join clearing.parts p on p.programme_id = o.programme_id and p.run_id = o.run_id and p.kind = 'reserve'
group by r.programme_id, r.run_id, r.reserve_units having r.reserve_units <> sum(p.units);

-- name: CL11 a dispute is about its party's line, and a decided one stands on one later statement with what it changed
select d.programme_id, d.dispute_id, d.state, d.settled_run from clearing.disputes d
left join clearing.entries e on e.programme_id = d.programme_id and e.transfer_id = d.transfer_id
left join clearing.runs r on r.programme_id = d.programme_id and r.run_id = d.run_id
left join clearing.runs n on n.programme_id = d.programme_id and n.run_id = d.settled_run
left join (select programme_id, run_id, party_id, movement_id, at, sum(units) as units from clearing.entries
           where via = 'dispute' group by 1, 2, 3, 4, 5) s
  on s.programme_id = d.programme_id and s.run_id = d.settled_run and s.party_id = d.party_id
     and s.movement_id = e.movement_id and s.at = d.decided_at
where e.transfer_id is null or e.run_id <> d.run_id or e.party_id <> d.party_id or e.units <> d.units
   or (d.settled_run is not null and (n.number <= r.number or d.decided_at >= n.until
       or coalesce(s.units, 0) <> d.held_units + coalesce(d.correct_units - d.units, 0)));

-- name: CL12 a run counts as booked when all its statements are, and only the last one may still be waiting
select r.programme_id, r.run_id, r.posted_at, count(s.party_id) as open from clearing.runs r
join clearing.heads h on h.programme_id = r.programme_id
left join clearing.statements s on s.programme_id = r.programme_id and s.run_id = r.run_id and s.posted_at is null
  and s.party_id <> s.programme_id
group by r.programme_id, r.run_id, r.posted_at, r.number, h.number
having (r.posted_at is not null and count(s.party_id) > 0) or (r.number < h.number and count(s.party_id) > 0);
