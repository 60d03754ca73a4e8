//! The part of a document that the benchmark writes itself.

/// What stands before the figures.
pub const BEGIN: &str = "<!-- figures -->";

/// What stands behind them.
pub const END: &str = "<!-- end of the figures -->";

/// The document with these figures in place of those between the two marks.
///
/// # Errors
/// When one of the marks is missing or there twice, or they are the wrong way round.
pub fn with_figures(document: &str, figures: &str) -> Result<String, String> {
    let [begin, end] = [BEGIN, END].map(|mark| {
        let at = document.find(mark).ok_or_else(|| format!("there is no {mark}"))?;
        if document[at + mark.len()..].contains(mark) {
            Err(format!("{mark} is there twice"))
        } else {
            Ok(at)
        }
    });
    let (begin, end) = (begin? + BEGIN.len(), end?);
    if end < begin {
        return Err(format!("{END} stands before {BEGIN}"));
    }
    Ok(format!("{}\n\n{}\n\n{}", &document[..begin], figures.trim(), &document[end..]))
}
