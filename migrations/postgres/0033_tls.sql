-- Listeners that speak TLS, by which names clients know them, and the certificates that clients log in with there.

alter table listener add column tls boolean not null default false;
alter table listener add column server_names jsonb not null default '[]';

create table principal_certificate (
    principal_certificate_id uuid not null primary key,
    principal_id uuid not null references principal on delete cascade,
    fingerprint text not null,
    certificate_ends_at_ms bigint not null,
    created_at_ms bigint not null,
    expires_at_ms bigint,
    constraint principal_certificate_fingerprint unique (fingerprint)
);
create index principal_certificate_principal on principal_certificate (principal_id);
