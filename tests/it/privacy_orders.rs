//! Extracts of the same people cannot be put together: neither by a pseudonym, nor by where rows stand; not of two
//! projects, not of two epochs, not of two keys; nor does the order tell where a row stood in the source.

use crate::reckon::{Reckoner, Ten, bytes_of, figure, give_keyring, secret};
use crate::support::{COARSE, SMALL, World, read, tables, texts};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// One extract, and how its pseudonyms are made.
struct Cut {
    name: String,
    path: PathBuf,
    project: String,
    epoch: u32,
    key: &'static str,
}

/// Every pseudonym in any column of any table, by column.
fn pseudonyms(extract: &Path) -> BTreeMap<String, BTreeSet<Ten>> {
    let mut found: BTreeMap<String, BTreeSet<Ten>> = BTreeMap::new();
    for path in tables(extract).keys() {
        let batch = read(&extract.join("data").join(path));
        for field in batch.schema().fields() {
            if *field.data_type() == arrow::datatypes::DataType::Utf8 {
                let cells = texts(&batch, field.name());
                found
                    .entry(field.name().clone())
                    .or_default()
                    .extend(cells.iter().flatten().filter_map(|c| bytes_of(c)));
            }
        }
    }
    found.retain(|_, of_column| !of_column.is_empty());
    found
}

/// Spearman's rank correlation of the people whom two orders share, and how many these are.
fn rank_correlation(a: &HashMap<&str, usize>, b: &HashMap<&str, usize>) -> (f64, usize) {
    let mut shared: Vec<(usize, usize)> = a.iter().filter_map(|(who, at)| Some((*at, *b.get(who)?))).collect();
    let n = shared.len();
    shared.sort_unstable();
    let mut second: Vec<usize> = (0..n).collect();
    second.sort_by_key(|i| shared[*i].1);
    #[expect(clippy::cast_precision_loss, reason = "some thousand people")]
    let squares: f64 = second.iter().enumerate().map(|(rank, i)| (rank as f64 - *i as f64).powi(2)).sum();
    #[expect(clippy::cast_precision_loss, reason = "some thousand people")]
    let n_ = n as f64;
    (1.0 - 6.0 * squares / (n_ * (n_ * n_ - 1.0)), n)
}

/// Five standard deviations of a rank correlation of orders that have nothing to do with each other.
fn bound(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand people")]
    let n = n as f64;
    5.0 / (n - 1.0).sqrt()
}

#[test]
fn extracts_of_the_same_people_share_neither_pseudonyms_nor_order() {
    let world = World::made(&["--persons", "4000"]);
    let bases = [(SMALL, "LEO-2019-901"), (COARSE, "LEO-2019-903")];
    for (base, twin) in bases {
        world.add_twin(base, twin);
    }
    give_keyring(&world, &["a"]);
    world.build(&bases.map(|(base, twin)| [base, twin]).concat()).ends(0);
    for (base, _) in bases {
        world.amend(base, "{epoch: 1}", "{epoch: 2}");
    }
    world.build(&bases.map(|(base, _)| base)).ends(0);
    give_keyring(&world, &["b", "a"]);
    world.build(&bases.map(|(base, _)| base)).ends(0);

    // Who stands where in the source, in the order of the link table; and by number.
    let link = texts(&read(&world.source("link/ae_id_pmr.parquet")), "AE_ID");
    let people: Vec<String> = link.into_iter().flatten().collect::<Vec<_>>();
    let mut stored: HashMap<&str, usize> = HashMap::new();
    for (at, who) in people.iter().enumerate() {
        stored.entry(who).or_insert(at);
    }
    let mut sorted: Vec<&str> = stored.keys().copied().collect();
    sorted.sort_by_key(|who| who.parse::<u64>().unwrap());
    let numbered: HashMap<&str, usize> = sorted.iter().enumerate().map(|(at, who)| (*who, at)).collect();
    assert!((rank_correlation(&stored, &stored).0 - 1.0).abs() < 1e-9, "the measure sees an order that is the same");

    let (mut compared, mut largest, mut checked) = (0, 0.0_f64, 0);
    let mut near_zero = |what: &str, a: &HashMap<&str, usize>, b: &HashMap<&str, usize>| {
        let (r, n) = rank_correlation(a, b);
        assert!(n > 100, "{what}: only {n} people in both");
        assert!(r.abs() < bound(n), "{what}: the orders of {n} people correlate by {r}, beyond {}", bound(n));
        largest = largest.max(r.abs() / bound(n));
        compared += 1;
    };
    for (base, twin) in bases {
        let of = |project: &str, version: &str, epoch, key| Cut {
            name: format!("{project} {version}"),
            path: world.path(&format!("extracts/{project}/{version}")),
            project: project.to_owned(),
            epoch,
            key,
        };
        let cuts = [
            of(base, "v0001", 1, "a"),
            of(twin, "v0001", 1, "a"),
            of(base, "v0002", 2, "a"),
            of(base, "v0003", 2, "b"),
        ];
        let mut orders: Vec<HashMap<&str, usize>> = Vec::new();
        for cut in &cuts {
            let reckon = Reckoner::new(&secret(cut.key)).person(&cut.project, cut.epoch);
            let who: HashMap<Ten, &str> = stored.keys().map(|who| (reckon(who.as_bytes()), *who)).collect();
            let rows = texts(&read(&cut.path.join("data/persons.parquet")), "person_id");
            let mut order = HashMap::new();
            for (at, id) in rows.iter().flatten().enumerate() {
                // Some are known by another kind of identifier alone.
                if let Some(who) = who.get(&bytes_of(id).unwrap()) {
                    order.insert(*who, at);
                }
            }
            assert!(order.len() * 10 > rows.len() * 9, "{}: {} of {} are known", cut.name, order.len(), rows.len());
            near_zero(&format!("{} and the source", cut.name), &order, &stored);
            near_zero(&format!("{} and the people's numbers", cut.name), &order, &numbered);
            orders.push(order);
        }
        let all: Vec<_> = cuts.iter().map(|cut| pseudonyms(&cut.path)).collect();
        for i in 0..cuts.len() {
            for j in 0..i {
                near_zero(&format!("{} and {}", cuts[i].name, cuts[j].name), &orders[i], &orders[j]);
                assert_eq!(all[i].keys().collect::<Vec<_>>(), all[j].keys().collect::<Vec<_>>());
                // In any column of the one and any column of the other.
                let flat =
                    |of: &BTreeMap<String, BTreeSet<Ten>>| of.values().flatten().copied().collect::<BTreeSet<_>>();
                let (here, there) = (flat(&all[i]), flat(&all[j]));
                assert!(here.is_disjoint(&there), "{} and {} share a pseudonym", cuts[i].name, cuts[j].name);
                checked += here.len();
            }
        }
        let columns = all[0].len();
        assert!(columns >= if base == COARSE { 3 } else { 2 }, "{base}: {:?}", all[0].keys());
    }
    figure(&format!(
        "{compared} pairs of orders, the largest rank correlation {largest:.2} of its bound (five standard deviations); \
             {checked} pseudonyms compared, 0 shared"
    ));
}
