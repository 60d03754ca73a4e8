//! Bars, as SVG. It follows the reader's choice of light or dark, and brings its own background, so that it
//! can be read wherever it is shown.

use std::fmt::Write as _;

/// Bars under one title.
pub struct Panel {
    /// What is shown.
    pub title: String,
    /// The unit, and which way is better.
    pub note: String,
    /// The bars, from above.
    pub bars: Vec<Bar>,
    /// Whether a bar ten times as long as another stands for a thousandfold figure or so, rather than a
    /// tenfold one.
    pub is_logarithmic: bool,
}

/// One bar.
pub struct Bar {
    /// What stands at its left.
    pub label: String,
    /// How long it is; nothing where there is no figure.
    pub value: Option<f64>,
    /// What stands at its right.
    pub text: String,
    /// How it is drawn.
    pub kind: Kind,
}

/// Whose bar it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// cckw's.
    Ours,
    /// What is compared with.
    Base,
    /// Somebody else's.
    Peer,
}

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 24.0;
const COLUMNS: usize = 2;
const GAP: f64 = 28.0;
/// From the top of a panel to its first bar.
const HEAD: f64 = 44.0;
/// From one bar to the next.
const STEP: f64 = 20.0;
const BAR: f64 = 12.0;
/// Room for a label, and for a figure behind the longest bar.
const LABEL: f64 = 92.0;
const FIGURE: f64 = 84.0;

const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#24292f}\
.t{font-weight:600;font-size:13px}.n{fill:#57606a;font-size:11px}\
.bg{fill:#ffffff;stroke:#d0d7de}.ours{fill:#cf5f2e}.base{fill:#57606a}.peer{fill:#a9b4c0}.b{font-weight:600}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.bg{fill:#0d1117;stroke:#30363d}\
.ours{fill:#f0834d}.base{fill:#9198a1}.peer{fill:#4d5763}}";

/// The whole picture; `said` is what somebody is told who cannot see it.
pub fn draw(panels: &[Panel], caption: &str, said: &str) -> String {
    let column = (WIDTH - 2.0 * MARGIN - GAP) / COLUMNS as f64;
    let mut body = String::new();
    let mut top = MARGIN;
    for row in panels.chunks(COLUMNS) {
        for (at, panel) in row.iter().enumerate() {
            draw_panel(&mut body, panel, MARGIN + at as f64 * (column + GAP), top, column);
        }
        let longest = row.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
        top += HEAD + STEP * longest as f64 + GAP;
    }
    let _ = writeln!(body, r#"<text class="n" x="{MARGIN}" y="{top}">{}</text>"#, escaped(caption));
    let height = top + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"bg\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n{body}</svg>\n",
        escaped(said),
        WIDTH - 1.0,
        height - 1.0,
    )
}

fn draw_panel(body: &mut String, panel: &Panel, left: f64, top: f64, width: f64) {
    let _ = writeln!(
        body,
        r#"<text class="t" x="{left}" y="{}">{}</text><text class="n" x="{left}" y="{}">{}</text>"#,
        top + 13.0,
        escaped(&panel.title),
        top + 30.0,
        escaped(&panel.note)
    );
    let room = width - LABEL - FIGURE;
    for (number, bar) in panel.bars.iter().enumerate() {
        let y = top + HEAD + STEP * number as f64;
        let base = y + BAR - 2.0;
        let (class, weight) = match bar.kind {
            Kind::Ours => ("ours", " class=\"b\""),
            Kind::Base => ("base", ""),
            Kind::Peer => ("peer", ""),
        };
        let length = bar.value.map_or(0.0, |value| room * panel.share(value));
        let start = left + LABEL;
        let _ = writeln!(
            body,
            r#"<text{weight} text-anchor="end" x="{}" y="{base}">{}</text><rect class="{class}" x="{start}" y="{y}" width="{length:.1}" height="{BAR}" rx="2"/><text{weight} x="{:.1}" y="{base}">{}</text>"#,
            start - 8.0,
            escaped(&bar.label),
            start + length + 6.0,
            escaped(&bar.text)
        );
    }
}

impl Panel {
    /// The part of the longest bar that this value gets.
    fn share(&self, value: f64) -> f64 {
        let values = || self.bars.iter().filter_map(|bar| bar.value).filter(|value| *value > 0.0);
        let largest = values().fold(0.0, f64::max);
        if value <= 0.0 || largest <= 0.0 {
            return 0.0;
        }
        if !self.is_logarithmic {
            return value / largest;
        }
        // The shortest bar is to be seen.
        let least = values().fold(largest, f64::min) / 2.0;
        (value / least).log10() / (largest / least).log10()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
