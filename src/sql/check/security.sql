-- What is said of TLS and passwords in the settings. Not every role sees them all: null is hidden.
select coalesce(bool_or(s.setting = 'on') filter (where s.name = 'ssl'), false) as ssl,
       max(s.setting) filter (where s.name = 'ssl_min_protocol_version') as least_tls,
       max(s.setting) filter (where s.name = 'listen_addresses') as addresses,
       max(s.setting) filter (where s.name = 'password_encryption') as encryption,
       pg_catalog.current_setting('rds.force_ssl', true) as rds_force
  from pg_catalog.pg_settings s
 where s.name in ('ssl', 'ssl_min_protocol_version', 'listen_addresses', 'password_encryption')
