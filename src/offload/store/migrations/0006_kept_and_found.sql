-- Jobs that are kept for a time of their own, that are found by their worker, and that say since when
-- they wait.
--
--   job        kept_until: until when it is kept, whatever its queue keeps; only of finished jobs
--              last_worker: who has claimed it last; queued_at: since when it can be claimed
--   retained   how many jobs have a time of their own, and their bytes: they are not of the many
--              that their queue keeps

alter table job add column kept_until real;
alter table job add column last_worker integer;
alter table job add column queued_at real;
update job set last_worker = worker where worker is not null;
update job set queued_at = max(created_at, coalesce(run_at, 0)) where claimable = 1;

-- The oldest of those that the queue keeps, and the first whose own time is over: neither look
-- passes over a job of the other kind.
drop index job_finished;
create index job_finished on job (queue, finished_at, id, size)
  where finished_at is not null and kept_until is null;
create index job_kept on job (kept_until) where kept_until is not null;
create index job_waiting on job (queue, queued_at) where claimable = 1;

create table retained (
  queue text primary key,
  jobs integer not null,
  bytes integer not null
) without rowid;

-- Code that knows of no own times would remove such jobs with the others.
update meta set value = '6' where key = 'oldest_code';
