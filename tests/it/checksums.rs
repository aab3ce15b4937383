//! Page checksums: a source that carries them is refused wherever a page that is read was damaged.
//!
//! No crate writes them, so the file is of another program's making: the Key Stage 4 slice of `synth --persons 300 --years
//! 2009/2010 --seed 1 --published-key`, written anew by PyArrow 26.0.1 with `write_table(table, path,
//! write_page_checksum=True, compression="none", data_page_size=128, write_batch_size=40)`. Nothing is compressed: a bit that is
//! flipped would decode to another value.

use crate::regions::{DAMAGES, Dice, damaged, regions};
use crate::support::{SMALL, World, replace, tables};

const SOURCE: &str = "npd/ks4/KS4_2009_2010.parquet";
const CHECKSUMMED: &[u8] = include_bytes!("fixtures/KS4_2009_2010_checksums.parquet");

#[test]
fn a_page_that_belies_its_checksum_is_never_accepted() {
    let world = World::made(&["--persons", "300", "--years", "2009/2010"]);
    world.build(&[SMALL]).ends(0);
    let original = tables(&world.latest(SMALL));
    replace(&world.source(SOURCE), CHECKSUMMED);
    world.build(&[SMALL]).ends(0);
    let good = world.latest(SMALL);
    let pristine = tables(&good);
    assert!(pristine == original, "the layout of a source shows");
    let pages: Vec<_> = regions(CHECKSUMMED)
        .into_iter()
        .filter(|region| ["dictionary", "levels", "data"].contains(&region.name))
        .map(|region| region.range)
        .collect();
    let mut dice = Dice(0x5eed_0003);
    let (mut refused, mut unread) = (0, 0);
    for (page, damage) in pages.iter().zip(DAMAGES.iter().cycle()) {
        let Some(bad) = damaged(CHECKSUMMED, page, *damage, &mut dice).filter(|bad| bad.len() == CHECKSUMMED.len())
        else {
            continue;
        };
        replace(&world.source(SOURCE), &bad);
        let run = world.build(&[SMALL]);
        if run.code == 0 {
            // A column that the project does not ask for is not read at all.
            assert!(tables(&world.latest(SMALL)) == pristine, "{damage:?} at {page:?} was accepted");
            unread += 1;
        } else {
            assert_eq!(run.code, 65, "{}", run.said());
            assert!(run.said().contains("KS4_2009_2010.parquet"), "{}", run.said());
            refused += 1;
        }
    }
    println!("page checksums: {} damaged, {refused} refused, {unread} in columns that nobody reads", refused + unread);
    assert!(refused >= 4, "{refused} refused, {unread} unread");
}
