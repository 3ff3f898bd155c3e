-- Who may do what over HTTP. Secrets are not here: of each there is a SHA-256.
--
--   token        what `offload token create` made; revoked ones stay, for the histories they name
--   login        the sessions of browsers; `owner` is the digest of the token that they came with
--   login_link   links that log in once, printed by a server
--   meta         'access' grows with each change of these, so that servers look at one row only

create table token (
  id integer primary key autoincrement,
  name text not null,
  digest blob not null unique,
  scopes text not null,
  job_id integer,
  created_at real not null,
  expires_at real,
  last_used_at real,
  revoked_at real
);

create unique index token_name on token (name) where revoked_at is null;

create table login (
  digest blob primary key,
  owner blob not null,
  created_at real not null,
  expires_at real not null
) without rowid;

create table login_link (
  digest blob primary key,
  expires_at real not null,
  session blob
) without rowid;

insert into meta (key, value) values ('access', '0');
-- Code that knows of no tokens would let everybody in.
update meta set value = '4' where key = 'oldest_code';
