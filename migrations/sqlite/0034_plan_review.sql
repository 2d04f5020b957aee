-- Plans are read by somebody who did not write them: who wrote what waits or will, since when it waits, and a change of what is
-- offered that waits. Of plans that are staged only who wrote last is known.

alter table plan add column authors text not null default '[]';
alter table plan add column asked_at_ms integer;
alter table plan add column change text;
update plan set authors = json_array(updated_by) where state = 'staging';

-- Reminders ask for what waits or ends, and not for the rest.
create index access_request__waiting on access_request (environment_id, updated_at_ms) where state in ('pending', 'needs_info');
create index access_grant__ending on access_grant (environment_id, until_ms) where state = 'active' and until_ms is not null;
