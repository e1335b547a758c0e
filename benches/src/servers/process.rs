//! A server of our own: in a folder of its own, gone when it is dropped.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use super::roost::without_settings;

/// How long a server may take to stop before it is killed, and how often it is told.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
const STOP_AGAIN: Duration = Duration::from_millis(50);

/// As whom a program runs, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owner {
    /// A name of the system's; our own where it is `None`.
    pub user: Option<&'static str>,
    /// The one core that it has; all of them where it is `None`.
    pub core: Option<usize>,
}

/// A server that runs until this is dropped, or until this process is gone.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    stop: Signal,
}

impl ServerProcess {
    /// Starts a program as `owner` says; what it prints goes into `log`. `stop` is the signal that makes it go at once and
    /// leave nothing behind.
    pub fn start(program: &[&str], owner: Owner, log: &Path, stop: Signal) -> anyhow::Result<Self> {
        let log = File::create(log)?;
        let mut command = owner.command();
        command.args(program).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("starting setpriv, which is part of util-linux")?;
        Ok(ServerProcess { child, stop })
    }

    /// Starts a program whose first line of output the caller reads.
    pub fn start_piped(program: &[&str], owner: Owner, stop: Signal) -> anyhow::Result<Self> {
        let child = owner.command().args(program).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        Ok(ServerProcess { child: child.context("starting setpriv, which is part of util-linux")?, stop })
    }

    /// What a program that was started with [`start_piped`](Self::start_piped) prints.
    pub fn stdout(&mut self) -> anyhow::Result<std::process::ChildStdout> {
        self.child.stdout.take().context("the output was taken already")
    }

    /// How the program ended by itself; none while it runs.
    pub fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Refuses where the server has ended by itself.
    pub fn check(&mut self, log: &Path) -> anyhow::Result<()> {
        if let Some(status) = self.ended()? {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            anyhow::bail!("the server ended with {status}:\n{said}");
        }
        Ok(())
    }

    /// Seconds that the process and its children have been on a core.
    pub fn core_seconds(&self) -> anyhow::Result<f64> {
        let mut ticks = 0;
        for entry in std::fs::read_dir("/proc")? {
            let Ok(stat) = std::fs::read_to_string(entry?.path().join("stat")) else { continue };
            // The name, in brackets, may hold anything; then come the state, the parent, and from the 12th on the ticks.
            let Some((id, fields)) = stat.split_once(" (").zip(stat.rsplit_once(") ")).map(|((id, _), (_, rest))| {
                (id.parse::<u32>().unwrap_or_default(), rest.split(' ').collect::<Vec<_>>())
            }) else {
                continue;
            };
            let parent: u32 = fields.get(1).context("no parent")?.parse()?;
            if id == self.child.id() || parent == self.child.id() {
                for field in fields.iter().skip(11).take(2) {
                    ticks += field.parse::<u64>()?;
                }
            }
        }
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Bytes of memory that are the process' own, no pages of files among them.
    pub fn own_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let begin = Instant::now();
        // A signal that comes before the program listens is lost, so it is sent again.
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < STOP_DEADLINE {
            if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
                // Whoever has ended meanwhile need not be told.
                let _ = kill_process(pid, self.stop);
            }
            std::thread::sleep(STOP_AGAIN);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Owner {
    /// A command that runs the program in its arguments so, and ends it when this process ends.
    pub fn command(self) -> Command {
        let mut command = Command::new("setpriv");
        without_settings(&mut command).arg("--pdeathsig=KILL");
        if let Some(user) = self.user {
            command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"]);
        }
        if let Some(core) = self.core {
            command.args(["taskset", "--cpu-list", &core.to_string()]);
        }
        command
    }
}

/// A port of loopback that is free now.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Bytes of all files in a folder and below.
pub fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
