-- Teams: people who answer for things together. What a team owns names it, as it would name a person or anybody outside.

create table team (
    team_id uuid not null primary key,
    environment_id uuid not null references environment,
    name text not null,
    description text not null,
    contact text not null,
    updated_by text not null,
    revision bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    constraint team__name unique (environment_id, name)
);

create table team_member (
    team_id uuid not null references team on delete cascade,
    person_id uuid not null references person on delete cascade,
    is_lead boolean not null,
    primary key (team_id, person_id)
);
