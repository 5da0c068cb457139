-- Extensions of another version than the server's files bring.
select e.name::text as extension, e.installed_version as installed, e.default_version as shipped
  from pg_catalog.pg_available_extensions e
 where e.installed_version is not null and e.installed_version <> e.default_version
 order by 1
