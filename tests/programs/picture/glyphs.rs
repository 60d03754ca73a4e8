//! Characters that are drawn as shapes: lines and blocks have to meet, whatever font there is.

use std::fmt::Write;

/// The path of one character in a cell of this size at this place, if it is one of those.
pub fn path(c: char, (x, y): (f64, f64), (width, height): (f64, f64)) -> Option<String> {
    let (middle, centre) = (x + width / 2.0, y + height / 2.0);
    let (right, bottom) = (x + width, y + height);
    // From the middle of the cell: left, right, up, down.
    let arms = match c {
        '─' => [true, true, false, false],
        '│' => [false, false, true, true],
        '┌' => [false, true, false, true],
        '┐' => [true, false, false, true],
        '└' => [false, true, true, false],
        '┘' => [true, false, true, false],
        '▔' => return Some(block(x, y, width, height / 8.0)),
        _ => return quarters(c, (x, y), (width, height)),
    };
    let mut path = String::new();
    let line = 1.0;
    let [left, to_right, up, down] = arms;
    if left || to_right {
        let (from, to) = (if left { x } else { middle }, if to_right { right } else { middle });
        path += &block(from, centre - line / 2.0, to - from, line);
    }
    if up || down {
        let (from, to) = (if up { y } else { centre }, if down { bottom } else { centre });
        path += &block(middle - line / 2.0, from, line, to - from);
    }
    Some(path)
}

/// The blocks that are made of quarters of a cell.
fn quarters(c: char, (x, y): (f64, f64), (width, height): (f64, f64)) -> Option<String> {
    // Upper left, upper right, lower left, lower right.
    let filled = match c {
        '█' => 0b1111,
        '▌' => 0b1010,
        '▐' => 0b0101,
        '▀' => 0b1100,
        '▄' => 0b0011,
        '▘' => 0b1000,
        '▝' => 0b0100,
        '▖' => 0b0010,
        '▗' => 0b0001,
        '▛' => 0b1110,
        '▜' => 0b1101,
        '▙' => 0b1011,
        '▟' => 0b0111,
        _ => return None,
    };
    let (half, tall) = (width / 2.0, height / 2.0);
    let mut path = String::new();
    for (bit, left, top) in [(8, x, y), (4, x + half, y), (2, x, y + tall), (1, x + half, y + tall)] {
        if filled & bit != 0 {
            path += &block(left, top, half, tall);
        }
    }
    Some(path)
}

/// A rectangle as part of a path.
pub fn block(x: f64, y: f64, width: f64, height: f64) -> String {
    let mut path = String::new();
    let [x, y, width, height] = [x, y, width, height].map(number);
    let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
    path
}

/// A number with no more digits than it needs.
pub fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
