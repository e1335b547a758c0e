//! The change stream: what people do over REST comes out of it, and it ends when the server stops.

use base::{Code, Error, Relation};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::graph::watch_response::Event;
use proto::graph::{Operation, WatchRequest, WatchResponse};
use proto::link::GraphLink;
use reqwest::Method;

use crate::support::client::{graph, text};
use crate::support::installation::{Installation, Wiring};
use crate::support::wait;

type Stream = BoxStream<'static, Result<WatchResponse, Error>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_do_comes_out_of_the_stream_until_the_server_stops() {
    for wiring in [Wiring::OneProcess, Wiring::ThreeProcesses] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let installation = Installation::start(wiring, &folder.path().join("data"));
        let rest = installation.rest();
        let (ann, bob) = (rest.join("ann").await, rest.join("bob").await);
        let mut ids = Vec::new();
        for (client, path) in [(&ann, "/api/users/ann"), (&bob, "/api/users/bob")] {
            let user = client.get(path).await.expect(200);
            ids.push(text(&user["id"]).parse::<u32>().expect("an id is a number"));
        }
        let graph = graph(&installation.graph());
        let mut stream = watch(&graph, None).await;
        for _ in 0..2 {
            ann.switch(Method::POST, "/api/users/bob/followers").await.expect(200);
        }
        let followed = next_change(&mut stream).await;
        assert_eq!(edge(&followed), (Relation::Follow, Operation::Add, ids[0], ids[1]));
        bob.switch(Method::POST, "/api/users/ann/blocks").await.expect(200);
        let ended = next_change(&mut stream).await;
        assert_eq!(edge(&ended), (Relation::Follow, Operation::Remove, ids[0], ids[1]), "a block ends the follow");
        let blocked = next_change(&mut stream).await;
        assert_eq!(edge(&blocked), (Relation::Block, Operation::Add, ids[1], ids[0]));
        // Another stream, from the follow on, tells the same again.
        let mut again = watch(&graph, followed.revision.clone()).await;
        assert_eq!(edge(&next_change(&mut again).await), edge(&ended));

        installation.stop();
        for mut stream in [stream, again] {
            let end = next(&mut stream, |item| item.err()).await;
            assert_eq!(end.code(), Code::Unavailable);
            assert!(end.message().contains("closing"), "the stream was told, not cut off: {end}");
        }
    }
}

async fn watch(graph: &GraphLink, from: Option<proto::common::Revision>) -> Stream {
    graph.watch(WatchRequest { from, ..WatchRequest::default() }).await.expect("the graph can be watched")
}

async fn next_change(stream: &mut Stream) -> WatchResponse {
    next(stream, |item| {
        let response = item.expect("the stream goes on");
        matches!(response.event, Some(Event::Change(_))).then_some(response)
    })
    .await
}

/// The next item that `pick` takes.
async fn next<T>(stream: &mut Stream, mut pick: impl FnMut(Result<WatchResponse, Error>) -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = pick(stream.next().await.expect("the stream does not end in silence")) {
                return found;
            }
        }
    };
    tokio::time::timeout(wait::DEADLINE, found).await.expect("within the deadline")
}

fn edge(response: &WatchResponse) -> (Relation, Operation, u32, u32) {
    let Some(Event::Change(change)) = &response.event else { panic!("{response:?} is no change") };
    let relation = proto::convert::relation(change.relation, "relation").expect("a relation");
    (relation, change.operation(), change.source, change.target)
}
