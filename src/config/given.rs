//! What was given, as text, and where: the settings before anybody has read them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::error::{Origin, Problem};
use super::settings::{Kind, Role, SETTINGS, Setting};

/// The value of each setting and where it is from; what is added first wins. And what could not be taken.
#[derive(Debug)]
pub(crate) struct Given {
    role: Role,
    values: BTreeMap<&'static str, (String, Origin)>,
    problems: Vec<Problem>,
}

impl Given {
    /// Nothing yet.
    pub(crate) fn new(role: Role) -> Self {
        Given { role, values: BTreeMap::new(), problems: Vec::new() }
    }

    /// Everything that this process was given.
    pub(crate) fn gather(role: Role, flags: &ArgMatches) -> Self {
        let mut given = Given::new(role);
        given.add_flags(flags);
        given.add_environment(|name| std::env::var_os(name));
        let named = flags.get_one::<String>("config").map(PathBuf::from);
        if let Some(path) = named.or_else(|| std::env::var_os("ROOST_CONFIG").map(PathBuf::from)) {
            match std::fs::read_to_string(&path) {
                Ok(text) => given.add_file(&path, &text),
                Err(error) => given.report("config", &Origin::File(path), error.to_string()),
            }
        }
        given.add_defaults();
        given
    }

    /// The flags of the command line.
    pub(crate) fn add_flags(&mut self, flags: &ArgMatches) {
        let role = self.role;
        for setting in SETTINGS.iter().filter(|setting| setting.roles.contains(&role)) {
            if let Some(value) = flags.get_one::<String>(setting.name) {
                self.add(setting, value.clone(), Origin::Flag(setting.flag()));
            }
        }
    }

    /// The variables of the environment; an empty one counts as one that is not set.
    pub(crate) fn add_environment(&mut self, variable: impl Fn(&str) -> Option<OsString>) {
        for setting in SETTINGS {
            let name = setting.variable();
            let Some(value) = variable(&name).filter(|value| value != OsStr::new("")) else { continue };
            match value.into_string() {
                Ok(value) => self.add(setting, value, Origin::Variable(name)),
                Err(_) => self.report(setting.name, &Origin::Variable(name), "not UTF-8"),
            }
        }
    }

    /// The file of settings.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str) {
        let origin = Origin::File(path.to_owned());
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => return self.report("config", &origin, error.to_string().trim_end()),
        };
        for (key, value) in table {
            match (Setting::find(&key), value) {
                (None, _) => self.report(&key, &origin, "no such setting"),
                (Some(setting), toml::Value::String(value)) if setting.kind != Kind::Number => {
                    self.add(setting, value, origin.clone());
                }
                (Some(setting), toml::Value::Integer(value)) if setting.kind == Kind::Number => {
                    self.add(setting, value.to_string(), origin.clone());
                }
                (Some(Setting { kind: Kind::Number, .. }), _) => self.report(&key, &origin, "must be a whole number"),
                (Some(_), _) => self.report(&key, &origin, "must be a text in quotes"),
            }
        }
    }

    /// The defaults of this role.
    pub(crate) fn add_defaults(&mut self) {
        for setting in SETTINGS {
            if let Some(default) = setting.default_for(self.role) {
                self.add(setting, default.to_owned(), Origin::Default);
            }
        }
    }

    fn add(&mut self, setting: &'static Setting, value: String, origin: Origin) {
        self.values.entry(setting.name).or_insert((value, origin));
    }

    fn report(&mut self, setting: &str, origin: &Origin, message: impl Into<String>) {
        self.problems.push(Problem { setting: setting.to_owned(), origin: origin.clone(), message: message.into() });
    }

    /// What the process was started as.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// What could not be taken.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether the role has such a setting.
    pub(crate) fn has(&self, name: &str) -> bool {
        Setting::find(name).is_some_and(|setting| setting.roles.contains(&self.role))
    }

    /// The text of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    /// Where it is from.
    pub(crate) fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The settings of this role as a file that could be given back, but for the secrets, and where each is from.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::new();
        for setting in SETTINGS.iter().filter(|setting| setting.roles.contains(&self.role)) {
            let Some((value, origin)) = self.values.get(setting.name) else { continue };
            let shown = match setting.kind {
                Kind::Secret => "\"***\"".to_owned(),
                Kind::Text => toml::Value::String(value.clone()).to_string(),
                Kind::Number => value.clone(),
            };
            text += &format!("{} = {shown}  # {origin}\n", setting.name);
        }
        text
    }
}
