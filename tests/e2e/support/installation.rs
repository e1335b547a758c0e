//! Everything that is needed to serve people, in one process or in three.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::client::Rest;
use super::process::Process;

/// How the roles are spread over processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wiring {
    /// `roost serve`.
    OneProcess,
    /// `roost graph-store`, `roost timeline-service` and `roost api`.
    ThreeProcesses,
}

/// Hashing as cheap as argon2 has it: the tests sign many people up.
const CHEAP_PASSWORDS: [&str; 4] = ["--argon2-memory-kib", "8", "--argon2-passes", "1"];

/// A running Roost. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Installation {
    data: PathBuf,
    wiring: Wiring,
    /// In the order in which they started.
    processes: Vec<Process>,
}

impl Installation {
    /// Starts on a data folder, on free ports.
    pub(crate) fn start(wiring: Wiring, data: &Path) -> Installation {
        Self::start_with(wiring, data, &[])
    }

    /// The same, with more flags for the process that serves REST.
    pub(crate) fn start_with(wiring: Wiring, data: &Path, flags: &[&str]) -> Installation {
        let folder = data.to_str().expect("the folder's name is text");
        let start = |role: &str, flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
            Process::start(role, data, &[vec!["--data".to_owned(), folder.to_owned()], flags].concat())
        };
        let http = ["--http", "127.0.0.1:0"];
        let grpc = ["--grpc", "127.0.0.1:0"];
        let processes = match wiring {
            Wiring::OneProcess => vec![start("serve", &[&http[..], &grpc, &CHEAP_PASSWORDS, flags].concat())],
            Wiring::ThreeProcesses => {
                let graph = start("graph-store", &[&grpc[..], &["--ops", "127.0.0.1:0"]].concat());
                let graph_uri = format!("http://{}", graph.address("grpc"));
                let timeline = start("timeline-service", &[&grpc[..], &["--graph-store", &graph_uri]].concat());
                let timeline_uri = format!("http://{}", timeline.address("grpc"));
                let others = ["--graph-store", &graph_uri, "--timeline-service", &timeline_uri];
                let api = start("api", &[&http[..], &others, &CHEAP_PASSWORDS, flags].concat());
                vec![graph, timeline, api]
            }
        };
        Installation { data: data.to_owned(), wiring, processes }
    }

    /// Stops with SIGTERM and starts again.
    pub(crate) fn restart(self) -> Installation {
        let (wiring, data) = (self.wiring, self.data.clone());
        self.stop();
        Installation::start(wiring, &data)
    }

    /// SIGTERM to all, the last started first; each must end with code 0.
    pub(crate) fn stop(mut self) {
        while let Some(process) = self.processes.pop() {
            process.stop();
        }
    }

    /// Sends a signal to all and returns at once.
    pub(crate) fn signal(&self, signal: Signal) {
        self.processes.iter().for_each(|process| process.signal(signal));
    }

    /// SIGKILL to all, which may be gone already.
    pub(crate) fn kill(mut self) {
        while let Some(process) = self.processes.pop() {
            process.kill();
        }
    }

    /// Panics unless all run: what ends by itself would otherwise pass for killed.
    pub(crate) fn assert_running(&mut self) {
        self.processes.iter_mut().for_each(Process::assert_running);
    }

    /// A REST client that nobody has signed in.
    pub(crate) fn rest(&self) -> Rest {
        Rest::new(&format!("http://{}", self.http()))
    }

    /// The `host:port` of REST.
    pub(crate) fn http(&self) -> String {
        self.processes[self.processes.len() - 1].address("http")
    }

    /// The `host:port` of the graph's gRPC.
    pub(crate) fn graph(&self) -> String {
        self.processes[0].address("grpc")
    }

    /// The `host:port` at which a role without REST tells of itself.
    pub(crate) fn ops(&self) -> String {
        self.processes[0].address("ops")
    }
}
