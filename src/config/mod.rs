//! The settings of a process: flag over environment over file over defaults.
//!
//! All values arrive as text ([`Given`]), each remembering where it is from, and are read in one place
//! ([`Config::from_given`]), so that every problem is reported at once and names the line that somebody has to change.

mod error;
mod given;
mod settings;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::Slots;
use base::telemetry::LogFormat;
use proto::auth::ServiceToken;
use tonic::transport::Uri;

pub(crate) use error::{ConfigError, Origin, Problem};
pub(crate) use given::Given;
pub(crate) use settings::{Role, flags};

/// The effective settings of a process.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The folder that everything is kept in.
    pub(crate) data: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) ops: Option<SocketAddr>,
    pub(crate) graph_store: Uri,
    pub(crate) timeline_service: Uri,
    pub(crate) service_token: ServiceToken,
    /// None takes what an existing graph has, and the default for a new one.
    pub(crate) slots: Option<Slots>,
    /// None is a share of the machine's.
    pub(crate) analytics_memory_mib: Option<u32>,
    pub(crate) tweet_characters: usize,
    pub(crate) heads_mib: u32,
    pub(crate) tweets_mib: u32,
    pub(crate) blocks_mib: u32,
    pub(crate) feeds_mib: u32,
    pub(crate) evicted_feeds_mib: u32,
    pub(crate) feed_entries: u32,
    pub(crate) active_hours: u32,
    pub(crate) pushed_followers: u32,
    pub(crate) pulled_followees: u32,
    pub(crate) accounts_remembered: u32,
    pub(crate) feed_answers_mib: u32,
    pub(crate) access_token_seconds: u32,
    pub(crate) refresh_token_days: u32,
    pub(crate) argon2_memory_kib: u32,
    pub(crate) argon2_passes: u32,
    pub(crate) log_format: LogFormat,
    pub(crate) log_filter: String,
}

impl Config {
    /// Reads what was given for a role.
    ///
    /// Settings that the role has not are read too, so that one file serves all roles and a mistake in it shows early.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub(crate) fn from_given(given: &Given) -> Result<Config, ConfigError> {
        let mut reader = Reader { given, problems: given.problems().to_vec() };
        let config = reader.config();
        match config {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems: reader.problems }),
        }
    }
}

/// Reads values and gathers what is wrong with them.
struct Reader<'a> {
    given: &'a Given,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// All of them. Each is read before the first that is wrong ends it, so that none goes unreported.
    fn config(&mut self) -> Option<Config> {
        let data = self.needed("data", path);
        let http = self.value("http", address);
        let grpc = self.value("grpc", address);
        let ops = self.value("ops", address);
        let graph_store = self.needed("graph_store", uri);
        let timeline_service = self.needed("timeline_service", uri);
        let service_token = self.value("service_token", service_token);
        let slots = self.value("slots", slots);
        let analytics_memory_mib = self.value("analytics_memory_mib", |text| number(text, 1..=16_777_216));
        let tweet_characters = self.value("tweet_characters", |text| number(text, 1..=10_000));
        let heads_mib = self.value("heads_mib", |text| number(text, 1..=1_048_576));
        let tweets_mib = self.value("tweets_mib", |text| number(text, 1..=1_048_576));
        let blocks_mib = self.value("blocks_mib", |text| number(text, 1..=1_048_576));
        let feeds_mib = self.value("feeds_mib", |text| number(text, 1..=1_048_576));
        let evicted_feeds_mib = self.value("evicted_feeds_mib", |text| number(text, 0..=1_048_576));
        let feed_entries = self.value("feed_entries", |text| number(text, 1..=100_000));
        let active_hours = self.value("active_hours", |text| number(text, 1..=8_760));
        let pushed_followers = self.value("pushed_followers", |text| number(text, 0..=u32::MAX));
        let pulled_followees = self.value("pulled_followees", |text| number(text, 0..=u32::MAX));
        let accounts_remembered = self.value("accounts_remembered", |text| number(text, 1..=100_000_000));
        let feed_answers_mib = self.value("feed_answers_mib", |text| number(text, 0..=16_777_216));
        let access_token_seconds = self.value("access_token_seconds", |text| number(text, 1..=86_400));
        let refresh_token_days = self.value("refresh_token_days", |text| number(text, 1..=365));
        let argon2_memory_kib = self.value("argon2_memory_kib", |text| number(text, 8..=4_194_304));
        let argon2_passes = self.value("argon2_passes", |text| number(text, 1..=100));
        let log_format = self.value("log_format", str::parse);
        let log_filter = self.value("log_filter", |text| Ok::<_, String>(text.to_owned()));
        if let Some(grpc) = grpc
            && self.given.role().listens_for_grpc()
            && !grpc.ip().is_loopback()
            && self.given.get("service_token").is_none()
        {
            self.report("grpc", format!("{grpc} is not loopback: service_token must be set as well"));
        }
        Some(Config {
            data: data?,
            http: http?,
            grpc: grpc?,
            ops,
            graph_store: graph_store?,
            timeline_service: timeline_service?,
            service_token: service_token.unwrap_or_default(),
            slots,
            analytics_memory_mib,
            tweet_characters: tweet_characters? as usize,
            heads_mib: heads_mib?,
            tweets_mib: tweets_mib?,
            blocks_mib: blocks_mib?,
            feeds_mib: feeds_mib?,
            evicted_feeds_mib: evicted_feeds_mib?,
            feed_entries: feed_entries?,
            active_hours: active_hours?,
            pushed_followers: pushed_followers?,
            pulled_followees: pulled_followees?,
            accounts_remembered: accounts_remembered?,
            feed_answers_mib: feed_answers_mib?,
            access_token_seconds: access_token_seconds?,
            refresh_token_days: refresh_token_days?,
            argon2_memory_kib: argon2_memory_kib?,
            argon2_passes: argon2_passes?,
            log_format: log_format?,
            log_filter: log_filter?,
        })
    }

    /// A setting's value; `None` where there is none or it is wrong, which is reported.
    fn value<T, E: Display>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        match parse(self.given.get(name)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(name, error.to_string());
                None
            }
        }
    }

    /// The value of a setting that every role which has it cannot do without; the others get the type's default.
    fn needed<T: Default, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.given.get(name).is_some() {
            return self.value(name, parse);
        }
        // Of a store that serves or of its folder: one of the two is enough.
        let other = match name {
            "data" => "graph_store",
            _ => "data",
        };
        let either = matches!(self.given.role(), Role::Backup | Role::Analytics);
        let is_spared = either && self.given.get(other).is_some();
        if self.given.has(name) && !is_spared {
            self.report(name, "must be set".to_owned());
        }
        Some(T::default())
    }

    fn report(&mut self, name: &'static str, message: String) {
        self.problems.push(Problem { setting: name.to_owned(), origin: self.given.origin(name), message });
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address such as 127.0.0.1:8080"))
}

fn uri(text: &str) -> Result<Uri, String> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.authority().is_some() => Ok(uri),
        _ => Err(format!("{text:?} is not a URI such as http://127.0.0.1:9090")),
    }
}

fn service_token(text: &str) -> Result<ServiceToken, String> {
    ServiceToken::new(text).map_err(|error| error.message().to_owned())
}

fn slots(text: &str) -> Result<Slots, String> {
    let count = text.parse().ok().and_then(Slots::new);
    count.ok_or_else(|| format!("{text} is not a power of two from 1 to {}", Slots::MAX))
}

fn number(text: &str, allowed: std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => Err(format!("{text} is not a number from {} to {}", allowed.start(), allowed.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::settings::{SETTINGS, Setting};
    use super::*;

    /// What a role is told by flags, variables and a file.
    fn given(role: Role, flags: &[&str], variables: &[(&str, &str)], file: &str) -> Given {
        let command = clap::Command::new("roost").args(settings::flags(role)).no_binary_name(true);
        let mut given = Given::new(role);
        given.add_flags(&command.get_matches_from(flags));
        given.add_environment(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()));
        given.add_file("roost.toml".as_ref(), file);
        given.add_defaults();
        given
    }

    fn problems(given: &Given) -> Vec<String> {
        let error = Config::from_given(given).expect_err("something is wrong");
        error.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let file = "data = 'd'\nhttp = '127.0.0.1:3'\ngrpc = '127.0.0.1:3'\nslots = 8\n";
        let variables = [("ROOST_HTTP", "127.0.0.1:2"), ("ROOST_GRPC", "127.0.0.1:2")];
        let given = given(Role::Serve, &["--http", "127.0.0.1:1"], &variables, file);
        let config = Config::from_given(&given).expect("all right");
        assert_eq!((config.http.port(), config.grpc.port()), (1, 2));
        assert_eq!((config.slots.map(Slots::count), config.tweet_characters), (Some(8), 140));
    }

    #[test]
    fn every_problem_is_reported_at_once_with_where_it_is_from() {
        let file = "colour = 1\nslots = 48\nlog_format = 'xml'\ntweet_characters = 'many'\n[size]\nx = 1\n";
        let given = given(Role::Api, &["--http", "here"], &[("ROOST_ARGON2_PASSES", "0")], file);
        assert_eq!(
            problems(&given),
            [
                "colour (roost.toml): no such setting",
                "size (roost.toml): no such setting",
                "tweet_characters (roost.toml): must be a whole number",
                "data: must be set",
                "http (--http): \"here\" is not an address such as 127.0.0.1:8080",
                "graph_store: must be set",
                "timeline_service: must be set",
                "slots (roost.toml): 48 is not a power of two from 1 to 8192",
                "argon2_passes (ROOST_ARGON2_PASSES): 0 is not a number from 1 to 100",
                "log_format (roost.toml): \"xml\" is neither text nor json",
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_one_problem() {
        let given = given(Role::Serve, &["--data", "d"], &[], "slots = \n");
        let problems = problems(&given);
        assert!(problems[0].starts_with("config (roost.toml): TOML parse error at line 1"), "{problems:?}");
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn grpc_leaves_loopback_only_with_a_service_token() {
        let flags = ["--data", "d", "--grpc", "0.0.0.0:9090"];
        assert_eq!(
            problems(&given(Role::GraphStore, &flags, &[], "")),
            ["grpc (--grpc): 0.0.0.0:9090 is not loopback: service_token must be set as well"]
        );
        let with = given(Role::GraphStore, &flags, &[("ROOST_SERVICE_TOKEN", "sixteen-or-more-of-them")], "");
        Config::from_given(&with).expect("a token is set");
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_shows_no_secret() {
        let file = "data = \"with \\\"quotes\\\"\"\nservice_token = 'sixteen-or-more-of-them'\n";
        let first = given(Role::Serve, &["--slots", "16"], &[], file);
        let printed = first.to_toml();
        assert!(printed.contains("service_token = \"***\"") && !printed.contains("sixteen"), "{printed}");
        let second = given(Role::Serve, &[], &[], &printed);
        for setting in SETTINGS.iter().filter(|setting| setting.name != "service_token") {
            assert_eq!(second.get(setting.name), first.get(setting.name), "{}", setting.name);
        }
    }

    #[test]
    fn the_readme_has_the_table_of_settings() {
        let row = |setting: &Setting| {
            let default = setting.default.map(|default| format!("`{default}`")).unwrap_or_default();
            format!("| `{}` | {default} | {} |\n", setting.name, setting.help)
        };
        let table: String = SETTINGS.iter().map(row).collect();
        assert!(include_str!("../../README.md").contains(&table), "the README should have\n{table}");
    }
}
