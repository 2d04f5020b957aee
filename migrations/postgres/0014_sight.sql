-- Domains that a person or a token sees; empty = everything.

alter table person add column domains jsonb not null default '[]';
alter table service_token add column domains jsonb not null default '[]';
