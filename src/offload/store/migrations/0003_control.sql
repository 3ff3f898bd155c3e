-- Control: pausing, checkpoints, and the flight recorder.
--
--   saved        a job's last checkpoint, for its next attempt
--   step         what each step of a job came to, once
--   record       what was done to an attempt's code, and what it used
--   log          the lines that a job has written; a number that is missing was dropped; each row
--                knows how many lines (place) and bytes (upto) came up to it, and the first half's end
--   worked       where workers ran, also those that have left
--   task_pause   tasks of which nothing is claimed

alter table job add column pause text;
alter table job add column paused_seconds real not null default 0;
alter table job add column saved_at real;
alter table queue add column paused_reason text;
alter table worker add column max_frozen integer not null default 1000;

-- Owned, paused, and to go on: their owners take them before anything else.
create index job_resuming on job (worker, queue) where state = 'paused' and requested = 'resume';

create table saved (
  job_id integer primary key,
  value blob not null
);

create table step (
  job_id integer not null,
  name text not null,
  value blob not null,
  primary key (job_id, name)
) without rowid;

create table record (
  job_id integer not null,
  token integer not null,
  attempt integer not null,
  worker integer,
  usage text,
  deeds text,
  primary key (job_id, token)
) without rowid;

create table log (
  job_id integer not null,
  n integer not null,
  attempt integer not null,
  at real not null,
  level text not null,
  source text not null,
  text text not null,
  place integer not null,
  upto integer not null,
  head integer not null,
  primary key (job_id, n)
) without rowid;

create table worked (
  id integer primary key,
  host text not null,
  pid integer not null,
  started_at real not null
);

create table task_pause (
  task text primary key,
  at real not null,
  actor text not null,
  door text not null,
  reason text
) without rowid;

update meta set value = '3' where key = 'oldest_code';
