//! What the benchmark writes: its tables, its picture, and the place in the document that is its own.

#[path = "../../benches/side-by-side/document.rs"]
mod document;
#[path = "../../benches/side-by-side/picture.rs"]
mod picture;
#[path = "../../benches/side-by-side/plain.rs"]
mod plain;
#[path = "../../benches/side-by-side/table.rs"]
mod table;

use std::fs;
use std::path::Path;

use document::{BEGIN, END, with_figures};
use picture::{Bar, Kind, Panel, draw};
use plain::Plain;
use table::{Table, number, thousands};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of the repository")
}

#[test]
fn only_what_stands_between_the_marks_is_replaced() {
    let document = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
    let once = with_figures(&document, "new\n").expect("marks");
    assert_eq!(once, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
    assert_eq!(with_figures(&once, "new").expect("marks"), once, "a second time changes nothing");
}

#[test]
fn a_document_without_its_marks_is_left_alone() {
    for document in [
        "nothing".to_owned(),
        BEGIN.to_owned(),
        END.to_owned(),
        format!("{END} {BEGIN}"),
        format!("{BEGIN} {BEGIN} {END}"),
        format!("{BEGIN} {END} {END}"),
    ] {
        assert!(with_figures(&document, "new").is_err(), "{document}");
    }
}

#[test]
fn the_document_has_a_place_for_figures_and_the_picture_is_there() {
    let document = read("docs/reports/benchmarks.md");
    with_figures(&document, "new").expect("marks");
    assert!(document.contains("(benchmarks.svg)"));
    let picture = read("docs/reports/benchmarks.svg");
    let picture = roxmltree::Document::parse(&picture).expect("XML");
    assert_eq!(picture.root_element().tag_name().name(), "svg");
}

#[test]
fn figures_have_three_digits_or_so() {
    for (figure, text) in [
        (0.0, "0"),
        (0.006, "0.01"),
        (3.456, "3.46"),
        (-3.456, "-3.46"),
        (9.96, "10.0"),
        (45.67, "45.7"),
        (99.7, "100"),
        (456.7, "457"),
        (999.7, "1,000"),
        (-21_000.4, "-21,000"),
        (1_234_567.0, "1,234,567"),
    ] {
        assert_eq!(number(figure), text);
    }
    assert_eq!(thousands(1_000_007), "1,000,007");
}

#[test]
fn a_table_is_laid_out_in_columns_and_as_markdown() {
    let cells = |row: [&str; 3]| row.map(str::to_owned).to_vec();
    let table = Table {
        title: "Title".into(),
        head: cells(["", "one", "two"]),
        rows: vec![cells(["µs", "1", "22222"]), cells(["long name", "–", "3"])],
    };
    assert_eq!(
        table.markdown(),
        "### Title\n\n|  | one | two |\n| --- | ---: | ---: |\n| µs | 1 | 22222 |\n| long name | – | 3 |\n"
    );
    let lines: Vec<String> = table.plain().lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        ["Title", "             one    two", "  µs           1  22222", "  long name    –      3"]
    );
}

/// The lengths of the bars that a panel of these values gets.
fn lengths(values: &[Option<f64>], is_logarithmic: bool) -> Vec<f64> {
    let bar = |value: &Option<f64>| Bar {
        label: "a < b & c".into(),
        value: *value,
        text: "<1>".into(),
        kind: Kind::Peer,
    };
    let base = Bar { label: "base".into(), value: None, text: String::new(), kind: Kind::Base };
    let bars = values.iter().map(bar).chain([base]).collect();
    let panel = Panel { title: "T".into(), note: "N".into(), bars, is_logarithmic };
    let picture = draw(&[panel], "caption", "said");
    let document = roxmltree::Document::parse(&picture).expect("XML, whatever the words are");
    let bars = document.descendants().filter(|node| node.attribute("class") == Some("peer"));
    bars.map(|node| node.attribute("width").expect("a width").parse().expect("a number")).collect()
}

#[test]
fn bars_are_as_long_as_their_figures_say() {
    let linear = lengths(&[Some(10.0), Some(5.0), Some(0.0), None], false);
    assert!(linear[0] > 100.0);
    assert!((linear[1] - linear[0] / 2.0).abs() < 0.2, "{linear:?}");
    assert_eq!(linear[2..], [0.0, 0.0]);
    let logarithmic = lengths(&[Some(1.0), Some(10.0), Some(100.0)], true);
    let steps = [logarithmic[1] - logarithmic[0], logarithmic[2] - logarithmic[1]];
    assert!((steps[0] - steps[1]).abs() < 0.2 && logarithmic[0] > 0.0, "{logarithmic:?}");
    assert_eq!(lengths(&[None, Some(0.0)], true), [0.0, 0.0]);
    assert!(lengths(&[Some(7.0)], true)[0] > 100.0, "one bar alone is the longest");
}

#[test]
fn panels_stand_inside_the_picture_and_not_upon_each_other() {
    let panel = |count| Panel {
        title: format!("panel {count}"),
        note: String::new(),
        bars: (0..count)
            .map(|at| Bar {
                label: String::new(),
                value: Some(at as f64),
                text: String::new(),
                kind: Kind::Ours,
            })
            .collect(),
        is_logarithmic: false,
    };
    let picture = draw(&[8, 2, 3, 6, 1].map(panel), "", "");
    let document = roxmltree::Document::parse(&picture).expect("XML");
    let figure = |node: &roxmltree::Node, name: &str| -> f64 {
        node.attribute(name).expect("there").parse().expect("a number")
    };
    let height = figure(&document.root_element(), "height");
    let bars: Vec<(f64, f64)> = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("ours"))
        .map(|node| (figure(&node, "x"), figure(&node, "y")))
        .collect();
    assert_eq!(bars.len(), 20);
    assert!(bars.iter().all(|(_, y)| *y < height));
    let mut places = bars.clone();
    places.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    places.dedup();
    assert_eq!(places.len(), bars.len());
}

#[test]
fn what_is_drawn_is_found_between_escape_sequences() {
    let text = |bytes: &[u8]| -> String {
        let mut plain = Plain::default();
        bytes.iter().filter(|byte| plain.takes(**byte)).map(|byte| char::from(*byte)).collect()
    };
    for (drawn, seen) in [
        (&b"ab\r\nc"[..], "abc"),
        (b"\x1b[31;1ma\x1b[mb\x1b[?25h\x1b[12;80Hc", "abc"),
        (b"\x1b]0;title\x07a\x1b]52;c;Zm9v\x1b\\b", "ab"),
        (b"\x1b(Ba\x1b)0b\x1b=c\x1b>\x1b7d\x1b8", "abcd"),
        (b"\x1bPq#0\x1b\\a\x1bkname\x1b\\b", "ab"),
        (b"\x1b[3", ""),
    ] {
        assert_eq!(text(drawn), seen, "{}", drawn.escape_ascii());
    }
}
