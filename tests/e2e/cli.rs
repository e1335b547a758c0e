//! Usage, settings, exit codes, and what else listens.

use std::fs;

use base::{Code, ListRef, Relation, UserId};
use proto::auth::ServiceToken;
use proto::graph::CountRequest;
use proto::link::GraphLink;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::client::{Rest, graph, text};
use crate::support::installation::{Installation, Wiring};
use crate::support::process::{Process, binary, end, run};

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["dance"],
        &["serve", "--loud"],
        &["graph"],
        &["graph", "import", "--data", "d"],
        &["token", "--data", "d"],
        &["graph", "stats"],
        &["serve", "--data", "d", "--slots", "48"],
        &["graph-store", "--data", "d", "--grpc", "0.0.0.0:0"],
        &["serve", "--data", "d", "--log-filter", "graph_store=loud"],
    ] {
        let error = run(arguments).failure(2);
        assert!(!error.is_empty(), "{arguments:?} fails in silence");
    }
    assert!(run(&["--help"]).success().contains("graph-store"));
    assert!(run(&["--version"]).success().starts_with("roost "));
}

#[test]
fn settings_come_from_flag_environment_file_and_defaults_in_this_order() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("roost.toml");
    let text = "http = '127.0.0.1:3'\ngrpc = '127.0.0.1:3'\nslots = 8\nservice_token = 'a-secret-of-sixteen'\n";
    fs::write(&file, text).expect("a file can be written");
    let mut command = binary();
    command.args(["serve", "--data", "d", "--http", "127.0.0.1:1", "--print-config"]);
    command.env("ROOST_CONFIG", &file).env("ROOST_GRPC", "127.0.0.1:2");
    let printed = end(&mut command).success();
    for line in [
        "data = \"d\"  # --data",
        "http = \"127.0.0.1:1\"  # --http",
        "grpc = \"127.0.0.1:2\"  # ROOST_GRPC",
        "tweet_characters = 140  # default",
        "service_token = \"***\"",
    ] {
        assert!(printed.contains(line), "{line} is missing in\n{printed}");
    }
    assert!(!printed.contains("a-secret"), "{printed}");
}

#[test]
fn every_problem_of_the_settings_is_reported_at_once() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("roost.toml");
    fs::write(&file, "colour = 'red'\nslots = 48\n").expect("a file can be written");
    let mut command = binary();
    command.args(["serve", "--http", "here", "--config"]).arg(&file).env("ROOST_TWEET_CHARACTERS", "many");
    let error = end(&mut command).failure(2);
    for problem in
        ["colour", "slots", "http (--http)", "tweet_characters (ROOST_TWEET_CHARACTERS)", "data: must be set"]
    {
        assert!(error.contains(problem), "{problem} is missing in\n{error}");
    }
}

#[test]
fn a_data_folder_and_a_port_belong_to_one_process() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let installation = Installation::start(Wiring::OneProcess, &data);
    let data = data.to_str().expect("text");
    let free = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    run(&[&["serve", "--data", data][..], &free].concat()).failure(1);
    run(&["graph", "stats", "--data", data]).failure(1);
    let elsewhere = folder.path().join("elsewhere");
    let taken = installation.http();
    let arguments = ["serve", "--data", elsewhere.to_str().expect("text"), "--http", &taken, "--grpc", "127.0.0.1:0"];
    let error = run(&arguments).failure(1);
    assert!(error.contains(&taken), "{error}");
    installation.stop();
    run(&["graph", "stats", "--data", data]).success();
}

// Looking at a folder that was made for a graph and had none yet created one.
#[test]
fn looking_at_a_graph_that_is_not_there_does_not_make_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let graph = folder.path().join("graph");
    fs::create_dir(&graph).expect("a folder can be made");
    for command in ["stats", "check"] {
        let error = run(&["graph", command, "--data", folder.path().to_str().expect("text")]).failure(1);
        assert!(error.contains("there is no graph"), "{error}");
    }
    assert_eq!(fs::read_dir(&graph).expect("a folder").count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_minted_beside_a_running_server() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let name = data.to_str().expect("text");
    run(&["token", "--data", name, "--user", "ann"]).failure(1);
    let installation = Installation::start(Wiring::OneProcess, &data);
    let rest = installation.rest();
    rest.join("ann").await;
    rest.join("bob").await;
    let tokens = run(&["token", "--data", name, "--user", "bob", "--user", "ann"]).success();
    let tokens: Vec<&str> = tokens.lines().collect();
    assert_eq!(tokens.len(), 2);
    for (token, username) in tokens.iter().zip(["bob", "ann"]) {
        let own = rest.signed(token).get(&format!("/api/users/{username}")).await.expect(200);
        assert_eq!(text(&own["email"]), format!("{username}@example.org"), "shown to the owner alone");
    }
    run(&["token", "--data", name, "--user", "nobody"]).failure(1);
    installation.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_reflection_and_metrics_are_served() {
    for wiring in [Wiring::OneProcess, Wiring::ThreeProcesses] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let installation = Installation::start(wiring, &folder.path().join("data"));
        let rest = installation.rest();
        for path in ["/healthz", "/readyz"] {
            rest.get(path).await.expect(200);
        }
        let metrics = rest.get("/metrics").await.expect(200);
        assert!(text(&metrics).contains("roost_http_request_duration_seconds"), "{metrics}");
        let channel = channel(&installation.graph()).await;
        assert_eq!(health(&channel, "roost.graph.v1.GraphStore").await, ServingStatus::Serving);
        assert_eq!(health(&channel, "").await, ServingStatus::Serving);
        let services = services(&channel).await;
        for service in ["roost.graph.v1.GraphStore", "roost.graph.v1.GraphAdmin", "grpc.health.v1.Health"] {
            assert!(services.iter().any(|known| known == service), "{service} is not among {services:?}");
        }
        if wiring == Wiring::ThreeProcesses {
            let ops = Rest::new(&format!("http://{}", installation.ops()));
            ops.get("/healthz").await.expect(200);
            ops.get("/metrics").await.expect(200);
        }
        installation.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_token_keeps_strangers_out_but_not_health_checks() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let flags =
        ["--data", data.to_str().expect("text"), "--grpc", "127.0.0.1:0", "--service-token", "sixteen-or-more-of-them"];
    let process = Process::start("graph-store", &data, &flags.map(str::to_owned));
    let address = process.address("grpc");
    let request = || CountRequest { lists: vec![ListRef::forward(Relation::Follow, UserId(0)).into()], at_least: None };
    let stranger = graph(&address).count(request()).await.expect_err("no token");
    assert_eq!(stranger.code(), Code::Unauthenticated);
    let token = ServiceToken::new("sixteen-or-more-of-them").expect("a good token");
    let friend = GraphLink::connect(format!("http://{address}").parse().expect("a URI"), token);
    // Nobody is there yet, which is another matter than not being let in.
    let answer = friend.count(request()).await;
    assert_ne!(answer.err().map(|error| error.code()), Some(Code::Unauthenticated));
    assert_eq!(health(&channel(&address).await, "").await, ServingStatus::Serving);
    process.stop();
}

async fn channel(address: &str) -> Channel {
    let endpoint: Endpoint = format!("http://{address}").parse().expect("an address makes a URI");
    endpoint.connect().await.expect("gRPC listens")
}

async fn health(channel: &Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await.expect("health is served").into_inner();
    answer.status()
}

async fn services(channel: &Channel) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel.clone());
    let stream = client.server_reflection_info(futures::stream::iter([request])).await.expect("reflection is served");
    let answer = stream.into_inner().message().await.expect("an answer").expect("one answer");
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => list.service.into_iter().map(|one| one.name).collect(),
        other => panic!("reflection answered {other:?}"),
    }
}
