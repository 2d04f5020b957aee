-- Whether people may look into the topics of a cluster. Nobody said so before.

alter table broker add column browse boolean not null default false;
