//! The real binary: started, watched, stopped and killed.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::wait;

/// How long a command that ends may take: the largest import in a development build.
const COMMAND_DEADLINE: Duration = Duration::from_secs(240);
/// Lines of the log that are shown when a test fails.
const LOG_LINES: usize = 60;

/// The binary with nothing in its environment that could change a setting.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROOST_") {
            command.env_remove(name);
        }
    }
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output of a command that ended well.
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "the command failed:\n{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error of a command that ended with this code.
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "another exit code was expected:\n{}{}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    end(binary().args(arguments))
}

/// Runs a command to its end, within a deadline.
pub(crate) fn end(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} starts: {error}"));
    let stdout = gather(child.stdout.take());
    let stderr = gather(child.stderr.take());
    let status = exit(&mut child, COMMAND_DEADLINE, &format!("{command:?} to end"));
    let text = |reader: JoinHandle<String>| reader.join().expect("the reader of the output ends");
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

fn gather(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut stream = stream.expect("the stream is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the output can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn exit(child: &mut Child, deadline: Duration, what: &str) -> ExitStatus {
    wait::until(what, deadline, || child.try_wait().expect("a child can be waited for"))
}

/// A role that runs until it is told to stop. Dropped, it is killed, and its last log lines are shown if the test failed.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: Arc<Mutex<VecDeque<String>>>,
    addresses: Value,
}

impl Process {
    /// Starts a role and waits until it listens.
    pub(crate) fn start(role: &str, folder: &Path, arguments: &[String]) -> Process {
        Process::start_in(&[], role, folder, arguments)
    }

    /// The same with more in its environment.
    pub(crate) fn start_in(environment: &[(&str, String)], role: &str, folder: &Path, arguments: &[String]) -> Process {
        let ready_file = ready_file(folder, role);
        // What a process before this one wrote says nothing about this one.
        let _ = std::fs::remove_file(&ready_file);
        let mut command = binary();
        command.envs(environment.iter().cloned());
        command.arg(role).args(arguments).arg("--ready-file").arg(&ready_file);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("roost starts");
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let lines = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        let kept = log.clone();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_back(line);
                if kept.len() > LOG_LINES {
                    kept.pop_front();
                }
            }
        });
        let mut process = Process { name: role.to_owned(), child, log, addresses: Value::Null };
        process.addresses = wait::until(&format!("{role} to listen"), wait::DEADLINE * 2, || {
            if let Some(status) = process.child.try_wait().expect("a child can be waited for") {
                panic!("{role} ended with {status} instead of listening");
            }
            serde_json::from_slice(&std::fs::read(&ready_file).ok()?).ok()
        });
        process
    }

    /// The `host:port` of one of its listeners.
    pub(crate) fn address(&self, listener: &str) -> String {
        self.addresses[listener].as_str().unwrap_or_else(|| panic!("{} has no {listener}", self.name)).to_owned()
    }

    /// SIGTERM, and the exit code that a clean stop has.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = exit(&mut self.child, wait::DEADLINE, &format!("{} to stop", self.name));
        assert_eq!(status.code(), Some(0), "{} did not stop cleanly", self.name);
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        exit(&mut self.child, wait::DEADLINE, &format!("{} to die", self.name));
    }

    /// Panics unless it runs.
    pub(crate) fn assert_running(&mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert_eq!(ended, None, "{} ended by itself", self.name);
    }

    /// Sends a signal and returns at once.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        kill_process(pid, signal).expect("a child can be signalled");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended already, as after a stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("--- the last lines of {}", self.name);
            log.iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

fn ready_file(folder: &Path, role: &str) -> PathBuf {
    folder.with_extension(format!("{role}.ready"))
}
