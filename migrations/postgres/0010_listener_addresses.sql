-- Where clients reach an agent's listeners: other agents of its site send those there that want what it alone has.

alter table agent add column listener_addresses jsonb not null default '{}';
