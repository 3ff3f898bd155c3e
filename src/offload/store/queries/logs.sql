-- The lines that jobs have written.

-- name: log_token
select token
from job
where id = ?;

-- name: last_line
select n, place, upto, head
from log
where job_id = ?
order by n desc
limit 1;

-- name: insert_line
insert into log (job_id, n, attempt, at, level, source, text, place, upto, head)
values :rows;

-- name: first_kept_line
-- Those that go come first, so this reads as many as go, and one.
select n
from log
where job_id = :job_id and n > :head and place > :place and upto > :upto
order by n
limit 1;

-- name: drop_lines
delete from log
where job_id = :job_id and n > :head and n < :first_kept;

-- name: kept_lines
select count(*)
from log
where job_id = ?;

-- name: log
select n, attempt, at, level, source, text
from log
where job_id = :job_id and n > :after
  and (:attempt is null or attempt = :attempt)
  and (:source is null or source = :source)
  and (:text is null or text like :text escape '\')
  and (:below is null or level not in (select value from json_each(:below)))
order by n
limit :limit;

-- name: log_tail
select n, attempt, at, level, source, text
from log
where job_id = :job_id and n > :after
  and (:attempt is null or attempt = :attempt)
  and (:source is null or source = :source)
  and (:text is null or text like :text escape '\')
  and (:below is null or level not in (select value from json_each(:below)))
order by n desc
limit :limit;
