-- Queues may keep what was acknowledged, so that it can be replayed; those that are there keep nothing. Not in `settings`:
-- a portal of an earlier version that edits a queue writes those anew, and leaves columns it does not know alone.

alter table queue add column keep_ms integer;
alter table queue add column keep_bytes_max integer not null default 1073741824;
