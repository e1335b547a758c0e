//! Search of people over REST, in both wirings, before and after ranks are published.

use serde_json::json;

use crate::support::client::{Rest, texts};
use crate::support::installation::{Installation, Wiring};
use crate::support::process::run;

/// The usernames that a query finds, in order.
async fn found(caller: &Rest, query: &str) -> Vec<String> {
    texts(&caller.all_pages(&format!("/api/search/users?q={query}")).await, "username")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_found_in_one_process() {
    people_are_found(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_found_in_three_processes() {
    people_are_found(Wiring::ThreeProcesses).await;
}

async fn people_are_found(wiring: Wiring) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(wiring, &folder.path().join("data"));
    let rest = installation.rest();
    let (ann, bob) = (rest.join("ann").await, rest.join("bob").await);
    ann.patch("/api/users/ann", json!({ "name": "Anna Müller" })).await.expect(200);
    bob.patch("/api/users/bob", json!({ "name": "Bob Muller" })).await.expect(200);
    assert_eq!(found(&rest, "anna").await, ["ann"]);
    assert_eq!(found(&rest, "muller").await, ["ann", "bob"]);
    assert_eq!(found(&rest, "%40mul").await, Vec::<String>::new());
    ann.turn_on("/api/users/bob/followers").await;
    assert_eq!(found(&rest, "muller").await, ["bob", "ann"], "whom more follow comes first");
    let installation = installation.restart();
    let (ann, bob) = (installation.rest().log_in("ann").await, installation.rest().log_in("bob").await);
    assert_eq!(found(&ann, "m%C3%BCl").await, ["bob", "ann"]);
    bob.turn_on("/api/users/ann/blocks").await;
    assert_eq!(found(&ann, "muller").await, ["ann"]);
    installation.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_rank_decides_in_one_process() {
    a_published_rank_decides(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_rank_decides_in_three_processes() {
    a_published_rank_decides(Wiring::ThreeProcesses).await;
}

/// Two people whom nobody follows follow one Ann; a star, whom many follow, follows the other.
async fn a_published_rank_decides(wiring: Wiring) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(wiring, &folder.path().join("data"));
    let rest = installation.rest();
    for ann in ["ann_of_many", "ann_of_a_star"] {
        rest.join(ann).await;
    }
    let star = rest.join("star").await;
    star.turn_on("/api/users/ann_of_a_star/followers").await;
    for fan in 0..6 {
        let followee = if fan < 2 { "ann_of_many" } else { "star" };
        rest.join(&format!("fan{fan}")).await.turn_on(&format!("/api/users/{followee}/followers")).await;
    }
    assert_eq!(found(&rest, "ann").await, ["ann_of_many", "ann_of_a_star"], "nothing is published yet");
    let graph = format!("http://{}", installation.graph());
    run(&["analytics", "pagerank", "--graph-store", &graph, "--publish"]).success();
    assert_eq!(found(&rest, "ann").await, ["ann_of_a_star", "ann_of_many"]);
    rest.join("ann").await;
    assert_eq!(found(&rest, "ann").await, ["ann", "ann_of_a_star", "ann_of_many"], "the handle comes first");
    assert_eq!(found(&rest, "an").await, ["ann_of_a_star", "ann_of_many", "ann"], "who came later has no rank");
    let installation = installation.restart();
    assert_eq!(found(&installation.rest(), "an").await, ["ann_of_a_star", "ann_of_many", "ann"]);
    installation.stop();
}
