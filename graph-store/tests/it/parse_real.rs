//! The real graphs hold what their README says.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use graph_store::import::parse::Edges;
use graph_store::import::source::Source;
use roaring::RoaringBitmap;

/// The file of the test data, or `None`, said aloud, where there are none and this is not the continuous integration.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ROOST_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{} is not there; set ROOST_TEST_DATA",
        path.display()
    );
    // Past the harness, which keeps to itself what a test that passes prints.
    let _ = writeln!(std::io::stderr(), "skipped: {} is not there; set ROOST_TEST_DATA", path.display());
    None
}

struct Counts {
    ids: u64,
    edges: usize,
    distinct: usize,
    self_loops: usize,
    most_followees: usize,
    most_followers: usize,
}

fn count(path: PathBuf) -> Counts {
    let source = Source::open(&path).expect("the file is there");
    let progress = source.progress();
    let mut edges: Vec<[u64; 2]> = Edges::new(source).map(|edge| edge.expect("well-formed")).collect();
    assert_eq!(Some(progress.bytes_read()), progress.bytes_total());
    let most = |end: usize| {
        let mut degrees: BTreeMap<u64, usize> = BTreeMap::new();
        for edge in &edges {
            *degrees.entry(edge[end]).or_default() += 1;
        }
        degrees.into_values().max().unwrap_or(0)
    };
    let (most_followees, most_followers) = (most(0), most(1));
    let ids: RoaringBitmap =
        edges.iter().flatten().map(|id| u32::try_from(*id).expect("these graphs have small ids")).collect();
    let read = edges.len();
    let self_loops = edges.iter().filter(|[source, target]| source == target).count();
    edges.sort_unstable();
    edges.dedup();
    Counts { ids: ids.len(), edges: read, distinct: edges.len(), self_loops, most_followees, most_followers }
}

#[test]
fn ego_twitter() {
    let Some(path) = file("ego-twitter/ego-twitter.el.gz") else { return };
    let counts = count(path);
    assert_eq!((counts.ids, counts.edges, counts.distinct, counts.self_loops), (81_306, 1_768_135, 1_768_135, 0));
    assert_eq!((counts.most_followers, counts.most_followees), (3_383, 1_205));
}

#[test]
fn soc_epinions1() {
    let Some(path) = file("soc-epinions1/soc-epinions1.el.gz") else { return };
    let counts = count(path);
    assert_eq!((counts.ids, counts.edges, counts.distinct, counts.self_loops), (75_877, 508_836, 508_836, 0));
}

#[test]
fn fb100() {
    let Some(path) = file("fb100/fb100-union.el.gz") else { return };
    let counts = count(path);
    assert_eq!((counts.ids, counts.edges, counts.distinct, counts.self_loops), (68_682, 5_386_410, 5_386_410, 0));
    assert_eq!(counts.most_followers, counts.most_followees, "both directions are written");
}
