//! What is known to be wrong, or worth knowing, about a target before anything is dialled.

use super::target::{Roots, SslMode, Target};

/// Lines for the operator.
pub(super) fn notes(target: &Target) -> Vec<String> {
    let mut notes = Vec::new();
    for host in &target.hosts {
        let name = host.name.to_ascii_lowercase();
        if name.ends_with(".pooler.supabase.co") {
            notes.push(format!(
                "{} does not exist: Supabase's poolers end in .pooler.supabase.com",
                host.name
            ));
        }
        let supabase = [".pooler.supabase.com", ".pooler.supabase.co"];
        if host.port == 6543 && supabase.iter().any(|end| name.ends_with(end)) {
            notes.push(
                "port 6543 of Supabase's pooler is its transaction mode; session mode is 5432"
                    .to_owned(),
            );
        }
    }
    // Without TLS nobody looks for them; verify-* fails by itself and says why.
    let encrypted = target.hosts.iter().any(|host| host.socket().is_none());
    let mut missing = |keyword: &'static str, path: &std::path::Path, what| {
        if encrypted && target.given.contains_key(keyword) && !path.exists() {
            let place = if path.is_relative() { " in the current folder" } else { "" };
            notes.push(format!(
                "{keyword} {} from {} does not exist{place}: {what}",
                path.display(),
                target.origin(keyword)
            ));
        }
    };
    if let Roots::File(path) = &target.tls.roots
        && target.tls.mode < SslMode::VerifyCa
    {
        missing("sslrootcert", path, "the server's certificate cannot be verified");
    }
    if let Some(client) = &target.tls.certificate {
        missing("sslcert", &client.certificate, "no client certificate is sent");
        missing("sslkey", &client.key, "no client certificate can be sent");
    }
    notes
}
