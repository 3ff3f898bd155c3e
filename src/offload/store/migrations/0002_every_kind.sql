-- Every kind of work: lanes, named limits and rates, groups, schedules, and what is bound to a
-- process.
--
--   job_group   jobs that were started together
--   holding     which running job holds which named limit; counted, never a counter
--   begun       how many jobs of a named rate began in which sixtieth of its time
--   schedule    what is started by the clock, and when next
--   meta        now also the database's own name and its secret

alter table job drop column named_limits;
alter table job add column lane text not null default '';
alter table job add column forgiven integer not null default 0;

-- A wish may now be 'complete' too; a column's check cannot be changed, so it is made anew.
alter table job rename column requested to requested_before;
alter table job add column requested text
  check (requested in ('pause', 'resume', 'cancel', 'complete'));
update job set requested = requested_before where requested_before is not null;
alter table job drop column requested_before;

-- With what a job was completed from outside, until its holder has tidied up.
create table completion (
  job_id integer primary key,
  value blob not null
);

alter table worker add column house integer not null default 0;
alter table idempotency add column ids text;
alter table idempotency add column group_id integer;

-- Jobs of one lane are claimed in order; a lane whose limit is reached costs one look at its head.
drop index job_claimable;
create index job_claimable on job (queue, lane, ahead desc, priority desc, id) where claimable = 1;
create index job_deadline on job (deadline_at)
  where deadline_at is not null and worker is null and finished_at is null;
create index job_bound on job (bound_to) where bound_to is not null and finished_at is null;

drop index job_group;
create index job_of_group on job (group_id) where group_id is not null;

create table job_group (
  id integer primary key autoincrement,
  jobs integer not null,
  created_at real not null,
  actor text not null,
  door text not null
);

create table holding (
  name text not null,
  job_id integer not null,
  primary key (name, job_id)
) without rowid;

create index holding_of_job on holding (job_id);

create table begun (
  name text not null,
  slice integer not null,
  jobs integer not null,
  primary key (name, slice)
) without rowid;

create table schedule (
  name text primary key,
  task text not null,
  spec text not null,
  next_at real,
  last_at real,
  last_job integer,
  skipped integer not null default 0
) without rowid;

insert into meta (key, value) values ('database', lower(hex(randomblob(8))));
insert into meta (key, value) values ('secret', lower(hex(randomblob(32))));
update meta set value = '2' where key = 'oldest_code';
