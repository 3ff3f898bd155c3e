-- The flight recorder: what was done to attempts, what they used, and where their workers ran.

-- name: note_record
-- One that comes after its job was removed would stay for ever: it is not stored.
insert into record (job_id, token, attempt, worker, usage, deeds)
select :job_id, :token, :attempt, :worker, :usage, :deeds
where exists (select 1 from job where id = :job_id)
on conflict (job_id, token) do update
set usage = coalesce(excluded.usage, usage), deeds = excluded.deeds;

-- name: records
select job_id, token, attempt, worker, usage, deeds
from record
where job_id = :job_id
order by token;

-- name: worked
select id, host, pid, started_at
from worked
where id in (select value from json_each(:ids));
