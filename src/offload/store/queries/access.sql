-- Tokens, sessions and links that log in.

-- name: access_version
select key, value from meta where key in ('access', 'secret')

-- name: access_changed
update meta set value = cast(cast(value as integer) + 1 as text) where key = 'access'

-- name: add_token
insert into token (name, digest, scopes, job_id, created_at, expires_at)
values (:name, :digest, :scopes, :job, :now, :expires_at)
on conflict do nothing

-- name: token_of_digest
select id, name, digest, scopes, job_id, created_at, expires_at, last_used_at, revoked_at
from token where digest = :digest

-- name: all_tokens
select id, name, digest, scopes, job_id, created_at, expires_at, last_used_at, revoked_at
from token order by id

-- name: tokens_in_force
select id, name, digest, scopes, job_id, created_at, expires_at, last_used_at, revoked_at
from token where revoked_at is null order by id

-- name: find_tokens
select id, name, digest, scopes, job_id, created_at, expires_at, last_used_at, revoked_at
from token where revoked_at is null and (name = :which or cast(id as text) = :which)

-- name: revoke_token
update token set revoked_at = :now where id = :id and revoked_at is null

-- name: use_token
update token set last_used_at = max(coalesce(last_used_at, 0), ?) where digest = ?

-- name: sessions
select digest, owner, created_at, expires_at from login where expires_at > :now

-- name: add_session
insert into login (digest, owner, created_at, expires_at)
values (:digest, :owner, :created_at, :expires_at)
on conflict do nothing

-- name: prolong_session
update login set expires_at = max(expires_at, ?) where digest = ?

-- name: drop_session
delete from login where digest = :digest

-- name: drop_sessions_of
delete from login where owner = :owner

-- name: drop_sessions
delete from login

-- name: drop_old_sessions
delete from login where expires_at <= :now

-- name: drop_old_links
delete from login_link where expires_at <= :now

-- name: add_link
insert into login_link (digest, expires_at) values (:digest, :expires_at) on conflict do nothing

-- name: use_link
update login_link set session = :session
where digest = :digest and expires_at > :now and (session is null or session = :session)
