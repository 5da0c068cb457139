//! Keys, their errors, and what a file may hold.

use super::*;

fn read(text: &str) -> Result<ConfigFile> {
    parse(text, Path::new("pgtend.toml"))
}

#[test]
fn a_file_is_read() {
    let file = read(
        "default_target = 'prod'\nrepo = '/b'\n[target.prod]\nurl = 'postgresql://h/db'\n\
         repo = 's3://b/p'\nport = 5433\nsslmode = 'verify-full'\n\
         [backup]\njobs = 4\ncompress = 'zstd:3'\nchunk = '64MiB'\nmax_age = '26h'\n\
         rate_limit = '20MiB/s'\n[backup.labels]\nteam = 'shop'\nticket = 4711\n",
    )
    .unwrap();
    let prod = &file.targets["prod"];
    assert_eq!(prod.keywords[0], ("port", "5433".to_owned()));
    assert_eq!(prod.repo.as_deref(), Some("s3://b/p"));
    assert_eq!(file.backup.chunk, Some(64 << 20));
    assert_eq!(file.backup.max_age, Some(Duration::from_secs(26 * 3600)));
    assert_eq!(file.backup.jobs, Some(4));
    assert_eq!(file.backup.rate_limit, Some(20 << 20));
    assert_eq!(file.backup.labels.to_string(), "team=shop, ticket=4711");
}

#[test]
fn labels_are_checked() {
    for (table, cause) in
        [("'a b' = 'x'", "label 'a b'"), ("a = ''", "label a has no value"), ("a = ['x']", "")]
    {
        let error = read(&format!("[backup]\nlabels = {{ {table} }}\n")).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(cause), "{table}: {error}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = read("[target.prod]\nsslrotcert = 'x'\n").map(|_| ()).unwrap_err();
    assert_eq!(error.what(), "unknown key target.prod.sslrotcert in pgtend.toml");
    assert_eq!(error.next_steps(), ["did you mean \"sslrootcert\"?"]);
    assert!(read("[bakcup]\n").map(|_| ()).unwrap_err().next_steps()[0].contains("backup"));
}

#[test]
fn rules_of_retention_are_read() {
    let text = "[backup]\nkeep_daily = 7\nkeep_within = '2d'\nmin_keep = 5\n";
    let rules = read(text).unwrap().backup.retention;
    assert_eq!((rules.daily, rules.min_keep, rules.last), (Some(7), Some(5), None));
    assert_eq!(rules.within, Some(Duration::from_secs(2 * 86_400)));
    // A guard of 0 would be none; and 0 of something is a rule that nobody means.
    for wrong in ["min_keep = 0", "keep_last = 0", "keep_daily = '7'", "keep_within = '0d'"] {
        let error = read(&format!("[backup]\n{wrong}\n")).map(|_| ()).unwrap_err();
        assert!(error.what().starts_with("invalid backup."), "{wrong}: {error}");
    }
    let error = read("[backup]\nkeep_dayly = 7\n").map(|_| ()).unwrap_err();
    assert_eq!(error.next_steps(), ["did you mean \"keep_daily\"?"]);
}

#[test]
fn a_syntax_error_does_not_show_the_line() {
    let error = read("x = 1\npassword = hunter2\n").map(|_| ()).unwrap_err();
    assert_eq!(error.what(), "pgtend.toml, line 2: not valid TOML");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_password_needs_a_private_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pgtend.toml");
    let env = Environment::from_list(folder.path(), []);
    for text in [
        "[target.a]\npassword = 'p'\n",
        "[target.a]\noauth_client_secret = 'p'\n",
        "[target.a]\nurl = 'postgres://u:p@h/d'\n",
        "[target.a]\nreplicas = [{ url = 'postgres://u:p@h/d' }]\n",
        "[target.a]\nreplicas = [{ url = 'postgres://u:p@h@h/d' }]\n",
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let error = load(&env, None, &mut Vec::new()).map(|_| ()).unwrap_err();
        assert!(error.what().contains("others can read it"), "{error}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(load(&env, None, &mut Vec::new()).unwrap().is_some());
    }
}

#[test]
fn replicas_have_keys_of_their_own() {
    let refused = |text: &str| read(&format!("[target.prod]\n{text}\n")).map(|_| ()).unwrap_err();
    let error = refused("replicas = [{ url = 'a' }, { urll = 'hunter2', weight = 5 }]");
    assert_eq!(error.what(), "unknown key target.prod.replicas[2].urll in pgtend.toml");
    assert_eq!(error.next_steps(), ["did you mean \"url\"?"]);
    assert!(!error.to_string().contains("hunter2"));
    for (text, key) in [
        ("replicas = [{ url = 'a', weight = 0 }]", "replicas[1].weight"),
        ("replicas = [{ url = 'a', weight = '5' }]", "replicas[1].weight"),
        ("replicas = [{ weight = 5 }]", "replicas[1].url"),
        ("replicas = ['a']", "replicas[1]"),
        ("replicas = 'a'", "replicas"),
        ("tags = 'a'", "tags"),
        ("tags = [1]", "tags"),
        ("environment = ''", "environment"),
        ("password_command = ''", "password_command"),
    ] {
        let wanted = format!("invalid target.prod.{key} in pgtend.toml");
        assert_eq!(refused(text).what(), wanted);
    }
}

/// Whoever can write the file could have any command run.
#[test]
fn a_command_needs_a_file_that_nobody_else_can_write() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pgtend.toml");
    let env = Environment::from_list(folder.path(), []);
    std::fs::write(&path, "[target.a]\npassword_command = 'echo hunter2'\n").unwrap();
    for (mode, fits) in [(0o600, true), (0o644, true), (0o664, false), (0o602, false)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match load(&env, Some(&path), &mut Vec::new()).map(|_| ()) {
            Ok(()) => assert!(fits, "{mode:o}"),
            Err(error) => {
                assert!(!fits, "{mode:o}");
                assert!(error.what().contains("others can write it"), "{error}");
                assert!(error.next_steps()[0].contains("chmod go-w"));
                assert!(!format!("{error:?}").contains("hunter2"));
            }
        }
    }
    assert!(may_hold_a_command(&path, 0o600, 12345, "x").is_err());
    assert!(may_hold_a_command(&path, 0o644, 0, "x").is_ok());
}

/// In /tmp somebody else could have laid it there.
#[test]
fn a_file_that_is_only_found_has_to_be_ours() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pgtend.toml");
    let env = Environment::from_list(folder.path(), []);
    std::fs::write(&path, "repo = '/b'\n").unwrap();
    let found = |config| load(&env, config, &mut Vec::new()).map(|file| file.is_some());
    for (mode, fits) in [(0o644, true), (0o664, true), (0o646, false)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match found(None) {
            Ok(found) => assert!(found && fits, "{mode:o}"),
            Err(error) => {
                assert!(!fits, "{mode:o}: {error}");
                assert!(error.to_string().ends_with("everybody can write it"), "{error}");
                assert!(error.next_steps()[0].contains("--config"));
            }
        }
        // Whoever names it means it.
        assert!(found(Some(Path::new("pgtend.toml"))).unwrap());
    }
    assert!(may_be_found(&path, 0o644, 12345).is_err());
    assert!(may_be_found(&path, 0o644, 0).is_ok());
}

#[test]
fn a_folder_of_settings_that_cannot_be_looked_into_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("loop");
    std::os::unix::fs::symlink(&own, &own).unwrap();
    let own = own.to_str().unwrap();
    let env = Environment::from_list(folder.path(), [("XDG_CONFIG_HOME", own)]);
    let error = load(&env, None, &mut Vec::new()).map(|_| ()).unwrap_err();
    assert!(error.what().starts_with("cannot look for "), "{error}");
    // What nobody asked for is only noted.
    let env = Environment::from_list(folder.path(), [("HOME", own)]);
    let mut notes = Vec::new();
    load(&env, None, &mut notes).unwrap();
    assert!(notes[0].contains("was not looked for"), "{notes:?}");
    // As services have it.
    let env = Environment::from_list(folder.path(), [("HOME", "/dev/null")]);
    let mut notes = Vec::new();
    load(&env, None, &mut notes).unwrap();
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let env = Environment::from_list(folder.path(), [("PGSERVICEFILE", "/dev/zero")]);
    let zero = Some(Path::new("/dev/zero"));
    let error = load(&env, zero, &mut Vec::new()).map(|_| ()).unwrap_err();
    assert!(error.to_string().ends_with("it is larger than 1 MiB"), "{error}");
    let error = super::super::service::read(&env, None, "x").map(|_| ()).unwrap_err();
    assert!(error.to_string().ends_with("it is larger than 1 MiB"), "{error}");
}

const SAMPLE: &str = include_str!("../../pgtend.toml.sample");

#[test]
fn the_sample_has_every_key() {
    use super::super::{ConnectArgs, Settings};
    let lines: Vec<&str> = SAMPLE.lines().map(|line| line.trim_start_matches("# ")).collect();
    let set = |key: &str| lines.iter().any(|line| line.starts_with(&format!("{key} = ")));
    for key in TOP_KEYS.iter().chain(&BACKUP_KEYS).chain(&Retention::KEYS).chain(&TARGET_KEYS) {
        assert!(set(key) || SAMPLE.contains(&format!("[{key}")), "{key} is not in the sample");
    }
    for key in REPOSITORY_KEYS {
        assert!(set(key), "{key} of a repository is not in the sample");
    }
    for key in REPLICA_KEYS {
        assert!(SAMPLE.contains(&format!(" {key} = ")), "{key} of replicas is not in the sample");
    }
    for key in check::KEYS {
        assert!(
            set(key) || SAMPLE.contains(&format!("[check.{key}")),
            "{key} is not in the sample"
        );
    }
    for keyword in keyword::KEYWORDS {
        let named = SAMPLE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let told = match keyword.used {
            keyword::Use::Honoured => set(keyword.name),
            _ => named.into_iter().any(|word| word == keyword.name),
        };
        assert!(told, "{} is not in the sample", keyword.name);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pgtend.toml"), SAMPLE).unwrap();
    let env = Environment::from_list(folder.path(), [("USER", "me")]);
    let settings = Settings::load(env, None).unwrap();
    assert_eq!(settings.backup.jobs, Some(4));
    assert_eq!(settings.repo(None, None).unwrap(), "/var/backups/prod");
    let s3 = settings.s3("s3://bucket/pg/", &S3Flags::default()).unwrap();
    assert_eq!(s3.aws.profile.as_deref(), Some("backup"));
    assert!(s3.lock.is_some() && s3.encryption.is_some());
    assert_eq!(settings.s3("s3://bucket", &S3Flags::default()).unwrap().aws.profile, None);
    for name in ["prod", "staging", "every-keyword"] {
        let target = Some(name.to_owned());
        let args = ConnectArgs { target, ..ConnectArgs::default() };
        assert_eq!(settings.target(&args).unwrap().target.name.as_deref(), Some(name));
    }
}

#[test]
fn a_repository_has_options() {
    let path = Path::new("/etc/pgtend/pgtend.toml");
    let of = |text: &str| parse(text, path).map(|file| file.repositories);
    let good =
        "repo = \"s3://b/pg\"\n[repository.\"s3://b/pg/\"]\nregion = \"eu-west-1\"\nuploads = 4\n";
    let found = of(good).unwrap();
    assert_eq!(found["s3://b/pg"].s3_region.as_deref(), Some("eu-west-1"));
    assert_eq!(found["s3://b/pg"].s3_uploads, Some(4));
    let unknown = of("[repository.\"s3://b\"]\nregoin = \"x\"\n").err().unwrap();
    assert!(unknown.next_steps()[0].contains("region"), "{unknown}");
    for bad in [
        "[repository.\"/var/backups\"]\nregion = \"x\"\n",
        "[repository.\"s3://b\"]\nuploads = 0\n",
        "[repository.\"s3://b\"]\npath_style = \"yes\"\n",
        "[repository.\"s3://b\"]\nregion = \"\"\n",
    ] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

#[test]
fn checks_have_limits_and_ignores() {
    let path = Path::new("/etc/pgtend/pgtend.toml");
    let of = |text: &str| parse(text, path).map(|file| file.check);
    let text = "[check]\nskip = [\"idx.unused\"]\nrls_required = [\"public.*\"]\nstandbys = [\"s1\"]\n\
        [check.schema]\nexpected = \"schema.txt\"\n\
        [check.limits]\n\"conn.utilization\" = { warning = \"70%\", critical = -5 }\n\
        \"cache.hit\" = { warning = 99.5 }\n\
        [[check.ignore]]\nkey = \"schema.no_pk:public.log\"\nreason = \"a log\"\nuntil = 2027-01-31\n";
    let check = of(text).unwrap();
    let limits: Vec<_> = check
        .limits
        .iter()
        .map(|limit| (&*limit.place, limit.warning.as_deref(), limit.critical.as_deref()))
        .collect();
    let expected =
        [("cache.hit", Some("99.5"), None), ("conn.utilization", Some("70%"), Some("-5"))];
    assert_eq!(limits, expected);
    assert_eq!(check.ignores[0].until, Some(jiff::civil::date(2027, 1, 31)));
    assert_eq!(check.schema_expected.as_deref(), Some(Path::new("schema.txt")));
    for (text, told) in [
        ("[check]\nlimit = 1", "unknown key check.limit in"),
        ("[check.limits]\nx = 1", "invalid check.limits.\"x\" in"),
        ("[check.limits]\nx = { warn = 1 }", "unknown key check.limits.\"x\".warn in"),
        ("[[check.ignore]]\nkey = \"a.b\"", "invalid check.ignore[1].reason in"),
        (
            "[[check.ignore]]\nkey = \"a.b\"\nreason = \"x\"\nuntil = \"soon\"",
            "invalid check.ignore[1].until in",
        ),
        ("[check.schema]\nfile = \"x\"", "unknown key check.schema.file in"),
    ] {
        let error = of(text).unwrap_err();
        assert!(error.what().starts_with(told), "{text}: {error}");
    }
}
