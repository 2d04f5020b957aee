-- Findings between what is designed and what was seen that somebody ignores. Findings themselves are never stored.

create table drift_decision (
    environment_id blob not null references environment,
    finding_key text not null,
    digest text not null,
    until_ms integer,
    reason text not null,
    decided_by text not null,
    decided_at_ms integer not null,
    primary key (environment_id, finding_key)
) strict;
