-- When a discovered object was written last, by the portal's clock: who keeps them in memory reads only what is newer.

alter table runtime_object add column changed_at_ms bigint not null default 0;
create index runtime_object_changed on runtime_object (environment_id, changed_at_ms);
