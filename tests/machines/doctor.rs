//! `cckw doctor` with machines: each is asked, all at once, and one that does not answer holds up nobody.

use crate::bed::{Bed, Link};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn doctor_says_how_each_machine_is() {
    let Some(bed) = Bed::new(&["box", "lab", "den"]) else { return };
    bed.link("lab", Link::Silent);
    bed.far("den").remove_cckw();
    let said = bed.asked(&["doctor"]);
    let line = |name: &str| {
        let is_meant = |line: &&str| line.contains(" machine ") && line.contains(&format!(" {name}: "));
        said.out.lines().find(is_meant).unwrap_or_else(|| panic!("{name}: {said:#?}")).to_owned()
    };
    let well = line("box");
    assert!(well.starts_with("ok ") && well.contains(&format!("box: cckw {VERSION}, claude ")), "{well}");
    let silent = line("lab");
    assert!(silent.starts_with("warn ") && silent.contains("no answer within 5 s"), "{silent}");
    let without = line("den");
    assert!(without.starts_with("warn ") && without.contains("cckw machine add den --copy"), "{without}");
    bed.well_said(&["machine", "rm", "box", "lab", "den"]);
    assert!(!bed.asked(&["doctor"]).out.contains(" machine "));
}
