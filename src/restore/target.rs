//! The target as a restore finds it: what its catalog has, and what the role may do there.

use std::collections::{HashMap, HashSet};

use crate::conn::{QueryError, Row, Session, Type, get};
use crate::error::{Error, Result};
use crate::sql::{self, Query};

use super::identity::{Object, foreign, large_objects_made_by, made_by};
use super::plan::Plan;

/// A service that keeps the superuser for itself and lends its admin some of its rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon RDS and Aurora: members of rds_superuser.
    Rds,
    /// Google Cloud SQL: members of cloudsqlsuperuser.
    CloudSql,
    /// Azure Database: members of azure_pg_admin.
    Azure,
}

impl Provider {
    fn of_group(group: &str) -> Option<Self> {
        match group {
            "rds_superuser" => Some(Self::Rds),
            "cloudsqlsuperuser" => Some(Self::CloudSql),
            "azure_pg_admin" => Some(Self::Azure),
            _ => None,
        }
    }

    /// Whether its admin may create event triggers, publications of all tables and
    /// subscriptions. Not tried on a service. Cloud SQL's manual ("About PostgreSQL users") says
    /// so of all three; of RDS others report the first two (supabase/supautils#67,
    /// neondatabase/neon#6229) and subscriptions are assumed; of Azure nothing is known.
    pub fn lends_replication(self) -> bool {
        matches!(self, Self::Rds | Self::CloudSql)
    }
}

/// A role of the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether the session can make it an owner and go on using what it then owns.
    pub usable: bool,
    /// Whether it may create schemas in the database (known for owners in the archive).
    pub may_create: bool,
    /// The roles that it has the rights of (known among owners in the archive).
    pub has_rights_of: HashSet<String>,
}

/// An extension that is installed or could be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extension {
    /// Its schema; `None` when it is not installed.
    pub schema: Option<String>,
    /// Whether it is installed and the session has the rights of its owner.
    pub owned: bool,
    /// Whether the server has its files.
    pub available: bool,
    /// Whether its default version can be created by superusers alone ..
    pub superuser: bool,
    /// .. unless it is trusted.
    pub trusted: bool,
}

/// A schema of the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Its owner.
    pub owner: String,
    /// Whether the session has the rights of its owner.
    pub owned: bool,
    /// Whether the session may create in it.
    pub may_create: bool,
    /// Which owners in the archive may create in it.
    pub creators: HashSet<String>,
}

/// How the database compares and stores text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locale {
    /// `UTF8`.
    pub encoding: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// `c` (libc), `i` (ICU) or `b` (builtin).
    pub provider: String,
    /// The locale of ICU and of the builtin provider.
    pub locale: Option<String>,
}

/// What is known of the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `current_user`: whom new objects belong to.
    pub role: String,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// The service whose admin it is.
    pub provider: Option<Provider>,
    /// Whether it may create subscriptions (pg_create_subscription, from 16 on).
    pub may_subscribe: bool,
    /// Whether it may create databases.
    pub may_create_databases: bool,
    /// Whether it may create schemas in the database.
    pub may_create: bool,
    /// `server_version`.
    pub version: String,
    /// `server_version_num`.
    pub version_number: u32,
    /// The database's.
    pub locale: Locale,
    /// The extensions that the provider allows, where it has such a list.
    pub allowed_extensions: Option<HashSet<String>>,
    /// All roles.
    pub roles: HashMap<String, Role>,
    /// Extensions, installed or available.
    pub extensions: HashMap<String, Extension>,
    /// Tablespaces, and whether the role may use them.
    pub tablespaces: HashMap<String, bool>,
    /// Access methods.
    pub access_methods: HashSet<String>,
    /// Languages, and whether the role may write functions in them.
    pub languages: HashMap<String, bool>,
    /// Foreign-data wrappers, and whether the role may use them.
    pub wrappers: HashMap<String, bool>,
    /// Settings in lower case, and whether everybody may set them.
    pub settings: HashMap<String, bool>,
    /// Schemas.
    pub schemas: HashMap<String, Schema>,
    /// Numbers of entries whose objects are on the target already: those they make, and those
    /// of others that they speak of.
    pub existing: HashSet<usize>,
}

impl Facts {
    /// Reads them in one round trip. The session must have an empty search_path
    /// (`backup::statements::PINS`), else functions are not recognised.
    ///
    /// # Errors
    /// Exit 69 or 77: the catalog cannot be read.
    pub async fn read(session: &Session, plan: &Plan) -> Result<Self> {
        let owners = owners(plan);
        let owners = [(&owners as &(dyn crate::conn::ToSql + Sync), Type::TEXT_ARRAY)];
        let wanted = Wanted::of(plan);
        let objects: [(&(dyn crate::conn::ToSql + Sync), Type); 4] = [
            (&wanted.numbers, Type::INT4_ARRAY),
            (&wanted.classes, Type::TEXT_ARRAY),
            (&wanted.schemas, Type::TEXT_ARRAY),
            (&wanted.names, Type::TEXT_ARRAY),
        ];
        let rows = |query: Query, parameters| session.rows(query.text, parameters);
        let (own, roles, extensions, names, schemas, existing) = tokio::try_join!(
            rows(sql::TARGET_SESSION, &[]),
            rows(sql::TARGET_ROLES, &owners),
            rows(sql::TARGET_EXTENSIONS, &[]),
            rows(sql::TARGET_NAMES, &[]),
            rows(sql::TARGET_SCHEMAS, &owners),
            rows(sql::TARGET_EXISTING, &objects),
        )
        .map_err(unreadable)?;
        let own = own.first().ok_or_else(|| Error::bug("no row about the session"))?;
        let mut facts = Self::of_session(own)?;
        for row in &roles {
            facts.roles.insert(get(row, "name")?, role(row)?);
        }
        for row in &extensions {
            facts.extensions.insert(get(row, "name")?, extension(row)?);
        }
        for row in &schemas {
            facts.schemas.insert(get(row, "name")?, schema(row)?);
        }
        facts.add_names(&names)?;
        for row in &existing {
            let number: i32 = get(row, "number")?;
            facts.existing.extend(usize::try_from(number).ok());
        }
        Ok(facts)
    }

    fn of_session(row: &Row) -> Result<Self> {
        let groups: Vec<String> = get(row, "groups")?;
        let version_number = get::<i32>(row, "version_number")?.unsigned_abs();
        let allowed: Vec<String> = get(row, "allowed_extensions")?;
        let superuser = get(row, "superuser")?;
        Ok(Self {
            role: get(row, "role")?,
            superuser,
            provider: groups.iter().find_map(|group| Provider::of_group(group)),
            may_subscribe: superuser
                || groups.iter().any(|group| group == "pg_create_subscription"),
            may_create_databases: superuser || get(row, "may_create_databases")?,
            may_create: get(row, "may_create")?,
            version: get(row, "version")?,
            version_number,
            locale: Locale {
                encoding: get(row, "encoding")?,
                collate: get(row, "lc_collate")?,
                ctype: get(row, "lc_ctype")?,
                provider: get(row, "locale_provider")?,
                locale: get(row, "locale")?,
            },
            allowed_extensions: allowed_extensions(&allowed),
            ..Self::default()
        })
    }

    fn add_names(&mut self, rows: &[Row]) -> Result<()> {
        for row in rows {
            let (kind, name): (String, String) = (get(row, "kind")?, get(row, "name")?);
            let usable = get(row, "usable")?;
            match kind.as_str() {
                "tablespace" => self.tablespaces.insert(name, usable),
                "language" => self.languages.insert(name, usable),
                "wrapper" => self.wrappers.insert(name, usable),
                "setting" => self.settings.insert(name, usable),
                _ => {
                    self.access_methods.insert(name);
                    None
                }
            };
        }
        Ok(())
    }

    /// The major version: 15.
    pub fn major(&self) -> u32 {
        self.version_number / 10_000
    }

    /// What will be true of a database that the role makes from template0 on this server.
    #[must_use]
    pub fn of_new_database(&self) -> Self {
        let mut facts = self.clone();
        facts.may_create = true;
        facts.existing.clear();
        facts.wrappers.clear();
        facts.extensions.retain(|_, extension| extension.available);
        for (name, extension) in &mut facts.extensions {
            let in_template = name == "plpgsql";
            extension.schema = in_template.then(|| "pg_catalog".to_owned());
            extension.owned = self.superuser;
        }
        let built_in = ["internal", "c", "sql", "plpgsql"];
        let methods = ["heap", "btree", "hash", "gist", "gin", "spgist", "brin"];
        facts.access_methods.retain(|name| methods.contains(&name.as_str()));
        facts.languages.retain(|name, _| built_in.contains(&name.as_str()));
        facts.schemas.retain(|name, _| name.starts_with("pg_") || name == "information_schema");
        // Before 15 public belonged to the superuser and everybody could create in it; since then
        // it belongs to the owner of the database.
        let old = facts.major() < 15;
        let creators = if old { facts.roles.keys().cloned().collect() } else { HashSet::new() };
        let public = Schema {
            owner: if old { "postgres" } else { "pg_database_owner" }.to_owned(),
            owned: self.superuser || !old,
            may_create: true,
            creators,
        };
        facts.schemas.insert("public".to_owned(), public);
        for role in facts.roles.values_mut() {
            role.may_create = role.superuser || role.has_rights_of.contains(&self.role);
        }
        facts
    }
}

/// The roles that own something in the archive.
fn owners(plan: &Plan) -> Vec<String> {
    let owners: HashSet<&str> = plan.toc.entries.iter().map(|entry| entry.owner_name()).collect();
    owners.into_iter().filter(|owner| !owner.is_empty()).map(str::to_owned).collect()
}

/// The objects to look for, column by column.
#[derive(Default)]
struct Wanted {
    numbers: Vec<i32>,
    classes: Vec<&'static str>,
    schemas: Vec<String>,
    names: Vec<String>,
}

impl Wanted {
    fn of(plan: &Plan) -> Self {
        let mut wanted = Self::default();
        for (index, entry) in plan.toc.entries.iter().enumerate() {
            if let Some(object) = made_by(entry).or_else(|| foreign(plan, entry)) {
                wanted.push(index, object);
            }
            for oid in large_objects_made_by(entry) {
                let name = oid.to_owned();
                wanted.push(index, Object { class: "large object", schema: String::new(), name });
            }
        }
        wanted
    }

    fn push(&mut self, index: usize, object: Object) {
        // The table of contents counts its entries with an int of this size.
        self.numbers.push(i32::try_from(index).unwrap_or(i32::MAX));
        self.classes.push(object.class);
        self.schemas.push(object.schema);
        self.names.push(object.name);
    }
}

/// What all of these lists (`a, b`) hold; `None` where none of them sets bounds.
fn allowed_extensions(lists: &[String]) -> Option<HashSet<String>> {
    let bounded = lists.iter().filter(|list| !list.split(',').any(|name| name.trim() == "*"));
    let sets = bounded.map(|list| {
        let names = list.split(',').map(|name| name.trim().to_lowercase());
        names.filter(|name| !name.is_empty()).collect::<HashSet<_>>()
    });
    sets.reduce(|all, more| all.intersection(&more).cloned().collect())
}

fn role(row: &Row) -> Result<Role> {
    Ok(Role {
        superuser: get(row, "superuser")?,
        usable: get(row, "usable")?,
        may_create: get(row, "may_create")?,
        has_rights_of: get::<Vec<String>>(row, "has_rights_of")?.into_iter().collect(),
    })
}

fn extension(row: &Row) -> Result<Extension> {
    Ok(Extension {
        schema: get(row, "schema")?,
        owned: get(row, "owned")?,
        available: get(row, "available")?,
        superuser: get(row, "superuser")?,
        trusted: get(row, "trusted")?,
    })
}

fn schema(row: &Row) -> Result<Schema> {
    Ok(Schema {
        owner: get(row, "owner")?,
        owned: get(row, "owned")?,
        may_create: get(row, "may_create")?,
        creators: get::<Vec<String>>(row, "creators")?.into_iter().collect(),
    })
}

fn unreadable(error: QueryError) -> Error {
    error.into_error("cannot read the target's catalog")
}

/// Roles that belong to PostgreSQL or to a service: they are there or they are not, but nobody
/// makes them.
pub fn is_reserved(role: &str) -> bool {
    let prefixes = ["pg_", "rds_", "rdsadmin", "azure", "cloudsql", "alloydb", "supabase_"];
    role == "rds" || prefixes.iter().any(|prefix| role.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_must_be_in_every_list_that_has_bounds() {
        let of = |lists: &[&str]| {
            let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
            allowed_extensions(&lists).map(|names| names.len())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["*"]), None);
        assert_eq!(of(&[""]), Some(0));
        assert_eq!(of(&["hstore, pg_Cron,", "*"]), Some(2));
        assert_eq!(of(&["hstore, pg_Cron,", "pg_cron"]), Some(1));
    }

    #[test]
    fn a_new_database_has_what_template0_has() {
        let mut facts = Facts { version_number: 150_018, role: "x".into(), ..Facts::default() };
        facts.schemas.insert("app".into(), Schema::default());
        facts.existing.insert(3);
        let extension =
            Extension { available: true, schema: Some("app".into()), ..Extension::default() };
        facts.extensions.insert("hstore".into(), extension.clone());
        facts.extensions.insert("plpgsql".into(), extension);
        let fresh = facts.of_new_database();
        assert!(fresh.existing.is_empty() && !fresh.schemas.contains_key("app"));
        assert!(fresh.schemas["public"].owned && fresh.extensions["hstore"].schema.is_none());
        assert!(fresh.extensions["plpgsql"].schema.is_some());
        facts.version_number = 140_005;
        assert!(!facts.of_new_database().schemas["public"].owned);
    }

    #[test]
    fn roles_of_services_are_known() {
        for role in ["pg_monitor", "rdsadmin", "rds_superuser", "azuresu", "cloudsqladmin"] {
            assert!(is_reserved(role), "{role}");
        }
        for role in ["postgres", "rdsx", "app"] {
            assert!(!is_reserved(role), "{role}");
        }
    }
}
