-- Pages of jobs, newest first. All are narrowed alike; they differ in which rows they look at.
-- `{narrowed}` stands for the fragment of that name.

-- fragment: narrowed
-- A finished job is of the worker that had it last; any other is only of the one that has it.
  and (:states is null or state in (select value from json_each(:states)))
  and (:task is null or task = :task)
  and (:queue is null or queue = :queue)
  and (:worker is null
       or last_worker = :worker and (worker = :worker or finished_at is not null))
  and (:tag is null or exists (select 1 from json_each(job.tags) where value = :tag))
  and (:since is null or created_at >= :since)

-- name: page
-- Those of a stretch of ids. Where the stretch begins bounds the work.
select *
from job
where id < :before and id >= :lowest
  {narrowed}
order by id desc
limit :limit;

-- name: page_of_group
-- The jobs of a group lie anywhere among all others, so this goes over the index of groups.
select *
from job
where group_id = :group and id < :before and id >= :lowest
  {narrowed}
order by id desc
limit :limit;

-- name: page_of_worker
-- What a worker has: an index holds the jobs that are owned, and no others.
select *
from job indexed by job_owned
where worker = :worker and id < :before and id >= :lowest
  {narrowed}
order by id desc
limit :limit;

-- name: page_of_few
-- Jobs in states that few are in, wherever they lie: each state has an index that holds no others.
select *
from job
where id in (
    select id from job indexed by job_claimable where claimable = 1 and :queued
    union all
    select id from job indexed by job_due where state = 'queued' and claimable = 0 and :queued
    union all
    select id from job indexed by job_owned where worker is not null and :running
    union all
    select id from job indexed by job_held where state = 'paused' and :paused
    union all
    select id from job indexed by job_failed where state = 'failed' and :failed
    union all
    select id from job indexed by job_cancelled where state = 'cancelled' and :cancelled)
  and id < :before and id >= :lowest
  {narrowed}
order by id desc
limit :limit;

-- name: page_of_text
-- Those that have every term somewhere, as [kind, text, name]. `instr` knows no wildcards.
-- What is secret is not looked into: who may not read a value could find it out by asking.
select *
from job
where id < :before and id >= :lowest
  and (:group is null or group_id = :group)
  {narrowed}
  and not exists (
    select 1
    from (select json_extract(value, '$[0]') as kind,
                 lower(json_extract(value, '$[1]')) as text,
                 json_extract(value, '$[2]') as name
          from json_each(:terms)) as term
    where not case
      when kind = 'error' then exists (
        select 1
        from (select job.error as bytes
              union all
              select bytes from body where job_id = job.id and body.kind = 'error')
        where instr(lower(cast(bytes as text)), text) > 0)
      when kind = 'param' then
        name not in (select value from json_each(job.options, '$.secret'))
        and exists (
          select 1
          from json_each(cast(coalesce(
            job.params,
            (select bytes from body where job_id = job.id and body.kind = 'params'),
            '{}') as text)) as given
          where given.key = name
            and lower(case given.type when 'true' then 'true' when 'false' then 'false'
                                      when 'null' then 'null' else given.value end) = text)
      else
        cast(job.id as text) = text
        or instr(lower(
             job.task || char(10) || coalesce(job.unique_key, '') || char(10)
             || coalesce(job.owner, '') || char(10) || coalesce(job.tags, '') || char(10)
             || coalesce(cast(job.error as text), '') || char(10)
             || iif(json_extract(job.options, '$.secret') is null,
                    coalesce(cast(job.params as text), ''), '')), text) > 0
        or (job.params is null or job.state = 'failed' and job.error is null)
           and exists (
             select 1
             from body
             where job_id = job.id
               and (body.kind = 'error'
                    or body.kind = 'params' and json_extract(job.options, '$.secret') is null)
               and instr(lower(cast(bytes as text)), text) > 0)
    end)
order by id desc
limit :limit;

-- name: newest_ids
-- From where on there are so many.
select min(id)
from (select id from job order by id desc limit :count);

-- name: id_below
select max(id)
from job
where id < :id;

-- name: created_at_or_after
-- When the first job from this id on was started.
select id, created_at
from job
where id >= :id
order by id
limit 1;

-- name: in_states
select coalesce(sum(jobs), 0)
from tally
where state in (select value from json_each(:states));
