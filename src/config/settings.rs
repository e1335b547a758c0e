//! The table of all settings. Flags, environment variables, keys of the file and their help all come from it.

use clap::{Arg, ArgAction};

/// What a process was started as: decides which settings it has and which of them it cannot do without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Everything in one process.
    Serve,
    /// The follow graph alone.
    GraphStore,
    /// Tweets and feeds alone.
    TimelineService,
    /// REST alone.
    Api,
    /// A command that mints access tokens.
    Token,
    /// A command that writes a graph and ends.
    Import,
    /// A command that reads a graph and ends.
    Inspect,
    /// A command that copies the graph of a folder, or has a running graph-store copy its own.
    Backup,
    /// A command that computes something about the graph of a folder, or has a running graph-store compute it.
    Analytics,
}

impl Role {
    /// Whether it runs until it is told to stop.
    pub(crate) const fn is_server(self) -> bool {
        matches!(self, Role::Serve | Role::GraphStore | Role::TimelineService | Role::Api)
    }

    /// Whether it listens for gRPC.
    pub(crate) const fn listens_for_grpc(self) -> bool {
        matches!(self, Role::Serve | Role::GraphStore | Role::TimelineService)
    }
}

const EVERYBODY: &[Role] = &[
    Role::Serve,
    Role::GraphStore,
    Role::TimelineService,
    Role::Api,
    Role::Token,
    Role::Import,
    Role::Inspect,
    Role::Backup,
    Role::Analytics,
];
/// Those who are called over gRPC or call.
const CALLERS: &[Role] =
    &[Role::Serve, Role::GraphStore, Role::TimelineService, Role::Api, Role::Backup, Role::Analytics];
const GRPC: &[Role] = &[Role::Serve, Role::GraphStore, Role::TimelineService];
const TIMELINES: &[Role] = &[Role::Serve, Role::TimelineService];
const REST: &[Role] = &[Role::Serve, Role::Api];

/// How a value is written in TOML.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Number,
    /// Text that is never shown.
    Secret,
}

/// One setting. `name` is its key in the file, `--name` with dashes its flag, `ROOST_NAME` its variable.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Option<&'static str>,
    pub(crate) value_name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) roles: &'static [Role],
}

/// Every setting, in the order in which they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    text("data", None, "DIR", "The folder that everything is kept in", EVERYBODY),
    text("http", Some("127.0.0.1:8080"), "ADDRESS", "Where REST listens; port 0 takes a free one", REST),
    text("grpc", Some("127.0.0.1:9090"), "ADDRESS", "Where gRPC listens; port 0 takes a free one", GRPC),
    text(
        "ops",
        None,
        "ADDRESS",
        "Where a role without REST answers /healthz and /metrics; nowhere unless set",
        &[Role::GraphStore, Role::TimelineService],
    ),
    text(
        "graph_store",
        None,
        "URI",
        "Where the graph-store is, as http://host:port",
        &[Role::TimelineService, Role::Api, Role::Backup, Role::Analytics],
    ),
    text("timeline_service", None, "URI", "Where the timeline-service is, as http://host:port", &[Role::Api]),
    Setting {
        name: "service_token",
        kind: Kind::Secret,
        default: None,
        value_name: "TOKEN",
        help: "What every gRPC call must carry, at least 16 characters; needed once gRPC leaves loopback",
        roles: CALLERS,
    },
    Setting {
        name: "slots",
        kind: Kind::Number,
        default: None,
        value_name: "N",
        help: "Parts of a new graph, 64 unless set: a power of two up to 8192, fixed for ever",
        roles: &[Role::Serve, Role::GraphStore, Role::Import],
    },
    Setting {
        name: "analytics_memory_mib",
        kind: Kind::Number,
        default: None,
        value_name: "MIB",
        help: "Memory for the arrays of an analytics job; a quarter of the machine's unless set",
        roles: &[Role::Serve, Role::GraphStore],
    },
    number("tweet_characters", "140", "N", "Characters of a tweet, as people count them", TIMELINES),
    number(
        "heads_mib",
        "256",
        "MIB",
        "Memory for the newest entries of authors, from which feeds are merged",
        TIMELINES,
    ),
    number("tweets_mib", "128", "MIB", "Memory for tweets that pages show, with their counts", TIMELINES),
    number("blocks_mib", "64", "MIB", "Memory for blocks of the tables of tweets that were read from disk", TIMELINES),
    number("feeds_mib", "256", "MIB", "Memory for the materialised feeds of active readers", TIMELINES),
    number("evicted_feeds_mib", "1024", "MIB", "Disk for feeds that memory has no room for; 0 for none", TIMELINES),
    number("feed_entries", "800", "N", "Entries of a materialised feed; what lies below is merged", TIMELINES),
    number("active_hours", "168", "HOURS", "Who has not read for this long has no materialised feed", TIMELINES),
    number(
        "pushed_followers",
        "10000",
        "N",
        "An author with more active followers is not pushed but merged at each read",
        TIMELINES,
    ),
    number("pulled_followees", "5000", "N", "A reader who follows more has all streams merged at each read", TIMELINES),
    number("accounts_remembered", "100000", "N", "Accounts, and sessions, that are kept in memory", REST),
    number("feed_answers_mib", "128", "MIB", "Memory for home feeds as they were answered; 0 for none", REST),
    number(
        "access_token_seconds",
        "900",
        "SECONDS",
        "How long an access token is good for",
        &[Role::Serve, Role::Api, Role::Token],
    ),
    number("refresh_token_days", "30", "DAYS", "How long a refresh token is good for", REST),
    number("argon2_memory_kib", "19456", "KIB", "Memory that hashing one password takes", REST),
    number("argon2_passes", "2", "N", "Passes over that memory", REST),
    text("log_format", Some("text"), "FORMAT", "text for people, json for collectors", EVERYBODY),
    text(
        "log_filter",
        Some("info,fjall=warn,lsm_tree=warn"),
        "FILTER",
        "What is logged, as debug or graph_store=debug,info; commands that end log warnings only",
        EVERYBODY,
    ),
];

const fn text(
    name: &'static str,
    default: Option<&'static str>,
    value_name: &'static str,
    help: &'static str,
    roles: &'static [Role],
) -> Setting {
    Setting { name, kind: Kind::Text, default, value_name, help, roles }
}

const fn number(
    name: &'static str,
    default: &'static str,
    value_name: &'static str,
    help: &'static str,
    roles: &'static [Role],
) -> Setting {
    Setting { name, kind: Kind::Number, default: Some(default), value_name, help, roles }
}

impl Setting {
    /// The setting with this key.
    pub(crate) fn find(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The flag, without its dashes.
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("ROOST_{}", self.name.to_ascii_uppercase())
    }

    /// The default in this role.
    pub(crate) fn default_for(&self, role: Role) -> Option<&'static str> {
        if self.name == "log_filter" && !role.is_server() { Some("warn") } else { self.default }
    }
}

/// The flags of a role, `--config` and `--print-config` among them.
pub(crate) fn flags(role: Role) -> Vec<Arg> {
    let settings = SETTINGS.iter().filter(|setting| setting.roles.contains(&role)).map(|setting| {
        let default = setting.default_for(role).map(|default| format!("; {default} by default")).unwrap_or_default();
        Arg::new(setting.name).long(setting.flag()).value_name(setting.value_name).help(format!(
            "{} [{}{default}]",
            setting.help,
            setting.variable()
        ))
    });
    let config = Arg::new("config").long("config").value_name("FILE").help("A TOML file of settings [ROOST_CONFIG]");
    let print = Arg::new("print-config")
        .long("print-config")
        .action(ArgAction::SetTrue)
        .help("Print the settings as they would be, and where each is from, and end");
    settings.chain([config, print]).collect()
}
