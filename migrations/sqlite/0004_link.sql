-- Links can be switched off and on; who did it last.

alter table link add column enabled integer not null default 1;
alter table link add column updated_by text not null default '';
