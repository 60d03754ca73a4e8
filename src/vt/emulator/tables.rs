//! What cells refer to by a number: styles, hyperlinks, and clusters of several characters.
//!
//! A number is given out once for each value. When there are many, those that no cell has any more are
//! taken back, so that the tables never grow much beyond what the screen shows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Content};
use super::style::{PLAIN, Style};

/// Longest address of a hyperlink, in bytes: what VTE and iTerm2 take.
pub const MAX_ADDRESS_BYTES: usize = 2083;
/// Longest parameters of a hyperlink, in bytes: VTE takes an id of 250.
const MAX_LINK_PARAMS_BYTES: usize = 256;
/// How much all hyperlinks may take, in bytes. One more than that is shown as text.
const MAX_LINK_TABLE_BYTES: usize = 1 << 20;
/// So many values are there always room for.
const MIN_TABLE: usize = 1024;

/// A hyperlink (OSC 8), as the program has said it.
#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// `id=…`, or nothing.
    pub params: String,
    pub address: String,
}

impl Link {
    fn bytes(&self) -> usize {
        // What the table needs besides is a little more than this.
        self.params.len() + self.address.len() + 128
    }
}

/// Values with numbers.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Clone + Eq + Hash + Deserialize<'de>"))]
struct Numbered<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Serialize> Serialize for Numbered<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

impl<T: Clone + Eq + Hash> TryFrom<Vec<T>> for Numbered<T> {
    type Error = &'static str;

    fn try_from(values: Vec<T>) -> Result<Self, Self::Error> {
        let numbered = values.iter().zip(0..).map(|(value, number)| (value.clone(), number));
        let numbers: HashMap<T, u32> = numbered.collect();
        if values.is_empty() || numbers.len() != values.len() {
            return Err("a table that is empty, or has a value twice");
        }
        Ok(Self { values, numbers })
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn has(&self, number: u32) -> bool {
        (number as usize) < self.values.len()
    }

    /// With a first value, whose number is 0.
    fn new(first: T) -> Self {
        Self { values: vec![first.clone()], numbers: HashMap::from([(first, 0)]) }
    }

    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(0);
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    fn get(&self, number: u32) -> &T {
        self.values.get(number as usize).unwrap_or(&self.values[0])
    }

    fn marks(&self) -> Vec<bool> {
        let mut marks = vec![false; self.values.len()];
        marks[0] = true;
        marks
    }

    /// Keeps what is marked, and returns the new number of each. `change` is applied to what is kept.
    fn keep(&mut self, marks: &[bool], change: impl Fn(T) -> T) -> Vec<u32> {
        let old = std::mem::take(&mut self.values);
        self.numbers = HashMap::new();
        let mut renumbered = vec![0; old.len()];
        for (at, value) in old.into_iter().enumerate().filter(|(at, _)| marks[*at]) {
            let value = change(value);
            renumbered[at] = u32::try_from(self.values.len()).unwrap_or(0);
            self.numbers.insert(value.clone(), renumbered[at]);
            self.values.push(value);
        }
        renumbered
    }
}

/// All three tables.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tables {
    styles: Numbered<Style>,
    links: Numbered<Arc<Link>>,
    clusters: Numbered<Arc<str>>,
    link_bytes: usize,
    /// What was asked for since the last collection, in bytes, whether it was taken or not.
    link_bytes_since: usize,
    /// With so many values in a table it is time to collect.
    limit: usize,
}

impl Tables {
    pub fn new() -> Self {
        let no_link = Arc::new(Link { params: String::new(), address: String::new() });
        Self {
            styles: Numbered::new(PLAIN),
            links: Numbered::new(no_link),
            clusters: Numbered::new(Arc::from("")),
            link_bytes: 0,
            link_bytes_since: 0,
            limit: MIN_TABLE,
        }
    }

    pub fn style_number(&mut self, style: &Style) -> u32 {
        self.styles.number(style)
    }

    pub fn style(&self, number: u32) -> &Style {
        self.styles.get(number)
    }

    pub fn cluster_number(&mut self, cluster: &str) -> u32 {
        self.clusters.number(&Arc::from(cluster))
    }

    /// Whether a collection is worth its time: many values, or much for hyperlinks.
    pub fn are_full(&self) -> bool {
        self.styles.values.len() + self.clusters.values.len() > self.limit
            || self.link_bytes > MAX_LINK_TABLE_BYTES / 2 && self.link_bytes_since > MAX_LINK_TABLE_BYTES / 2
    }

    /// The number of a hyperlink; 0, as for none, if it is too long or there are too many.
    pub fn link_number(&mut self, params: &str, address: &str) -> u32 {
        if address.is_empty() || address.len() > MAX_ADDRESS_BYTES || params.len() > MAX_LINK_PARAMS_BYTES {
            return 0;
        }
        let link = Arc::new(Link { params: params.into(), address: address.into() });
        self.link_bytes_since = self.link_bytes_since.saturating_add(link.bytes());
        if let Some(number) = self.links.numbers.get(&link) {
            return *number;
        }
        if self.link_bytes + link.bytes() > MAX_LINK_TABLE_BYTES {
            return 0;
        }
        self.link_bytes += link.bytes();
        self.links.number(&link)
    }

    /// A hyperlink; nothing for the number 0.
    pub fn link(&self, number: u32) -> Option<&Link> {
        (number != 0).then(|| self.links.get(number).as_ref())
    }

    /// The characters of a cell; none of one that is empty.
    pub fn push_text(&self, cell: &Cell, out: &mut String) {
        match cell.content() {
            Content::Empty => {}
            Content::Char(char) => out.push(char),
            Content::Cluster(number) => out.push_str(self.clusters.get(number)),
        }
    }

    /// Whether all that a cell refers to is there.
    pub fn have_all_of(&self, cell: &Cell) -> bool {
        let has_cluster = match cell.content() {
            Content::Cluster(number) => self.clusters.has(number),
            Content::Empty | Content::Char(_) => true,
        };
        has_cluster && self.styles.has(cell.style)
    }

    /// Whether the hyperlinks of all styles, and of these, are there.
    pub fn have_links_of(&self, others: [&Style; 3]) -> bool {
        self.styles.values.iter().chain(others).all(|style| self.links.has(style.link))
    }

    /// How many values there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.styles.values.len() + self.links.values.len() + self.clusters.values.len()
    }

    /// Forgets what neither the cells nor the styles that are handed in refer to, and gives the rest new
    /// numbers. `cells` calls its argument for every cell.
    pub fn collect(
        &mut self,
        pens: &mut [&mut Style],
        mut cells: impl FnMut(&mut dyn FnMut(&mut Cell)),
        cell_count: usize,
    ) {
        let (mut styles, mut clusters) = (self.styles.marks(), self.clusters.marks());
        cells(&mut |cell| {
            styles[cell.style as usize] = true;
            if let Content::Cluster(number) = cell.content() {
                clusters[number as usize] = true;
            }
        });
        let mut links = self.links.marks();
        for (style, _) in self.styles.values.iter().zip(&styles).filter(|(_, is_used)| **is_used) {
            links[style.link as usize] = true;
        }
        for pen in pens.iter() {
            links[pen.link as usize] = true;
        }
        let links = self.links.keep(&links, |link| link);
        let styles = self.styles.keep(&styles, |style| Style { link: links[style.link as usize], ..style });
        let clusters = self.clusters.keep(&clusters, |cluster| cluster);
        for pen in pens {
            pen.link = links[pen.link as usize];
        }
        cells(&mut |cell| {
            let style = styles[cell.style as usize];
            *cell = match cell.content() {
                Content::Cluster(number) => {
                    Cell::of_cluster(clusters[number as usize], cell.is_wide(), style)
                }
                _ => cell.with_style(style),
            };
        });
        self.link_bytes = self.links.values[1..].iter().map(|link| link.bytes()).sum();
        self.link_bytes_since = 0;
        // A look at all cells comes once for at least a sixteenth as many new values.
        let live = self.styles.values.len() + self.clusters.values.len();
        self.limit = 2 * live + cell_count / 16 + MIN_TABLE;
    }
}
