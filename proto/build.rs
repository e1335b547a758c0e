//! Compiles the .proto files with protox, so that no protoc has to be installed.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["common", "graph", "timeline", "analytics"].map(|name| format!("roost/{name}/v1/{name}.proto"));
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors.bin");
    std::fs::write(out, descriptors.encode_to_vec())?;
    // What is given back as it came is not copied either.
    let state = ["HomeTimelineRequest", "TimelineResponse"].map(|name| format!(".roost.timeline.v1.{name}.state"));
    let builder = tonic_prost_build::configure().emit_rerun_if_changed(false);
    state.into_iter().fold(builder, |builder, path| builder.bytes(path)).compile_fds(descriptors)?;
    Ok(())
}
