-- What became of invalid payloads: refused, or diverted into dead letters; what was neither was delivered.
alter table contract_count add column rejected integer not null default 0;
alter table contract_count add column diverted integer not null default 0;
-- Of what was counted before, only that of events which refuse is known.
update contract_count set rejected = invalid
    where design_object_id in (select design_object_id from design_object where validation = 'rejected');
alter table contract_breach add column diverted integer not null default 0;
