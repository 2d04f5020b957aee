-- Links can be switched off and on; who did it last.

alter table link add column enabled boolean not null default true;
alter table link add column updated_by text not null default '';
