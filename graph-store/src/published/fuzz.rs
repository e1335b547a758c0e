//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::path::Path;

use base::disk::{Mapped, SimulatedDisk};
use base::{Revision, UserId};

use super::{PublishedRun, Ranks, Suggestions};

const FOLDER: &str = "graph";

/// Published results of either kind: their file, with or without its checksum. What can be read is written again to the same
/// bytes.
pub(crate) fn files(input: &[u8]) {
    let sealed = [input, &crc32c::crc32c(input).to_le_bytes()].concat();
    for bytes in [input, &sealed] {
        let (disk, folder) = (SimulatedDisk::new(), Path::new(FOLDER));
        if let Ok(ranks) = Ranks::open(Mapped::from_memory(bytes)) {
            let run = ranks.run();
            let all: Vec<f64> = (0..run.users).map(|user| ranks.of(UserId(user))).collect();
            assert_eq!(ranks.of(UserId(run.users)).to_bits(), 0, "who came after the run");
            let again = Ranks::write(&disk, folder, run, &all).expect("memory takes all");
            assert_eq!(*again, *bytes, "written again");
        }
        if let Ok(suggestions) = Suggestions::open(Mapped::from_memory(bytes)) {
            let run = suggestions.run();
            let all = (0..run.users).map(|user| suggestions.of(UserId(user)));
            assert!(all.clone().flatten().all(|(suggested, _)| suggested.0 < run.users), "a user of the run");
            assert_eq!(suggestions.of(UserId(run.users)).len(), 0, "who came after the run");
            let again = Suggestions::write(&disk, folder, run, all).expect("memory takes all");
            assert_eq!(*again, *bytes, "written again");
        }
    }
}

pub(crate) fn files_seeds() -> Vec<Vec<u8>> {
    let (disk, folder) = (SimulatedDisk::new(), Path::new(FOLDER));
    let run = PublishedRun {
        job: "pagerank".to_owned(),
        parameters: "d=1".to_owned(),
        revision: Revision(7),
        finished_at: 3_600_000,
        users: 3,
    };
    let ranks = Ranks::write(&disk, folder, &run, &[0.5, 0.25, f64::NAN]);
    let of_each = [vec![(UserId(1), 0.5), (UserId(2), 0.25)], vec![], vec![(UserId(0), 1.0)]];
    let of_each = of_each.iter().map(|of_user| of_user.iter().copied());
    let suggestions = Suggestions::write(&disk, folder, &run, of_each);
    [ranks, suggestions].map(|bytes| bytes.expect("memory takes all").to_vec()).into()
}
