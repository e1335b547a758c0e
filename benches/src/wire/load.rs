//! How fast answers come: from one client that waits for each, and from many at once.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde::Serialize;

use super::{Connection, Wire};

/// How much of a measurement goes by before the counting begins.
const WARM_UP_SHARE: f64 = 0.2;
/// Connections start that many requests apart from one another.
const STRIDE: usize = 97;

/// Times from a request to its answer.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Latency {
    /// Half of the answers came sooner.
    pub p50_us: f64,
    /// 99 of 100 answers came sooner.
    pub p99_us: f64,
}

/// Asks one question after the other for `time`, over one connection.
pub async fn latency<W: Wire>(
    connection: &mut Connection<W>,
    requests: &[Vec<u8>],
    time: Duration,
) -> anyhow::Result<Latency> {
    let begin = Instant::now();
    let mut took = Vec::new();
    for request in requests.iter().cycle() {
        let asked = Instant::now();
        connection.ask(request).await?;
        if begin.elapsed() > time.mul_f64(WARM_UP_SHARE) {
            took.push(asked.elapsed());
        }
        if begin.elapsed() > time && !took.is_empty() {
            break;
        }
    }
    took.sort_unstable();
    let quantile = |share: f64| {
        let place = (took.len() as f64 * share) as usize;
        took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    Ok(Latency { p50_us: quantile(0.5), p99_us: quantile(0.99) })
}

/// Answers a second, with `in_flight` requests under way on each connection all the time.
pub async fn throughput<W: Wire>(
    connections: &mut [Connection<W>],
    in_flight: usize,
    requests: &[Vec<u8>],
    time: Duration,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let (from, until) = (begin + time.mul_f64(WARM_UP_SHARE), begin + time);
    let clients = connections.iter_mut().enumerate().map(|(client, connection)| async move {
        let mut requests = requests.iter().cycle().skip(client * STRIDE % requests.len());
        let mut next = || requests.next().map_or(&[][..], Vec::as_slice);
        for _ in 0..in_flight {
            connection.send(next());
        }
        let (mut counted, mut under_way) = (0_u64, in_flight);
        while under_way > 0 {
            let answered = connection.receive().await?.count();
            let now = Instant::now();
            if now >= until {
                under_way -= answered;
                continue;
            }
            if now >= from {
                counted += answered as u64;
            }
            for _ in 0..answered {
                connection.send(next());
            }
        }
        anyhow::Ok(counted)
    });
    let counted: u64 = try_join_all(clients).await?.into_iter().sum();
    Ok(counted as f64 / (until - from).as_secs_f64())
}
