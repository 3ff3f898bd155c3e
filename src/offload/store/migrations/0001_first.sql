-- The first schema.
--
--   job           one row per execution asked for; narrow: what is large lives in body
--   body          parameters, results and errors over 2 KB, written once
--   event         what happened to each job, appended with the change that it records
--   queue         named lanes and their settings
--   worker        who is at work, and the file whose lock says whether it lives
--   tally         jobs by queue and state, kept with each change: people's counts never scan
--   idempotency   request keys and the job that each one started; outlives the job
--   meta          which code may use this file
--
-- Instants are seconds since the epoch, UTC. Values are JSON. Ids are never reused (autoincrement).

create table meta (
  key text primary key,
  value text not null
) without rowid;

create table job (
  id integer primary key autoincrement,
  task text not null,
  kind text not null,
  queue text not null,
  priority integer not null,
  state text not null
    check (state in ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
  requested text check (requested in ('pause', 'resume', 'cancel')),
  claimable integer not null,
  ahead integer not null default 0,
  version integer not null default 1,
  token integer not null default 0,
  worker integer,
  lease_until real,
  occupies_slot integer not null default 0,
  attempt integer not null default 0,
  crashes integer not null default 0,
  interrupts integer not null default 0,
  created_at real not null,
  run_at real,
  started_at real,
  finished_at real,
  reason text,
  owner text,
  tags text,
  params blob,
  result blob,
  error blob,
  progress blob,
  size integer not null default 0,
  insert_token integer not null default 0,
  -- what later kinds of work need, here from the start because adding it to a large table is slow
  options text,
  unique_key text,
  group_id integer,
  named_limits text,
  bound_to integer,
  deadline_at real,
  handle text,
  next_check_at real,
  check (state <> 'running' or (worker is not null and lease_until is not null)),
  check (claimable = 0 or state = 'queued'),
  check ((finished_at is not null) = (state in ('succeeded', 'failed', 'cancelled')))
);

-- Only rows that can be claimed now: with run_at in it a claim behind 500,000 delayed rows took
-- 52 ms, without it 1.7 ms.
create index job_claimable on job (queue, ahead desc, priority desc, id) where claimable = 1;
create index job_due on job (queue, run_at) where state = 'queued' and claimable = 0;
create index job_held on job (queue) where state = 'paused';
create index job_slots on job (queue) where occupies_slot = 1;
create index job_owned on job (worker) where worker is not null;
create index job_finished on job (queue, finished_at, id, size) where finished_at is not null;
create unique index job_unique on job (task, unique_key)
  where unique_key is not null and finished_at is null;
create index job_group on job (group_id) where group_id is not null;

create table body (
  job_id integer not null,
  kind text not null check (kind in ('params', 'result', 'error')),
  bytes blob not null,
  primary key (job_id, kind)
) without rowid;

create table event (
  id integer primary key autoincrement,
  job_id integer not null,
  version integer not null,
  kind text not null,
  state text not null,
  at real not null,
  actor text not null,
  door text not null,
  attempt integer not null,
  worker integer,
  reason text
);

create unique index event_of_job on event (job_id, version);

create table queue (
  name text primary key,
  slot_limit integer check (slot_limit >= 0),
  capacity integer check (capacity >= 0),
  keep integer not null,
  keep_seconds real not null,
  keep_bytes integer not null,
  paused integer not null default 0
) without rowid;

create table worker (
  id integer primary key autoincrement,
  host text not null,
  boot_id text not null,
  pid integer not null,
  lock_file text not null,
  queues text not null,
  tasks text not null,
  slots integer not null,
  started_at real not null,
  seen_at real not null,
  stopping integer not null default 0
);

create table tally (
  queue text not null,
  state text not null,
  jobs integer not null,
  bytes integer not null,
  primary key (queue, state)
) without rowid;

create table idempotency (
  key text primary key,
  digest blob not null,
  job_id integer not null,
  jobs integer not null,
  created_at real not null
) without rowid;

create index idempotency_age on idempotency (created_at);

-- Code that understands schema 1 or later may open this file, as long as its own range covers it.
insert into meta (key, value) values ('oldest_code', '1');
