-- name: RC01 at no time do two operators run one district, and whoever runs one stands under nobody
select a.city_id, a.territory_id, b.territory_id as other from recruiting.territories a
join recruiting.territories b on b.city_id = a.city_id and b.territory_id > a.territory_id
  and (a.district_id is null or b.district_id is null or a.district_id = b.district_id)
  and tstzrange(a.since, a.until) && tstzrange(b.since, b.until)
union all
select t.city_id, t.territory_id, r.operator_id from recruiting.territories t
join recruiting.ranks r on r.operator_id = t.operator_id and r.parent_id is not null and r.valid_from >= t.since
  and (t.until is null or r.valid_from < t.until)
where r.version = (select max(l.version) from recruiting.ranks l where l.operator_id = r.operator_id
                   and (t.until is null or l.valid_from < t.until));

-- name: RC02 every operator has a rank from the day he was made, his versions follow each other, his parent is above
select o.operator_id, min(r.version) as first, max(r.version) as last, count(r.version) as there
from recruiting.operators o left join recruiting.ranks r on r.operator_id = o.operator_id
group by o.operator_id, o.made_at
having count(r.version) = 0 or max(r.version) <> count(r.version) or min(r.valid_from) <> o.made_at
union all
select r.operator_id, r.version, p.version, 0 from recruiting.ranks r
join recruiting.ranks p on p.operator_id = r.operator_id and p.version = r.version + 1
where p.valid_from <= r.valid_from
union all
select r.operator_id, r.version, 0, 0 from recruiting.ranks r
join recruiting.operators o on o.operator_id = r.parent_id
where (o.kind, r.kind) not in (('division', 'agent'), ('division', 'staff'), ('agent', 'staff'));

-- name: RC03 at no time has a merchant two recruiters, and between two rows there is no gap
select a.merchant_id, a.attribution_id, b.attribution_id as other from recruiting.attributions a
join recruiting.attributions b on b.merchant_id = a.merchant_id and b.attribution_id > a.attribution_id
  and tstzrange(a.since, a.until) && tstzrange(b.since, b.until)
union all
select a.merchant_id, a.attribution_id, null from recruiting.attributions a
where a.until is not null and not exists (
  select from recruiting.attributions n where n.merchant_id = a.merchant_id and n.since = a.until
    and n.attribution_id <> a.attribution_id);

-- name: RC04 who earns by a merchant claimed it by evidence, won the case, was given it by the platform, or signed
select a.merchant_id, a.attribution_id, a.why from recruiting.attributions a
where a.why = 'rule' and not exists (
        select from recruiting.evidence e where e.city_id = a.city_id and e.merchant_id = a.merchant_id
          and e.operator_id = a.operator_id and e.at <= a.since)
   or a.why = 'case' and not exists (
        select from recruiting.cases c where c.city_id = a.city_id and c.case_id = a.about
          and c.merchant_id = a.merchant_id and c.operator_id is not distinct from a.operator_id
          and c.decided_at = a.since)
   or a.why = 'contract' and not exists (
        select from recruiting.contracts c where c.city_id = a.city_id and c.contract_id = a.about
          and c.merchant_id = a.merchant_id and c.operator_id = a.operator_id and c.signed_at = a.since
          and c.share_ends_at is not distinct from a.ends_at)
   or a.why = 'transfer' and (a.by is null or a.reason = '');

-- name: RC05 an application is where its last step left it, and every step is there
select a.city_id, a.application_id, a.state, a.version from recruiting.applications a
left join recruiting.steps s on s.city_id = a.city_id and s.application_id = a.application_id and s.version = a.version
where s.version is null or (s.state, s.round) <> (a.state, a.round)
   or a.version <> (select count(*) from recruiting.steps n
                    where n.city_id = a.city_id and n.application_id = a.application_id)
   or a.round <> (select count(*) from recruiting.steps n
                  where n.city_id = a.city_id and n.application_id = a.application_id and n.state = 'submitted');

-- name: RC06 an approved application has its merchant, its store and its owner; no other has a merchant
select a.city_id, a.application_id, a.state from recruiting.applications a
left join merchants.merchants m on m.merchant_id = a.merchant_id
left join merchants.stores s on s.city_id = a.city_id and s.store_id = a.store_id and s.merchant_id = a.merchant_id
where (a.state = 'approved') <> (m.merchant_id is not null) or (a.state = 'approved') <> (s.store_id is not null)
   or a.state = 'approved' and not exists (
        select from people.grants g where g.merchant_id = a.merchant_id and g.role = 'merchant_owner');

-- name: RC07 nobody came in with a requirement that was open or rejected, and a requirement is as its last verdict says
select r.city_id, r.application_id, r.kind, r.state from recruiting.requirements r
join recruiting.applications a on a.city_id = r.city_id and a.application_id = r.application_id
where a.state = 'approved' and not exists (
  select from recruiting.verdicts v where v.city_id = r.city_id and v.application_id = r.application_id
    and v.kind = r.kind and v.state in ('accepted', 'waived') and v.at <= a.changed_at)
union all
select r.city_id, r.application_id, r.kind, r.state from recruiting.requirements r
left join recruiting.verdicts v on v.city_id = r.city_id and v.application_id = r.application_id and v.kind = r.kind
  and v.number = r.verdicts
where r.state <> coalesce(v.state, 'open')
   or r.verdicts <> (select count(*) from recruiting.verdicts n where n.city_id = r.city_id
                     and n.application_id = r.application_id and n.kind = r.kind);

-- name: RC08 a document of a requirement is one that was brought for it
select r.city_id, r.application_id, r.kind, r.document_id from recruiting.requirements r
left join recruiting.documents d on d.city_id = r.city_id and d.document_id = r.document_id
where r.document_id is not null
  and (d.document_id is null or (d.application_id, d.kind) <> (r.application_id, r.kind)
       or d.expires_on is distinct from r.expires_on);

-- name: RC09 evidence is what it says: the invitation, the visit or the document is there and is that operator's
select e.city_id, e.evidence_id, e.kind from recruiting.evidence e
left join recruiting.invitations i on e.kind = 'invitation' and i.city_id = e.city_id and i.invitation_id = e.ref
  and i.operator_id = e.operator_id
left join recruiting.applications a on e.kind = 'invitation' and a.city_id = e.city_id
  and a.invitation_id = e.ref and a.merchant_id = e.merchant_id and a.made_at = e.at
left join recruiting.visits v on e.kind = 'visit' and v.city_id = e.city_id and v.visit_id = e.ref
  and v.operator_id = e.operator_id and v.merchant_id = e.merchant_id and v.logged_at = e.at
left join recruiting.documents d on e.kind = 'upload' and d.city_id = e.city_id and d.document_id = e.ref
  and d.operator_id = e.operator_id and d.at = e.at
left join recruiting.applications n on e.kind = 'application' and n.city_id = e.city_id and n.application_id = e.ref
  and n.merchant_id = e.merchant_id and n.operator_id = e.operator_id and n.made_at = e.at
where e.kind = 'invitation' and (i.invitation_id is null or a.application_id is null)
   or e.kind = 'visit' and v.visit_id is null or e.kind = 'upload' and d.document_id is null
   or e.kind = 'application' and n.application_id is null;

-- name: RC10 a decided case left the merchant with its winner, and left no claim open; an open one has two claimants
select c.city_id, c.case_id, c.merchant_id from recruiting.cases c
where c.decided_at is not null and not exists (
  select from recruiting.attributions a where a.merchant_id = c.merchant_id and a.since <= c.decided_at
    and (a.until is null or a.until > c.decided_at or a.since = c.decided_at)
    and a.operator_id is not distinct from c.operator_id)
union all
select c.city_id, c.case_id, c.merchant_id from recruiting.cases c
where c.decided_at is null and (
  select count(*) from (
    select l.operator_id from recruiting.claims l where l.city_id = c.city_id and l.merchant_id = c.merchant_id
      and l.outcome is distinct from 'no_evidence' and l.outcome is distinct from 'refused'
    union
    select a.operator_id from recruiting.attributions a where a.merchant_id = c.merchant_id and a.until is null
  ) as who) < 2
union all
select l.city_id, c.case_id, c.merchant_id from recruiting.claims l
join recruiting.cases c on c.city_id = l.city_id and c.merchant_id = l.merchant_id and c.decided_at is not null
  and l.at <= c.decided_at
where l.outcome is null and not exists (
  select from recruiting.cases o where o.city_id = l.city_id and o.merchant_id = l.merchant_id
    and o.decided_at is null);

-- name: RC11 of a merchant one contract is in force, its versions follow each other, and a term ends after it began
select city_id, merchant_id, contract_id from recruiting.contracts
where signed_at is not null and ended_at is null group by city_id, merchant_id, contract_id having count(*) > 1
union all
select city_id, min(merchant_id::text)::uuid, contract_id from recruiting.contracts
group by city_id, contract_id having max(version) <> count(*) or min(merchant_id::text) <> max(merchant_id::text)
union all
select city_id, merchant_id, contract_id from recruiting.contracts where share_ends_at <= signed_at;

-- name: RC12 somebody who joined by an invitation sits with that operator in that part, and nobody sits there twice
select i.city_id, i.invitation_id, i.operator_id from recruiting.invitations i
where i.accepted_by is not null and not exists (
  select from recruiting.seats s where s.operator_id = i.operator_id and s.member_id = i.accepted_by)
union all
select 0, min(seat_id::text)::uuid, operator_id from recruiting.seats where until is null
group by operator_id, member_id having count(*) > 1;

-- name: RC13 a further store is where its last step left it, open exactly when it is there, and not by who asked for it
select n.city_id, n.new_store_id, n.state from recruiting.new_stores n
left join recruiting.new_store_steps s on s.city_id = n.city_id and s.new_store_id = n.new_store_id
  and s.version = n.version
left join merchants.stores m on m.city_id = n.city_id and m.store_id = n.store_id and m.merchant_id = n.merchant_id
where s.version is null or s.state <> n.state or s.said <> n.said
   or (n.state = 'open') <> (m.store_id is not null)
   or n.version <> (select count(*) from recruiting.new_store_steps k
                    where k.city_id = n.city_id and k.new_store_id = n.new_store_id)
   or s.state = 'open' and s.by = n.asked_by;
