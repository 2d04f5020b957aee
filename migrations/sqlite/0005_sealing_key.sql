-- Each agent's public key of the fabric; null until it has told one.

alter table agent add column sealing_key text;
