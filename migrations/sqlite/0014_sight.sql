-- Domains that a person or a token sees; empty = everything.

alter table person add column domains text not null default '[]';
alter table service_token add column domains text not null default '[]';
