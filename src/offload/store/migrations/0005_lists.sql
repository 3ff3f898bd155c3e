-- Lists of what has gone wrong, however much has gone right: these hold only the jobs that failed or
-- were cancelled, so that all others cost nothing.

create index job_failed on job (id) where state = 'failed';
create index job_cancelled on job (id) where state = 'cancelled';
