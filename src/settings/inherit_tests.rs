//! What a source has from elsewhere, and what stays behind when a flag names another place.

use super::application_tests::*;
use super::tests::World;
use super::*;

/// A run with a flag of each kind that may name another place or user.
fn moved(world: impl Fn() -> World) -> Vec<(&'static str, String, String)> {
    type Change = fn(&mut ConnectArgs);
    let changes: [(&str, Change); 5] = [
        ("none", |_| ()),
        ("same", |args| args.port = Some(6000)),
        ("--host", |args| args.host = Some("localhost".into())),
        ("--port", |args| args.port = Some(6001)),
        ("--username", |args| args.user = Some("other".into())),
    ];
    let run = |(flag, change): (&'static str, Change)| {
        let world = world().args(change);
        (flag, world.shown(), world.resolve().notes.join("\n"))
    };
    changes.into_iter().map(run).collect()
}

#[test]
fn no_password_of_a_source_goes_to_another_place_or_user() {
    let toml = "[target.x]\nservice = 's'\nhost = 'h'\nport = 6000\nuser = 'u'\n";
    let worlds: [&dyn Fn() -> World; 4] = [
        &|| with_file("DATABASE_URL=postgresql://u@h:6000/d\nPGPASSWORD=pw\n"),
        &|| with_file("DATABASE_URL=postgresql://u:pw@h:6000/d\nPGPASSWORD=other\n"),
        &|| {
            let world = World::new(&[]).file(".pg_service.conf", "[s]\ndbname=d\npassword=pw\n");
            world.file("pgtend.toml", toml).args(|args| args.target = Some("x".into()))
        },
        &|| {
            let service = "[s]\nhost=h\nport=6000\nuser=u\ndbname=d\npassword=pw\n";
            World::new(&[("PGSERVICE", "s")]).file(".pg_service.conf", service)
        },
    ];
    for world in worlds {
        for (flag, shown, notes) in moved(world) {
            let stays = flag.starts_with("--");
            assert_eq!(shown.ends_with(" pw"), !stays, "{flag}: {shown}");
            assert_eq!(shown.ends_with(" -"), stays, "{flag}: {shown}");
            let told = notes.contains(&format!("is not used with another {flag}"));
            assert_eq!(told, stays, "{flag}: {notes}");
        }
    }
}

/// An empty password was meant to be none.
#[test]
fn an_empty_password_stays_empty_at_another_place() {
    let world = World::new(&[("PGPASSWORD", "p")])
        .args(|args| args.url = Some("host=h password=''".into()))
        .args(|args| args.port = Some(7));
    assert_eq!(world.shown(), "h:7/me as me -");
}

#[test]
fn the_same_place_named_again_is_no_other() {
    let toml = "[target.a]\nhost = 'db'\nhostaddr = '127.0.0.1'\npassword = 'p'\nuser = 'u'\n";
    let world = || {
        let world = World::new(&[]).file("pgtend.toml", toml);
        world.args(|args| args.target = Some("a".into()))
    };
    let same = world().args(|args| args.host = Some("db".into()));
    assert_eq!(same.shown(), "db:5432/u as u p");
    assert_eq!(same.resolve().target.hosts[0].address.as_deref(), Some("127.0.0.1"));
    assert_eq!(world().args(|args| args.port = Some(5432)).shown(), "db:5432/u as u p");
    let other = world().args(|args| args.host = Some("other".into()));
    assert_eq!(other.shown(), "other:5432/u as u -");
    assert_eq!(other.resolve().target.hosts[0].address, None);
    // The user that would be meant anyhow.
    let toml = "[target.a]\nhost = 'db'\npassword = 'p'\n";
    let world =
        World::new(&[]).file("pgtend.toml", toml).args(|args| args.target = Some("a".into()));
    assert_eq!(world.args(|args| args.user = Some("me".into())).shown(), "db:5432/me as me p");
}
