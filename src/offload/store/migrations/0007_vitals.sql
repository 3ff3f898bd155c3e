-- How a worker does, as it says with each sign of life; null where it does not say (one of before).

alter table worker add column memory integer;
alter table worker add column cpu real;
alter table worker add column loop_lag real;
