-- Listeners that speak TLS, by which names clients know them, and the certificates that clients log in with there.

alter table listener add column tls integer not null default 0;
alter table listener add column server_names text not null default '[]';

create table principal_certificate (
    principal_certificate_id blob not null primary key,
    principal_id blob not null references principal on delete cascade,
    fingerprint text not null,
    certificate_ends_at_ms integer not null,
    created_at_ms integer not null,
    expires_at_ms integer,
    constraint principal_certificate_fingerprint unique (fingerprint)
) strict;
create index principal_certificate_principal on principal_certificate (principal_id);
