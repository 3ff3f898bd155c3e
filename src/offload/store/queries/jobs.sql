-- Jobs, queues, workers and schedules: the queries by name.
-- `values :rows` stands for several rows at once; see `Session.many`.

-- name: issued
select coalesce(max(seq), 0)
from sqlite_sequence
where name = 'job';

-- name: queue
select name, slot_limit, capacity, keep, keep_seconds, keep_bytes, paused, paused_reason
from queue
where name = :name;

-- name: queues
select name
from queue
union
select queue
from tally
order by 1;

-- name: put_queue
insert into queue (name, slot_limit, capacity, keep, keep_seconds, keep_bytes, paused,
                   paused_reason)
values (:name, :limit, :capacity, :keep, :keep_seconds, :keep_bytes, :paused, :paused_reason)
on conflict (name) do update
set slot_limit = :limit, capacity = :capacity, keep = :keep,
    keep_seconds = :keep_seconds, keep_bytes = :keep_bytes, paused = :paused,
    paused_reason = :paused_reason;

-- name: admitted
-- Three partial indexes, three counts: together the jobs that were admitted and have not begun.
select (select count(*) from job where queue = :queue and claimable = 1)
     + (select count(*) from job where queue = :queue and state = 'queued' and claimable = 0)
     + (select count(*) from job where queue = :queue and state = 'paused' and occupies_slot = 0
          and worker is null);

-- name: insert_job
insert into job (id, task, kind, queue, priority, state, claimable, version, created_at, run_at,
                 owner, tags, params, size, options, lane, unique_key, group_id, bound_to,
                 deadline_at, insert_token, queued_at)
values :rows;

-- name: oldest_waiting
select min(queued_at)
from job
where queue = :queue and claimable = 1;

-- name: insert_group
insert into job_group (jobs, created_at, actor, door)
values (:jobs, :now, :actor, :door)
returning id;

-- name: unfinished_with_key
select id
from job
where task = :task and unique_key = :key and finished_at is null;

-- name: latest_with_key
select max(id)
from job
where task = :task and unique_key = :key and id < :before;

-- name: put_body
insert into body (job_id, kind, bytes)
values (?, ?, ?)
on conflict (job_id, kind) do update
set bytes = excluded.bytes;

-- name: body
select bytes
from body
where job_id = ? and kind = ?;

-- name: insert_event
insert into event (job_id, version, kind, state, at, actor, door, attempt, worker, reason)
values :rows;

-- name: history
select id, job_id, version, kind, state, at, actor, door, attempt, worker, reason
from event
where job_id = :job_id
order by version;

-- name: newest_event
select coalesce(max(seq), 0)
from sqlite_sequence
where name = 'event';

-- name: feed
select event.id, job_id, event.version, event.kind, event.state, at, actor, door, event.attempt,
       event.worker, event.reason, task, queue, group_id, created_at, started_at,
       event.version = job.version
from event
join job on job.id = job_id
where event.id > :after
order by event.id
limit :limit;

-- name: moving
select id, task, queue, group_id, attempt, progress
from job
where worker is not null and progress is not null;

-- name: key
select digest, job_id, jobs, ids, group_id
from idempotency
where key = :key;

-- name: put_key
insert into idempotency (key, digest, job_id, jobs, ids, group_id, created_at)
values (:key, :digest, :job_id, :jobs, :ids, :group, :now);

-- name: inserted
-- Only rows that were issued after the batch began can be of the batch, so this reads few.
select *
from job
where id > :after and insert_token = :token
order by id;

-- name: occupied
select count(*)
from job
where queue = :queue and occupies_slot = 1;

-- name: enrolled
select count(*)
from worker
where id = :worker;

-- name: first_lane
-- With whether the first of its jobs goes ahead of the others.
select queue, lane, ahead
from job
where claimable = 1
order by queue, lane, ahead desc
limit 1;

-- name: next_lane
-- One step over the index for each lane, however many jobs wait in it.
-- In two halves: SQLite seeks `(queue, lane) > (…)` by the queue alone and reads all of it.
select queue, lane, ahead
from (select queue, lane, ahead
      from job
      where claimable = 1 and queue = :queue and lane > :lane
      order by lane, ahead desc
      limit 1)
union all
select queue, lane, ahead
from (select queue, lane, ahead
      from job
      where claimable = 1 and queue > :queue
      order by queue, lane, ahead desc
      limit 1)
order by 1, 2
limit 1;

-- name: claim
-- For the common case of one open lane where nobody goes ahead: choose and take in one statement.
update job
set state = 'running', claimable = 0, ahead = 0, version = version + 1, token = token + 1,
    worker = :worker, last_worker = :worker, lease_until = :lease_until, occupies_slot = 1,
    attempt = attempt + 1, run_at = null, started_at = :now, reason = null, progress = null
where id in (
  select id
  from job
  where queue = :queue and lane = :lane and claimable = 1
    and (bound_to = :house and task not in (select task from task_pause)
         or bound_to is null and task in (select value from json_each(:tasks)))
  order by ahead desc, priority desc, id
  limit :count
)
returning *;

-- name: candidates
select ahead, priority, id
from job
where queue = :queue and lane = :lane and claimable = 1
  and (bound_to = :house and task not in (select task from task_pause)
       or bound_to is null and task in (select value from json_each(:tasks)))
order by ahead desc, priority desc, id
limit :count;

-- name: take
update job
set state = 'running', claimable = 0, ahead = 0, version = version + 1, token = token + 1,
    worker = :worker, last_worker = :worker, lease_until = :lease_until, occupies_slot = 1,
    attempt = attempt + 1, run_at = null, started_at = :now, reason = null, progress = null
where id in (select value from json_each(:ids))
returning *;

-- name: in_use
select count(*)
from holding
where name = :name;

-- name: hold
insert into holding (name, job_id)
values (?, ?);

-- name: let_go
delete from holding
where job_id = ?;

-- name: holdings
select name, count(*)
from holding
group by name;

-- name: begun
select coalesce(sum(jobs), 0)
from begun
where name = :name and slice between :first and :last;

-- name: all_begun
select name, slice, jobs
from begun;

-- name: begin
insert into begun (name, slice, jobs)
values (:name, :slice, :jobs)
on conflict (name, slice) do update
set jobs = jobs + :jobs;

-- name: forget_begun
delete from begun
where name = :name and slice not between :first and :last;

-- name: apply
-- What could be claimed already goes on waiting; what can be now has waited since then.
update job
set state = ?, requested = ?, claimable = ?, ahead = ?, version = ?, worker = ?, lease_until = ?,
    occupies_slot = ?, attempt = ?, crashes = ?, interrupts = ?, run_at = ?, started_at = ?,
    finished_at = ?, reason = ?, result = ?, error = ?, size = size + ?, handle = ?,
    next_check_at = ?, deadline_at = ?, forgiven = ?, pause = ?, paused_seconds = ?,
    kept_until = ?, queued_at = iif(claimable, queued_at, ?)
where id = ? and version = ? and token = ?;

-- name: finish
-- What `apply` does, for running jobs that end: by far the most changes. All else of such a row is
-- as it should be, and what is not named here costs no look at its indexes: 14 µs a job among
-- fifty; `apply` takes 33.
update job
set state = ended.state, requested = null, version = ended.version, worker = null,
    lease_until = null, occupies_slot = 0, crashes = ended.crashes,
    finished_at = ended.finished_at, reason = ended.reason, result = ended.result,
    error = ended.error, size = size + ended.grown, next_check_at = null,
    pause = null
from (
  with ended (state, version, crashes, finished_at, reason, result, error, grown, id,
              known_version, token)
  as (values :rows)
  select * from ended
) as ended
where job.id = ended.id and job.version = ended.known_version and job.token = ended.token;

-- name: shrink
update job
set size = size - :size
where id = :id;

-- name: job
select *
from job
where id = ?;

-- name: jobs
select *
from job
where id in (select value from json_each(:ids));

-- name: owned
select *
from job
where worker = :worker
order by id;

-- name: orphans
select *
from job
where worker is not null and worker not in (select id from worker)
order by id;

-- name: overdue
select *
from job
where deadline_at <= :now and worker is null and finished_at is null and handle is null
order by deadline_at
limit :limit;

-- name: abandoned
-- Its process enrols a worker within moments of starting it: a young one is left alone.
select *
from job
where bound_to is not null and finished_at is null and worker is null
  and created_at < :before and bound_to not in (select house from worker)
order by id
limit :limit;

-- name: group
select id, jobs, created_at, actor, door
from job_group
where id = :id;

-- name: group_counts
select state, count(*)
from job
where group_id = :id
group by state;

-- name: group_jobs
select *
from job
where group_id = :id
order by id;

-- name: identity
select key, value
from meta
where key in ('database', 'secret');

-- name: renew
update job
set lease_until = :lease_until
where worker = :worker
returning id, token, version, state, requested;

-- name: seen
update worker
set seen_at = :now, memory = :memory, cpu = :cpu, loop_lag = :loop_lag
where id = :worker;

-- name: report
update job
set progress = ?
where id = ? and token = ? and state = 'running';

-- name: check_again
update job
set next_check_at = ?, progress = coalesce(?, progress)
where id = ? and token = ? and next_check_at is not null;

-- name: enter
insert into worker (host, boot_id, pid, lock_file, queues, tasks, slots, started_at, seen_at, house,
                    max_frozen, memory, cpu, loop_lag)
values (:host, :boot_id, :pid, :lock_file, :queues, :tasks, :slots, :now, :now, :house,
        :max_frozen, :memory, :cpu, :loop_lag)
returning id;

-- name: stopping
update worker
set stopping = 1
where id = :worker;

-- name: leave
delete from worker
where id = :worker;

-- name: workers
select id, host, boot_id, pid, lock_file, queues, tasks, slots, started_at, seen_at, stopping,
       house, max_frozen, memory, cpu, loop_lag
from worker
order by id;

-- name: promote
update job
set claimable = 1, queued_at = run_at
where queue = :queue and state = 'queued' and claimable = 0 and run_at <= :now;

-- name: add_tally
insert into tally (queue, state, jobs, bytes)
values (?, ?, ?, ?)
on conflict (queue, state) do update
set jobs = jobs + excluded.jobs, bytes = bytes + excluded.bytes;

-- name: tally
select queue, state, jobs
from tally
where jobs <> 0;

-- name: add_retained
insert into retained (queue, jobs, bytes)
values (?, ?, ?)
on conflict (queue) do update
set jobs = jobs + excluded.jobs, bytes = bytes + excluded.bytes;

-- name: kept
-- Those that are kept for a time of their own are none of the queue's.
select coalesce(sum(jobs), 0), coalesce(sum(bytes), 0)
from (select jobs, bytes
      from tally
      where queue = :queue and state in ('succeeded', 'failed', 'cancelled')
      union all
      select -jobs, -bytes
      from retained
      where queue = :queue);

-- name: past_their_time
-- Those whose own time is over, of all queues.
select id, queue, state, size
from job
where kept_until <= :now
order by kept_until, id
limit :limit;

-- name: oldest_finished
select id, state, finished_at, size
from job
where queue = :queue and finished_at is not null and kept_until is null
order by finished_at, id
limit :limit;

-- name: delete_job
delete from job
where id = ? and finished_at is not null;

-- name: delete_bodies
delete from body
where job_id = ?;

-- name: delete_outcome
delete from body
where job_id = ? and kind in ('result', 'error');

-- name: put_completion
insert into completion (job_id, value)
values (?, ?)
on conflict (job_id) do update
set value = excluded.value;

-- name: completion
select value
from completion
where job_id = ?;

-- name: delete_completion
delete from completion
where job_id = ?;

-- name: forget_groups
delete from job_group
where created_at < :before
  and not exists (select 1 from job where job.group_id = job_group.id);

-- name: delete_events
delete from event
where job_id = ?;

-- name: forget_keys
delete from idempotency
where created_at < :before;

-- name: put_schedule
insert into schedule (name, task, spec, next_at)
values (?, ?, ?, ?)
on conflict (name) do update
set task = excluded.task, spec = excluded.spec, next_at = excluded.next_at
where spec <> excluded.spec;

-- name: drop_schedule
delete from schedule
where name = ?;

-- name: schedule
select name, task, spec, next_at, last_at, last_job, skipped
from schedule
where name = :name;

-- name: schedules
select name, task, spec, next_at, last_at, last_job, skipped
from schedule
order by name;

-- name: fire
update schedule
set next_at = :next_at, last_at = :last_at, last_job = coalesce(:last_job, last_job),
    skipped = skipped + :skipped
where name = :name;
