//! Ctrl-C, Ctrl-\ and SIGTERM: the first one stops the run and lets it clean up, the second one ends it
//! at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::exit::Exit;

/// Which signal came, if one did.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Cancelled by the first signal.
    pub cancel: CancellationToken,
    terminated: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to listen, on a thread of its own: the second signal must be heard while the others
    /// are busy or hang, on a mounted store for one. It ends the process, after `last_words`.
    pub fn listen(last_words: impl FnOnce(Exit) + Send + 'static) -> Result<Self> {
        let signals = Self::default();
        let failed =
            |error: std::io::Error| Error::bug("cannot listen to signals").caused_by(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let entered = runtime.enter();
        // Listened to, a file that grows beyond `ulimit -f` is an error of that write; else it
        // ends the process.
        let beyond_limit = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        let beyond_limit = signal(beyond_limit).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let mut quit = signal(SignalKind::quit()).map_err(failed)?;
        drop(entered);
        let told = signals.clone();
        let listen = async move {
            let _beyond_limit = beyond_limit;
            loop {
                let terminated = tokio::select! {
                    _ = interrupt.recv() => false,
                    // Ctrl-\, which would leave a terminal without its echo.
                    _ = quit.recv() => false,
                    _ = terminate.recv() => true,
                    // The terminal is gone: like SIGTERM.
                    _ = hangup.recv() => true,
                };
                if told.cancel.is_cancelled() {
                    end_at_once(told.exit(), last_words);
                }
                told.terminated.store(terminated, Ordering::Relaxed);
                told.cancel.cancel();
            }
        };
        let thread = std::thread::Builder::new().name("signals".into());
        thread.spawn(move || runtime.block_on(listen)).map_err(failed)?;
        Ok(signals)
    }

    /// The exit code that the signal asks for.
    pub fn exit(&self) -> Exit {
        if self.terminated.load(Ordering::Relaxed) { Exit::Terminated } else { Exit::Interrupted }
    }
}

#[expect(clippy::exit, reason = "the operator asked twice; what is left is listed as incomplete")]
fn end_at_once(exit: Exit, last_words: impl FnOnce(Exit) + Send + 'static) -> ! {
    let (said, heard) = std::sync::mpsc::channel();
    let speaker = std::thread::Builder::new().spawn(move || {
        last_words(exit);
        said.send(()).unwrap_or(());
    });
    // Standard error may hang as the rest does.
    if speaker.is_ok() {
        heard.recv_timeout(Duration::from_millis(200)).unwrap_or(());
    }
    std::process::exit(i32::from(exit.code()))
}
