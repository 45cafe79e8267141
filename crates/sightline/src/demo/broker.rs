//! A mosquitto of the demo's own, on a free loopback port.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

const START_DEADLINE: Duration = Duration::from_secs(10);

/// A running mosquitto; killed when dropped.
pub struct Broker {
    child: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Broker {
    /// Starts mosquitto with its configuration and log in `folder` and waits until it answers.
    ///
    /// # Errors
    /// When there is no mosquitto, or it does not start.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let (config, log) = (folder.join("mosquitto.conf"), folder.join("mosquitto.log"));
        let text =
            format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n");
        std::fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let log_file = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(find_mosquitto()?)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            // A Ctrl-C in the terminal goes to its whole process group; the broker is needed until the last figures
            // have come.
            .process_group(0)
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .context("cannot start mosquitto")?;
        let until = Instant::now() + START_DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "mosquitto ended at once ({status}): {}",
                    std::fs::read_to_string(&log).unwrap_or_default().trim()
                );
            }
            if Instant::now() > until {
                let _ = child.kill();
                bail!("mosquitto does not answer on port {port} after {} s", START_DEADLINE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { child, port })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Ended already, or ended now: both are what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port nobody listens on. Somebody else could take it before it is used; then starting fails and says so.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Debian puts it into /usr/sbin, which is not on every user's PATH.
fn find_mosquitto() -> anyhow::Result<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(Into::into));
    folders
        .map(|folder| folder.join("mosquitto"))
        .find(|candidate| candidate.is_file())
        .context("no mosquitto on this machine; run `make setup`, or install the package mosquitto")
}
