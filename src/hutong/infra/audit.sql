-- Invariants of infra: each query must return no row.

-- name: I01 every stored key has its answer
select city_id, actor, key, operation, at from infra.answers where answer is null

-- name: F01 no fact waits ten minutes for the relay while a worker lives
select f.city_id, f.fact_id, f.topic, f.at from infra.facts f
where f.relayed_at is null and f.at < (select max(started_at) from infra.periodics) - interval '10 minutes'

-- name: F02 what was handled is a fact that is there
select h.city_id, h.fact_id, h.handler from infra.handled h
left join infra.facts f on f.city_id = h.city_id and f.fact_id = h.fact_id
where f.fact_id is null

-- name: F03 no handler has given up on a fact
select city_id, fact_id, handler, tries, error, at from infra.failures where dead

-- name: F04 a failed try has its next try in the queue
select x.city_id, x.fact_id, x.handler, x.tries from infra.failures x
where not x.dead and not exists (
    select 1 from procrastinate.procrastinate_jobs j
    where j.status in ('todo', 'doing') and j.task_name = 'facts:' || x.handler
      and j.args @> jsonb_build_object('city_id', x.city_id, 'facts', jsonb_build_array(x.fact_id::text)))

-- name: J01 no job runs on without a worker that beats
select j.id, j.task_name, j.attempts, w.last_heartbeat
from procrastinate.procrastinate_jobs j left join procrastinate.procrastinate_workers w on w.id = j.worker_id
where j.status = 'doing' and coalesce(w.last_heartbeat < now() - interval '2 minutes', true)
  and (select max(e.at) from procrastinate.procrastinate_events e where e.job_id = j.id and e.type = 'started')
      < now() - interval '2 minutes'

-- name: J02 no job has failed for good
select id, task_name, status, attempts, args from procrastinate.procrastinate_jobs
where status in ('failed', 'aborted')

-- name: J03 no due job waits half an hour
select j.id, j.task_name, j.attempts, j.scheduled_at from procrastinate.procrastinate_jobs j
where j.status = 'todo' and coalesce(j.scheduled_at, '-infinity') < now() - interval '30 minutes'
  and (select max(e.at) from procrastinate.procrastinate_events e where e.job_id = j.id) < now() - interval '30 minutes'

-- name: J04 no periodic task has failed three times in a row
select name, failures, error, started_at, finished_at from infra.periodics where failures >= 3
