//! A TCP proxy in front of a server that breaks, stalls and slows connections, and counts.
//!
//! "Up" is from the client to the server, "down" from the server to the client.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// Runs until it is dropped; connections still open then are reset.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// What one connection carried so far, in the order they were accepted.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectionStats {
    pub bytes_up: u64,
    pub bytes_down: u64,
    /// Times that the client spoke after the server had: what latency is paid for.
    pub round_trips: u64,
    pub open: bool,
    /// Ended by [`Proxy::cut_connection_after_bytes`] or [`Proxy::cut_all`].
    pub cut: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    cut_after: Option<u64>,
    stalled: bool,
    delay_up: Duration,
    delay_down: Duration,
    rate_down: Option<u64>,
    closed: bool,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stats: ConnectionStats,
    last: Option<Direction>,
    client: Option<Arc<TcpStream>>,
    server: Option<Arc<TcpStream>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Proxy {
    /// Listens on a loopback port of its own and passes on to 127.0.0.1:`upstream_port`.
    pub fn start(upstream_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let for_accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, upstream_port, &for_accepting));
        Self { port, shared }
    }

    /// The port to connect to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Arms one cut: the first connection that has carried `n` bytes down in all (those before the
    /// arming count too) is reset at that byte. Later connections pass.
    pub fn cut_connection_after_bytes(&self, n: u64) {
        self.lock().cut_after = Some(n);
    }

    /// True until the armed cut has been made.
    pub fn cut_is_armed(&self) -> bool {
        self.lock().cut_after.is_some()
    }

    /// Resets every open connection now.
    pub fn cut_all(&self) {
        let mut state = self.lock();
        for connection in &mut state.connections {
            connection.reset();
        }
    }

    /// From now on nothing passes in either direction; connections are still accepted.
    pub fn stall(&self) {
        self.change(|state| state.stalled = true);
    }

    /// Ends [`Self::stall`]; what was held back goes on.
    pub fn resume(&self) {
        self.change(|state| state.stalled = false);
    }

    /// Holds the first bytes of every burst back: `up` for those of the client, `down` for those of
    /// the server. A question and its answer take `up + down` longer; throughput stays.
    pub fn delay(&self, up: Duration, down: Duration) {
        self.change(|state| (state.delay_up, state.delay_down) = (up, down));
    }

    /// Limits each connection to so many bytes a second from the server; `None` lifts it.
    pub fn rate_limit(&self, bytes_per_second: Option<u64>) {
        self.change(|state| state.rate_down = bytes_per_second);
    }

    /// How many connections were accepted since the start.
    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// How many of them are open now.
    pub fn open_connections(&self) -> usize {
        self.lock().connections.iter().filter(|connection| connection.stats.open).count()
    }

    /// Bytes from the server, all connections together.
    pub fn bytes_down(&self) -> u64 {
        self.lock().connections.iter().map(|connection| connection.stats.bytes_down).sum()
    }

    /// Each connection's figures, in the order they were accepted.
    pub fn stats(&self) -> Vec<ConnectionStats> {
        self.lock().connections.iter().map(|connection| connection.stats).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut_all();
        self.change(|state| state.closed = true);
        // Wakes the accepting thread, which sees `closed` and ends; nobody else listens there.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Connection {
    /// Closing with a linger time of 0 sends RST. The socket is closed when both pumps have let go
    /// of it; SHUT_RD wakes them without telling the peer.
    fn reset(&mut self) {
        if let Some(client) = self.client.take() {
            set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
            self.stats.cut = true;
            // Fails when the peer is gone already.
            client.shutdown(Shutdown::Read).unwrap_or_default();
        }
        if let Some(server) = self.server.take() {
            server.shutdown(Shutdown::Both).unwrap_or_default();
        }
        self.stats.open = false;
    }
}

fn accept(listener: &TcpListener, upstream_port: u16, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { return };
        if shared.state.lock().unwrap().closed {
            return;
        }
        // A server that is down: the client sees its connection closed, as from a load balancer.
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream_port)) else { continue };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (client, server) = (Arc::new(client), Arc::new(server));
        let mut state = shared.state.lock().unwrap();
        let number = state.connections.len();
        state.connections.push(Connection {
            stats: ConnectionStats { open: true, ..ConnectionStats::default() },
            last: None,
            client: Some(Arc::clone(&client)),
            server: Some(Arc::clone(&server)),
        });
        drop(state);
        for (direction, from, to) in [
            (Direction::Up, Arc::clone(&client), Arc::clone(&server)),
            (Direction::Down, server, client),
        ] {
            let pump = Pump { number, direction, shared: Arc::clone(shared) };
            thread::spawn(move || pump.run(&from, &to));
        }
    }
}

/// One direction of one connection.
struct Pump {
    number: usize,
    direction: Direction,
    shared: Arc<Shared>,
}

impl Pump {
    fn run(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let limit = self.wait_while_stalled();
            let Ok(n @ 1..) = from.read(&mut buffer[..limit]) else { break };
            // The server's answer may have arrived while we were told to stall.
            self.wait_while_stalled();
            let (pass, pause) = self.account(n);
            thread::sleep(pause);
            if to.write_all(&buffer[..pass]).is_err() {
                break;
            }
            if pass < n {
                self.lock().connections[self.number].reset();
                return;
            }
        }
        let mut state = self.lock();
        let connection = &mut state.connections[self.number];
        if !connection.stats.cut {
            // The other direction may go on: half-closed connections stay half-closed.
            to.shutdown(Shutdown::Write).unwrap_or_default();
        }
        if self.direction == Direction::Down {
            connection.stats.open = false;
            (connection.client, connection.server) = (None, None);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Gives how many bytes to read at once: a twentieth of a second's share under a rate limit.
    fn wait_while_stalled(&self) -> usize {
        let state = self.lock();
        let cut = |state: &State| state.connections[self.number].stats.cut;
        let state = self
            .shared
            .changed
            .wait_while(state, |state| state.stalled && !state.closed && !cut(state))
            .unwrap();
        let share = state.rate_down.filter(|_| self.direction == Direction::Down);
        share.map_or(16 * 1024, |rate| usize::try_from(rate / 20).unwrap().clamp(1, 16 * 1024))
    }

    /// Counts `n` bytes; gives how many of them may pass, and how long to wait before.
    fn account(&self, n: usize) -> (usize, Duration) {
        let mut state = self.lock();
        let state = &mut *state;
        let connection = &mut state.connections[self.number];
        let new_burst = connection.last != Some(self.direction);
        let answered = connection.last.replace(self.direction) == Some(Direction::Down);
        let count = n as u64;
        let mut pause = Duration::ZERO;
        let mut pass = n;
        match self.direction {
            Direction::Up => {
                connection.stats.bytes_up += count;
                connection.stats.round_trips += u64::from(new_burst && answered);
                pause += if new_burst { state.delay_up } else { Duration::ZERO };
            }
            Direction::Down => {
                let before = connection.stats.bytes_down;
                if let Some(limit) = state.cut_after.filter(|limit| before + count > *limit) {
                    state.cut_after = None;
                    pass = usize::try_from(limit.saturating_sub(before)).unwrap();
                }
                connection.stats.bytes_down += pass as u64;
                pause += if new_burst { state.delay_down } else { Duration::ZERO };
                if let Some(rate) = state.rate_down {
                    pause += Duration::from_secs_f64(n as f64 / rate as f64);
                }
            }
        }
        (pass, pause)
    }
}
