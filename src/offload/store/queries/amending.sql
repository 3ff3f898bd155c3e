-- Altering a job that nobody has in hand.

-- name: amend
update job
set queue = ?, priority = ?, tags = ?, run_at = ?, claimable = ?, version = ?,
    queued_at = iif(claimable, queued_at, ?)
where id = ? and version = ? and token = ?;
