//! Answers that are none, whatever they come from.

use std::time::Duration;

use api::Settings;
use http::Method;

use crate::support::{Fault, World};

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let world = World::new().await;
    for path in ["/", "/api", "/api/nothing", "/api/users/ada/nothing"] {
        world.get(path).send().await.is(404, "NOT_FOUND");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/api/users", "POST"),
        (Method::PUT, "/api/users/ada", "GET,HEAD,PATCH"),
        (Method::PATCH, "/api/users/ada/followers", "POST,DELETE,GET,HEAD"),
        (Method::POST, "/api/feed", "GET,HEAD"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let reply = world.call(method, path).send().await;
        reply.is(405, "INVALID_ARGUMENT");
        let sorted = |list: &str| {
            let mut methods: Vec<_> = list.split(',').map(str::to_owned).collect();
            methods.sort_unstable();
            methods
        };
        assert_eq!(sorted(reply.header("allow").expect("which methods there are")), sorted(allowed), "{path}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let world = World::new().await;
    let post = |content_type: &str, body: &str| {
        world.post("/api/login").header("content-type", content_type).body(body.to_owned()).send()
    };
    post("application/json", "{\"login\": ").await.refuses("body");
    post("application/json", "").await.refuses("body");
    post("application/json", "[1]").await.refuses("body");
    post("application/json", &"[".repeat(10_000)).await.refuses("body");
    let of_no_type = world.post("/api/login").body("{}").send().await;
    for reply in [post("application/x-www-form-urlencoded", "login=ada").await, of_no_type] {
        reply.names(415, "INVALID_ARGUMENT", "Content-Type");
    }
    let fits = format!("{{\"login\": \"{}\"}}", "x".repeat((64 << 10) - 13));
    assert_eq!(fits.len(), 64 << 10);
    post("application/json", &fits).await.refuses("password");
    post("application/json", &format!("{fits} ")).await.names(413, "INVALID_ARGUMENT", "body");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_named() {
    // The problem said that "the request cannot be understood", and named nothing.
    let world = World::new().await;
    let ada = world.person("ada").await;
    for path in ["/api/users/%ff", "/api/users/%ff%fe/tweets", "/api/users/%c3/followers", "/api/tweets/%ff"] {
        world.get(path).by(&ada).send().await.refuses("path");
    }
    for path in ["/api/users/%00", "/api/users/%zz", "/api/users/a%2fb", "/api/users/%C3%A9", "/api/users/ADA"] {
        world.get(path).send().await.is(404, "NOT_FOUND");
    }
    world.get("/api/users/%61da").send().await.expect(200);
}

#[tokio::test]
async fn a_panic_is_one_requests_problem() {
    let world = World::new().await;
    world.person("ada").await;
    world.graph.faults.set(Fault::Panics);
    let reply = world.get("/api/users/ada").send().await;
    reply.is(500, "INTERNAL");
    assert!(!reply.text.contains("the model panics"), "{reply:?}");
    world.graph.faults.set(Fault::None);
    world.get("/api/users/ada").send().await.expect(200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let world = World::new().await;
    world.person("ada").await;
    let patience = Duration::from_millis(100);
    let world = world.restart_with(|settings| Settings { request_timeout: patience, ..settings }).await;
    world.graph.faults.set(Fault::Hangs);
    world.get("/api/users/ada").send().await.is(504, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn requests_keep_their_id_and_others_get_one() {
    let world = World::new().await;
    for path in ["/healthz", "/nothing"] {
        let sent = world.get(path).header("x-request-id", "trace-42").send().await;
        assert_eq!(sent.header("x-request-id"), Some("trace-42"));
        let (one, other) = (world.get(path).send().await, world.get(path).send().await);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
        for bad in ["", "two words", &"x".repeat(65)] {
            let given = world.get(path).header("x-request-id", bad).send().await;
            let id = given.header("x-request-id").expect("every answer has an id");
            assert_eq!((id == bad, id.len()), (false, 36), "{bad:?} is no id");
        }
    }
}
