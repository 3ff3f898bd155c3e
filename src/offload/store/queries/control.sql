-- Pausing and going on: what waits for its owner to take it back, and what was kept for later.

-- name: resuming_counts
-- One small index, nearly always empty; every claim looks at it. What is only to be looked at again
-- needs no slot, and does not wait for a claim.
select worker, queue, count(*)
from job
where state = 'paused' and requested = 'resume'
  and json_extract(pause, '$.mode') <> 'not-checking'
group by worker, queue;

-- name: resuming
select *
from job
where state = 'paused' and requested = 'resume' and worker = :worker
  and json_extract(pause, '$.mode') <> 'not-checking'
order by priority desc, id
limit :count;

-- name: frozen
select count(*)
from job
where worker = :worker and state = 'paused' and json_extract(pause, '$.mode') <> 'not-checking';

-- name: paused_tasks
select task, at, actor, door, reason
from task_pause;

-- name: pause_task
insert into task_pause (task, at, actor, door, reason)
values (:task, :at, :actor, :door, :reason)
on conflict (task) do nothing;

-- name: resume_task
delete from task_pause
where task = :task;

-- name: mark_saved
update job
set saved_at = :now
where id = :job_id and token = :token and worker is not null;

-- name: save
insert into saved (job_id, value)
values (:job_id, :value)
on conflict (job_id) do update
set value = excluded.value;

-- name: save_step
insert into step (job_id, name, value)
values (?, ?, ?)
on conflict (job_id, name) do update
set value = excluded.value;

-- name: saved
select value
from saved
where job_id = :job_id;

-- name: steps
select name, value
from step
where job_id = :job_id;

-- name: forget_saved
delete from saved
where job_id in (select value from json_each(:ids));

-- name: forget_steps
delete from step
where job_id in (select value from json_each(:ids));

-- name: note_worker
insert into worked (id, host, pid, started_at)
values (:id, :host, :pid, :now);

-- name: forget_workers
delete from worked
where id <= :oldest;

-- name: forget_records
delete from record
where job_id in (select value from json_each(:ids));

-- name: forget_log
delete from log
where job_id in (select value from json_each(:ids));
