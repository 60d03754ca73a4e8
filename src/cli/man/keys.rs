//! The keys of the fleet view, for its manual page.

use roff::{Roff, bold, roman};

use crate::cli::top::keys::{MOUSE, TABLES};

/// Adds the tables of keys.
pub fn add(roff: &mut Roff) {
    roff.control("SH", ["KEYS"]);
    for table in TABLES {
        roff.control("SS", [table.title]);
        table.bindings.iter().for_each(|binding| line(roff, &binding.names(), binding.words));
    }
    roff.control("SS", ["The mouse"]);
    MOUSE.iter().for_each(|(what, words)| line(roff, what, words));
}

/// Keys, and what they do.
fn line(roff: &mut Roff, keys: &str, words: &str) {
    roff.control("TP", []);
    roff.text([bold(keys)]);
    roff.text([roman(format!("{words}."))]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_on_the_page() {
        let mut roff = Roff::new();
        add(&mut roff);
        let page = roff.render();
        for table in TABLES {
            assert!(page.contains(table.title), "{page}");
            for binding in table.bindings {
                let words = binding.words.replace('\\', "\\\\").replace('-', "\\-");
                assert!(page.contains(&words), "{words}\n{page}");
            }
        }
    }
}
