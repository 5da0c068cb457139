//! Every way that a connection fails: one error that names the server, the cause and the next
//! step, with exit code 69 (64 for faults of settings), as text and as JSON, without a secret.
//!
//! The texts are what the operator sees. They are compared as they are, save for ports, folders
//! and addresses that differ from run to run. A case is named after the reasons that JSON tells.

mod logins;
mod network;
mod poolers;
mod settings;
mod states;
mod tls;
mod tokens;
mod transcript;

use std::collections::BTreeSet;
use std::thread;

/// Every row of the table is provoked, and nothing else comes out.
#[test]
fn every_reason_is_provoked() {
    let groups: [fn() -> BTreeSet<String>; 9] = [
        network::reached_by_nobody,
        network::something_else,
        network::sockets,
        logins::refused,
        logins::passwords,
        states::states,
        tls::certificates,
        poolers::poolers,
        tokens::tokens,
    ];
    let running = groups.map(thread::spawn);
    let ended = running.map(thread::JoinHandle::join);
    let provoked: BTreeSet<String> =
        ended.into_iter().flat_map(|group| group.expect("no group has failed")).collect();
    let all: BTreeSet<String> = pgtend::conn::REASONS.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(provoked, all);
}
