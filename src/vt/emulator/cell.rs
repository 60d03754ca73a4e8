//! A cell of the screen in eight bytes: what stands in it, and the number of its style.

/// One column of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// A character, or the number of a cluster of them; 0 where nothing was ever written.
    content: u32,
    /// The number of its style in the table of styles.
    pub style: u32,
}

/// The number of a cluster, not a character.
const CLUSTER: u32 = 1 << 31;
/// It is as wide as two columns, and the next cell is its second half.
const WIDE: u32 = 1 << 30;
/// It is the second half of the cell before it.
const CONTINUES: u32 = 1 << 29;
const VALUE: u32 = CONTINUES - 1;

/// Cells for serde: each run of equal ones as content, style and how many there are.
pub mod runs {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Cell;

    /// The most cells of one row: more than any screen has.
    const MAX_CELLS: usize = 1 << 16;

    pub fn serialize<S: Serializer>(cells: &[Cell], serializer: S) -> Result<S::Ok, S::Error> {
        let runs = cells.chunk_by(|one, next| one == next);
        serializer.collect_seq(runs.map(|run| (run[0].content, run[0].style, run.len())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cell>, D::Error> {
        let mut cells = Vec::new();
        for (content, style, count) in Vec::<(u32, u32, usize)>::deserialize(deserializer)? {
            if count > MAX_CELLS - cells.len() {
                return Err(D::Error::custom("a row with too many cells"));
            }
            cells.resize(cells.len() + count, Cell { content, style });
        }
        Ok(cells)
    }
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing was written since it was erased, or it is the second half of a wide cell.
    Empty,
    Char(char),
    /// The number of a cluster in the table of clusters.
    Cluster(u32),
}

impl Cell {
    /// One that was erased.
    pub fn erased(style: u32) -> Self {
        Self { content: 0, style }
    }

    pub fn of_char(char: char, is_wide: bool, style: u32) -> Self {
        Self { content: u32::from(char) | if is_wide { WIDE } else { 0 }, style }
    }

    pub fn of_cluster(number: u32, is_wide: bool, style: u32) -> Self {
        Self { content: number & VALUE | CLUSTER | if is_wide { WIDE } else { 0 }, style }
    }

    /// The second half of a wide cell.
    pub fn second_half(style: u32) -> Self {
        Self { content: CONTINUES, style }
    }

    pub fn with_style(self, style: u32) -> Self {
        Self { style, ..self }
    }

    pub fn content(&self) -> Content {
        let value = self.content & VALUE;
        if self.content & CLUSTER != 0 {
            Content::Cluster(value)
        } else if value == 0 {
            Content::Empty
        } else {
            char::from_u32(value).map_or(Content::Empty, Content::Char)
        }
    }

    /// Whether something was written in it. Of a wide character that is the first half.
    pub fn is_written(&self) -> bool {
        self.content & (VALUE | CLUSTER) != 0
    }

    /// Whether nothing is in it, not even a colour.
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }

    pub fn is_wide(&self) -> bool {
        self.content & WIDE != 0
    }

    pub fn continues(&self) -> bool {
        self.content & CONTINUES != 0
    }
}
