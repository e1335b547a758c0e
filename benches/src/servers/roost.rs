//! `roost serve` on a folder of data, and the commands that fill the folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;
use serde_json::Value;

use super::process::{Owner, ServerProcess};

/// How long the server may take until it listens: the largest store that is opened for the first time.
const START_DEADLINE: Duration = Duration::from_secs(120);
/// Names of one `roost token`: as many as a command line has room for, several times over.
const NAMES_AT_ONCE: usize = 2000;
/// How long tokens are good for: as long as any can be, and longer than any measurement.
const TOKEN_SECONDS: &str = "86400";

/// The program.
#[derive(Clone, Debug)]
pub struct Roost {
    program: PathBuf,
    /// Flags of its server.
    flags: Vec<String>,
}

impl Roost {
    /// The one that is given, or the one of this source tree, which is built where it is not up to date.
    /// Its server gets the settings, each as `name=value`.
    pub fn new(given: Option<&Path>, settings: &[String]) -> anyhow::Result<Self> {
        let flags = settings.iter().map(|setting| flag(setting)).collect::<anyhow::Result<_>>()?;
        if let Some(program) = given {
            ensure!(program.is_file(), "there is no {}", program.display());
            return Ok(Roost { program: program.to_owned(), flags });
        }
        let ours = std::env::current_exe()?;
        let program = ours.parent().context("the program is in a folder")?.join("roost");
        // Whoever runs this through cargo means the server of the same sources, and would not notice an old one.
        match std::env::var_os("CARGO") {
            Some(cargo) => {
                let mut build = Command::new(cargo);
                build.args(["build", "--bin", "roost", "--manifest-path"]);
                build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
                build.args((!cfg!(debug_assertions)).then_some("--release"));
                ensure!(build.stdout(Stdio::null()).status()?.success(), "roost could not be built");
            }
            None => ensure!(program.is_file(), "there is no {}: build it, or name it with --roost", program.display()),
        }
        Ok(Roost { program, flags })
    }

    /// Imports an edge list, and gives everybody in it an account.
    pub fn import(&self, data: &Path, edges: &Path) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(["graph", "import", "--with-accounts", "--json"]).arg(edges);
        Ok(serde_json::from_str(&run(&mut command, data)?)?)
    }

    /// An access token for each of these users, in their order.
    pub fn tokens(&self, data: &Path, names: &[String], told: impl Fn(usize)) -> anyhow::Result<Vec<String>> {
        let mut tokens = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_AT_ONCE) {
            let mut command = Command::new(&self.program);
            command.args(["token", "--access-token-seconds", TOKEN_SECONDS]);
            command.args(names.iter().flat_map(|name| ["--user", name]));
            tokens.extend(run(&mut command, data)?.lines().map(str::to_owned));
            told(tokens.len());
        }
        ensure!(tokens.len() == names.len(), "{} tokens for {} users", tokens.len(), names.len());
        Ok(tokens)
    }

    /// The command line of a job over the graph of a server that runs: `job` is its name and its flags.
    pub fn analytics(&self, job: &str, grpc: SocketAddr) -> Vec<String> {
        let (program, url) = (self.program.display().to_string(), format!("http://{grpc}"));
        let job = job.split_whitespace().map(str::to_owned);
        [program, "analytics".to_owned()].into_iter().chain(job).chain(["--graph-store".to_owned(), url]).collect()
    }

    /// Starts `roost serve` on free ports and waits until it listens.
    pub async fn serve(&self, data: &Path, core: Option<usize>) -> anyhow::Result<RoostServer> {
        let (ready, log) = (data.with_extension("ready"), data.with_extension("log"));
        // What a process before this one wrote says nothing about this one.
        let _ = std::fs::remove_file(&ready);
        let paths = [&self.program, data, &ready].map(|path| path.display().to_string());
        let [program, data, ready_file] = paths.each_ref().map(String::as_str);
        let ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let program = [&[program, "serve", "--data", data, "--ready-file", ready_file][..], &ports, &flags].concat();
        // Killed at the end: what is in the folder is durable, and a second signal would end it so anyhow.
        let mut process = ServerProcess::start(&program, Owner { user: None, core }, &log, Signal::KILL)?;
        let begin = Instant::now();
        loop {
            process.check(&log)?;
            if let Ok(text) = std::fs::read(&ready) {
                let addresses: Value = serde_json::from_slice(&text)?;
                let address = |name: &str| -> anyhow::Result<SocketAddr> {
                    Ok(addresses[name].as_str().with_context(|| format!("no address of {name}"))?.parse()?)
                };
                return Ok(RoostServer { http: address("http")?, grpc: address("grpc")?, process });
            }
            ensure!(begin.elapsed() < START_DEADLINE, "roost does not listen; its log is {}", log.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// `--tweets-mib=512` of `tweets_mib=512`.
fn flag(setting: &str) -> anyhow::Result<String> {
    let (name, value) = setting.split_once('=').with_context(|| format!("{setting} is no name=value"))?;
    Ok(format!("--{}={value}", name.replace('_', "-")))
}

/// Runs a command on a folder to its end; what it printed.
fn run(command: &mut Command, data: &Path) -> anyhow::Result<String> {
    without_settings(command).arg("--data").arg(data);
    let ended = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure!(ended.status.success(), "roost ended with {}", ended.status);
    Ok(String::from_utf8(ended.stdout)?)
}

/// Takes everything out of a command's environment that would change a setting of Roost.
pub(super) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROOST_") {
            command.env_remove(name);
        }
    }
    command
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct RoostServer {
    /// Where REST is.
    pub http: SocketAddr,
    /// Where gRPC is.
    pub grpc: SocketAddr,
    process: ServerProcess,
}

impl RoostServer {
    /// The process.
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }
}
