//! What somebody asks for, over the wire or on the command line, as a job: the one place that knows defaults and ranges.

use base::{Direction, Error};
use proto::analytics::run_request::Job as Asked;
use proto::analytics::{self as wire, Measure as WireMeasure, RunRequest};
use proto::graph;

use crate::job::{Job, Users};
use crate::jobs::{Cdlp, Communities, Influence, Measure, PageRank, Similar, Sssp, WhoToFollow};

/// Threads of a job at the most.
pub const THREADS_MAX: u32 = 1024;
/// How many are found for each user at the most.
pub const TOP_MAX: u32 = 65_535;

/// The job that a request describes; `vertex` finds who has an external id.
///
/// # Errors
///
/// No job, a number out of its range, somebody who is not in the graph, or a result that cannot be published: each names
/// its field.
pub fn job_of(request: &RunRequest, vertex: &dyn Fn(u64) -> Option<u32>) -> Result<Job, Error> {
    let job = match request.job.as_ref().ok_or_else(|| Error::invalid("job", "must be given"))? {
        Asked::Pagerank(asked) => Job::PageRank(pagerank(asked)?),
        Asked::Bfs(asked) => Job::Bfs(known(asked.source, "job.bfs.source", vertex)?),
        Asked::Wcc(_) => Job::Wcc,
        Asked::Cdlp(asked) => Job::Cdlp(Cdlp { iterations: asked.iterations.unwrap_or(Cdlp::default().iterations) }),
        Asked::Lcc(_) => Job::Lcc,
        Asked::Sssp(asked) => {
            let source = known(asked.source, "job.sssp.source", vertex)?;
            Job::Sssp(Sssp { source, weighted: asked.weighted })
        }
        Asked::Triangles(_) => Job::Triangles,
        Asked::Kcore(_) => Job::KCore,
        Asked::Degrees(_) => Job::Degrees,
        Asked::Reciprocity(_) => Job::Reciprocity,
        Asked::Communities(asked) => Job::Communities(communities(asked)?),
        Asked::Influence(asked) => Job::Influence(influence(asked)?),
        Asked::Similar(asked) => {
            let users = users_of(asked.users.as_ref(), "job.similar.users.ids", vertex)?;
            Job::Similar(similar(asked)?, users)
        }
        Asked::WhoToFollow(asked) => {
            let users = users_of(asked.users.as_ref(), "job.who_to_follow.users.ids", vertex)?;
            Job::WhoToFollow(who_to_follow(asked)?, users)
        }
    };
    if request.threads > THREADS_MAX {
        return Err(Error::invalid("threads", format!("at most {THREADS_MAX}")));
    }
    if request.publish && !matches!(job, Job::PageRank(_) | Job::WhoToFollow(_, Users::All)) {
        return Err(Error::invalid("publish", "only pagerank, and who-to-follow for everybody, can be published"));
    }
    Ok(job)
}

/// Whether a request names vertices.
pub(crate) fn names_somebody(request: &RunRequest) -> bool {
    match &request.job {
        Some(Asked::Bfs(_) | Asked::Sssp(_)) => true,
        Some(Asked::Similar(asked)) => asked.users.is_some(),
        Some(Asked::WhoToFollow(asked)) => asked.users.is_some(),
        _ => false,
    }
}

fn pagerank(asked: &wire::PageRank) -> Result<PageRank, Error> {
    let default = PageRank::default();
    // Whoever asks for some iterations gets them all.
    let tolerance = default.tolerance.filter(|_| asked.iterations.is_none());
    Ok(PageRank {
        damping: within(asked.damping.unwrap_or(default.damping), 1.0, "job.pagerank.damping")?,
        iterations: asked.iterations.unwrap_or(default.iterations),
        tolerance: match asked.tolerance {
            Some(tolerance) => Some(within(tolerance, f64::MAX, "job.pagerank.tolerance")?),
            None => tolerance,
        },
    })
}

fn communities(asked: &wire::Communities) -> Result<Communities, Error> {
    let default = Communities::default();
    let resolution = asked.resolution.unwrap_or(default.resolution);
    if !(resolution.is_finite() && resolution > 0.0) {
        return Err(Error::invalid("job.communities.resolution", "must be a number above 0"));
    }
    Ok(Communities { resolution, iterations: asked.iterations.unwrap_or(default.iterations) })
}

fn influence(asked: &wire::Influence) -> Result<Influence, Error> {
    let default = Influence::default();
    let precision = asked.precision.unwrap_or(default.precision);
    if !(6..=16).contains(&precision) {
        return Err(Error::invalid("job.influence.precision", "from 6 to 16"));
    }
    Ok(Influence { precision, ..default })
}

fn similar(asked: &wire::Similar) -> Result<Similar, Error> {
    let default = Similar::default();
    let measure = match WireMeasure::try_from(asked.measure) {
        Ok(WireMeasure::Unspecified | WireMeasure::Jaccard) => Measure::Jaccard,
        Ok(WireMeasure::Cosine) => Measure::Cosine,
        Err(_) => return Err(Error::invalid("job.similar.measure", "no such measure")),
    };
    let direction = match graph::Direction::try_from(asked.direction) {
        Ok(graph::Direction::Unspecified | graph::Direction::Forward) => Direction::Forward,
        Ok(graph::Direction::Reverse) => Direction::Reverse,
        Err(_) => return Err(Error::invalid("job.similar.direction", "no such direction")),
    };
    let top = top(asked.top, default.top, "job.similar.top")?;
    Ok(Similar { top, measure, direction, steps_max: asked.steps.unwrap_or(default.steps_max), ..default })
}

fn who_to_follow(asked: &wire::WhoToFollow) -> Result<WhoToFollow, Error> {
    let default = WhoToFollow::default();
    let top = top(asked.top, default.top, "job.who_to_follow.top")?;
    Ok(WhoToFollow { top, circle: asked.circle.map_or(default.circle, |circle| circle as usize), ..default })
}

fn top(asked: Option<u32>, default: usize, field: &str) -> Result<usize, Error> {
    match asked {
        None => Ok(default),
        Some(top) if top <= TOP_MAX => Ok(top as usize),
        Some(_) => Err(Error::invalid(field, format!("at most {TOP_MAX}"))),
    }
}

/// A number from 0 to `max`.
fn within(number: f64, max: f64, field: &str) -> Result<f64, Error> {
    if (0.0..=max).contains(&number) {
        Ok(number)
    } else if max == f64::MAX {
        Err(Error::invalid(field, "must be a number from 0 on"))
    } else {
        Err(Error::invalid(field, format!("must be from 0 to {max}")))
    }
}

fn users_of(asked: Option<&wire::Users>, field: &str, vertex: &dyn Fn(u64) -> Option<u32>) -> Result<Users, Error> {
    let Some(users) = asked else { return Ok(Users::All) };
    Ok(Users::These(users.ids.iter().map(|id| known(*id, field, vertex)).collect::<Result<_, _>>()?))
}

fn known(id: u64, field: &str, vertex: &dyn Fn(u64) -> Option<u32>) -> Result<u32, Error> {
    vertex(id).ok_or_else(|| Error::invalid(field, format!("nobody in the graph has the id {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(job: Asked) -> RunRequest {
        RunRequest { job: Some(job), ..RunRequest::default() }
    }

    /// The job where ids 100 to 109 are the vertices 0 to 9.
    fn job(request: &RunRequest) -> Result<Job, Error> {
        job_of(request, &|id| (100..110).contains(&id).then(|| (id - 100) as u32))
    }

    #[test]
    fn what_is_left_out_is_as_the_jobs_have_it() -> Result<(), Error> {
        let defaults = [
            (Asked::Pagerank(wire::PageRank::default()), Job::PageRank(PageRank::default())),
            (Asked::Cdlp(wire::Cdlp::default()), Job::Cdlp(Cdlp::default())),
            (Asked::Communities(wire::Communities::default()), Job::Communities(Communities::default())),
            (Asked::Influence(wire::Influence::default()), Job::Influence(Influence::default())),
            (Asked::Similar(wire::Similar::default()), Job::Similar(Similar::default(), Users::All)),
            (Asked::WhoToFollow(wire::WhoToFollow::default()), Job::WhoToFollow(WhoToFollow::default(), Users::All)),
        ];
        for (request, expected) in defaults {
            assert_eq!(job(&asked(request))?, expected);
        }
        let iterations = wire::PageRank { iterations: Some(7), ..wire::PageRank::default() };
        let all_of_them = PageRank { iterations: 7, tolerance: None, ..PageRank::default() };
        assert_eq!(job(&asked(Asked::Pagerank(iterations)))?, Job::PageRank(all_of_them));
        assert_eq!(job(&asked(Asked::Bfs(wire::Bfs { source: 103 })))?, Job::Bfs(3));
        let users = Some(wire::Users { ids: vec![109, 100] });
        let some = job(&asked(Asked::WhoToFollow(wire::WhoToFollow { users, ..Default::default() })))?;
        assert_eq!(some, Job::WhoToFollow(WhoToFollow::default(), Users::These(vec![9, 0])));
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_named() {
        let damping = |damping| Asked::Pagerank(wire::PageRank { damping: Some(damping), ..Default::default() });
        let resolution =
            |resolution| Asked::Communities(wire::Communities { resolution: Some(resolution), ..Default::default() });
        let with = |job, publish, threads| RunRequest { publish, threads, ..asked(job) };
        let nobody = Some(wire::Users { ids: vec![] });
        let of_none = Asked::WhoToFollow(wire::WhoToFollow { users: nobody, ..Default::default() });
        for (request, field) in [
            (RunRequest::default(), "job"),
            (asked(damping(1.5)), "job.pagerank.damping"),
            (asked(damping(f64::NAN)), "job.pagerank.damping"),
            (asked(resolution(0.0)), "job.communities.resolution"),
            (asked(resolution(f64::INFINITY)), "job.communities.resolution"),
            (asked(Asked::Bfs(wire::Bfs { source: 7 })), "job.bfs.source"),
            (asked(Asked::Influence(wire::Influence { precision: Some(17) })), "job.influence.precision"),
            (asked(Asked::Similar(wire::Similar { top: Some(65_536), ..Default::default() })), "job.similar.top"),
            (asked(Asked::Similar(wire::Similar { measure: 9, ..Default::default() })), "job.similar.measure"),
            (with(Asked::Wcc(wire::Wcc {}), true, 0), "publish"),
            (with(of_none, true, 0), "publish"),
            (with(Asked::Wcc(wire::Wcc {}), false, 1025), "threads"),
        ] {
            let error = job(&request).expect_err("something is wrong");
            assert_eq!(error.field(), Some(field), "{error}");
        }
    }
}
