-- Teams: people who answer for things together. What a team owns names it, as it would name a person or anybody outside.

create table team (
    team_id blob not null primary key,
    environment_id blob not null references environment,
    name text not null,
    description text not null,
    contact text not null,
    updated_by text not null,
    revision integer not null,
    created_at_ms integer not null,
    updated_at_ms integer not null,
    constraint team__name unique (environment_id, name)
) strict;

create table team_member (
    team_id blob not null references team on delete cascade,
    person_id blob not null references person on delete cascade,
    is_lead integer not null,
    primary key (team_id, person_id)
) strict;
