//! The README's walk-through, as printed: its commands are read out of the file and run against the demo.
//!
//! A block of commands (```` ```sh ````) may be followed by a block of what they print (```` ```text ````), in which `…` stands for
//! anything. Only the addresses are replaced, since those printed may be taken.

use std::path::Path;
use std::process::Command;

use crate::support::installation::{Installation, Wiring};
use crate::support::process::end;

const README: &str = include_str!("../../README.md");
/// The section whose commands are run.
const SECTION: &str = "## A walk through";
/// Printed after each block, so that the outputs can be told apart.
const MARK: &str = "=====";

/// Commands, and what they must print.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    commands: String,
    expected: String,
}

#[test]
fn the_readmes_commands_do_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let installation = Installation::start_with(Wiring::OneProcess, &data, &["--demo"]);
    let steps = steps(README);
    assert!(steps.len() >= 5, "the walk-through has {} steps", steps.len());
    let mut script = "set -eu\n".to_owned();
    for step in &steps {
        script += &format!("{}\nprintf '\\n{MARK}\\n'\n", step.commands);
    }
    let script =
        script.replace("127.0.0.1:8080", &installation.http()).replace("127.0.0.1:9090", &installation.graph());
    let output = end(Command::new("bash").arg("-c").arg(&script).current_dir(folder.path())).success();
    let outputs: Vec<&str> = output.split(MARK).collect();
    assert_eq!(outputs.len(), steps.len() + 1, "{output}");
    for (step, output) in steps.iter().zip(outputs) {
        assert!(prints(output, &step.expected), "{}\nprinted\n{output}\ninstead of\n{}", step.commands, step.expected);
    }
    // Served again, the demo is what it was, with what was added.
    let installation = {
        installation.stop();
        Installation::start_with(Wiring::OneProcess, &data, &["--demo"])
    };
    installation.stop();
}

#[test]
fn the_first_screen_has_the_commands_that_start_and_test() {
    let screen: Vec<&str> = README.lines().take(60).collect();
    for command in ["cargo run --release -- serve --demo --data ./roost-data", "./scripts/test"] {
        assert!(screen.contains(&command), "{command} is not a line of the first screen");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test").is_file());
}

/// The commands of the section, each block with the output that follows it.
fn steps(text: &str) -> Vec<Step> {
    let section = text.split_once(SECTION).expect("the section is there").1;
    let section = section.split("\n## ").next().unwrap_or(section);
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = section;
    while let Some((_, opened)) = rest.split_once("\n```") {
        let (kind, body) = opened.split_once('\n').expect("a block has lines");
        let (block, after) = body.split_once("\n```").expect("a block ends");
        match kind {
            "sh" => steps.push(Step { commands: block.to_owned(), expected: String::new() }),
            "text" => steps.last_mut().expect("an output follows its commands").expected = block.to_owned(),
            other => panic!("a block of {other:?} is nothing that can be run or compared"),
        }
        rest = after;
    }
    steps
}

/// Whether all of `expected` is in the output, in order; `…` stands for anything.
fn prints(output: &str, expected: &str) -> bool {
    let mut rest = output;
    for part in expected.split(['…', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[test]
fn commands_and_their_outputs_are_found() {
    let text = format!(
        "# x\n\n{SECTION}\n\nfirst\n\n```sh\necho a\n```\n\nprints\n\n```text\na … c\nd\n```\n\n## next\n```sh\nrm\n```\n"
    );
    assert_eq!(steps(&text), [Step { commands: "echo a".to_owned(), expected: "a … c\nd".to_owned() }]);
    assert!(prints("xa b c\n d", "a … c\nd"));
    assert!(!prints("a d c", "a … c\nd"));
}
