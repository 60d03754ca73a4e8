//! The picture: every line of the screen is a strip of all that it ever shows, which jumps up and down behind
//! a slit.
//!
//! No script, nothing from outside, and for whoever has switched motion off, or where nothing moves, one
//! frame that stands.

use std::fmt::Write;

use crate::cells::{BACKGROUND, Cell, FOREGROUND, Frame, Rgb, Row, Style};
use crate::glyphs::{self, number};

/// Of a cell, in the picture's units; a font that is not as wide is spread.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const FONT_SIZE: f64 = 14.0;
/// From the top of a line to where its letters stand.
const BASELINE: f64 = 13.5;
/// Around the screen: left and right, above, below.
const SIDE: f64 = 14.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 12.0;

const FONTS: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/// What those are told who do not see the picture.
pub struct Words {
    pub title: &'static str,
    pub description: &'static str,
}

/// Draws the frames; `still` is the one that stands where nothing moves.
pub fn draw(frames: &[Frame], still: usize, words: &Words) -> String {
    let (rows, columns) = (frames[0].rows.len(), frames[0].rows[0].len());
    let (width, height) = (columns as f64 * WIDTH + 2.0 * SIDE, rows as f64 * HEIGHT + TOP + BOTTOM);
    let time: u32 = frames.iter().map(|frame| frame.hold).sum();
    let mut styles = Styles::default();
    let strips: Vec<Strip> = (0..rows).map(|row| Strip::new(frames, row, still)).collect();
    let drawn: String =
        strips.iter().enumerate().map(|(row, strip)| strip.draw(row, columns, &mut styles)).collect();
    let moves: String = strips.iter().enumerate().map(|(row, strip)| strip.keyframes(row, time)).collect();
    let [w, h] = [width, height].map(number);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
         aria-labelledby=\"t d\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>\n",
        words.title, words.description
    );
    let _ = writeln!(svg, "text{{font:{FONT_SIZE}px {FONTS};fill:{};white-space:pre}}", hex(FOREGROUND));
    let _ = writeln!(svg, "path{{fill:{}}}", hex(FOREGROUND));
    svg += &styles.css();
    let seconds = number(f64::from(time) / 1000.0);
    let _ = writeln!(
        svg,
        ".m{{animation-duration:{seconds}s;animation-timing-function:step-end;animation-iteration-count:infinite}}"
    );
    svg += &moves;
    svg += "@media (prefers-reduced-motion:reduce){.m{animation:none}}\n</style>\n";
    let _ = writeln!(svg, "<rect width=\"{w}\" height=\"{h}\" rx=\"8\" fill=\"{}\"/>", hex(BACKGROUND));
    let _ = writeln!(
        svg,
        "<rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"7.5\" fill=\"none\" stroke=\"#30363d\"/>",
        number(width - 1.0),
        number(height - 1.0)
    );
    for (at, colour) in ["#ff5f56", "#ffbd2e", "#27c93f"].iter().enumerate() {
        let _ = writeln!(svg, "<circle cx=\"{}\" cy=\"18\" r=\"5.5\" fill=\"{colour}\"/>", 20 + 18 * at);
    }
    svg + &drawn + "</svg>\n"
}

/// All that one line of the screen shows.
struct Strip<'a> {
    /// Each thing once, in the order of its first appearance.
    contents: Vec<&'a Row>,
    /// From which millisecond on which of them is shown.
    times: Vec<(u32, usize)>,
    still: usize,
}

impl<'a> Strip<'a> {
    fn new(frames: &'a [Frame], row: usize, still: usize) -> Self {
        let mut strip = Self { contents: Vec::new(), times: Vec::new(), still: 0 };
        let mut time = 0;
        for (at, frame) in frames.iter().enumerate() {
            let content = &frame.rows[row];
            let known = strip.contents.iter().position(|known| *known == content);
            let place = known.unwrap_or(strip.contents.len());
            if known.is_none() {
                strip.contents.push(content);
            }
            if strip.times.last().is_none_or(|(_, last)| *last != place) {
                strip.times.push((time, place));
            }
            if at == still {
                strip.still = place;
            }
            time += frame.hold;
        }
        strip
    }

    fn draw(&self, row: usize, columns: usize, styles: &mut Styles) -> String {
        let contents: Vec<String> =
            self.contents.iter().enumerate().map(|(at, row)| line(row, at, styles)).collect();
        if contents.iter().all(String::is_empty) {
            return String::new();
        }
        let [x, y, w, h] = [SIDE, TOP + row as f64 * HEIGHT, columns as f64 * WIDTH, HEIGHT].map(number);
        let up = number(self.still as f64 * HEIGHT);
        format!(
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"><g class=\"m r{row}\" transform=\"translate(0 -{up})\">\n{}</g></svg>\n",
            contents.concat()
        )
    }

    fn keyframes(&self, row: usize, time: u32) -> String {
        if self.contents.len() < 2 {
            return String::new();
        }
        let mut css = format!(".r{row}{{animation-name:r{row}}}@keyframes r{row}{{");
        for (at, place) in &self.times {
            let percent = format!("{:.3}", f64::from(*at) * 100.0 / f64::from(time));
            let percent = percent.trim_end_matches('0').trim_end_matches('.');
            let up = number(*place as f64 * HEIGHT);
            let _ = write!(css, "{percent}%{{transform:translateY(-{up}px)}}");
        }
        css + "}\n"
    }
}

/// One thing that a line shows, at its place in the strip: first what lies behind letters, then lines and
/// blocks, then letters.
fn line(row: &[Cell], place: usize, styles: &mut Styles) -> String {
    let top = place as f64 * HEIGHT;
    let (mut behind, mut shapes, mut letters) = (String::new(), String::new(), String::new());
    let mut at = 0;
    while at < row.len() {
        let style = row[at].style;
        let end = (at..row.len()).find(|&end| row[end].style != style).unwrap_or(row.len());
        let x = at as f64 * WIDTH;
        if let Some(background) = style.background {
            let path = glyphs::block(x, top, (end - at) as f64 * WIDTH, HEIGHT);
            let _ = write!(behind, "<path d=\"{path}\" style=\"fill:{}\"/>", hex(background));
        }
        let class = styles.class(style);
        let mut path = String::new();
        for run in runs(&row[at..end]) {
            let x = x + run.from as f64 * WIDTH;
            match run.shape(x, top) {
                Some(shape) => path += &shape,
                None => letters += &run.letters(x, top, &class),
            }
        }
        if !path.is_empty() {
            let _ = write!(shapes, "<path{class} d=\"{path}\"/>");
        }
        at = end;
    }
    let all = behind + &shapes + &letters;
    if all.is_empty() { all } else { all + "\n" }
}

/// Letters of one style, or shapes of one kind, that stand side by side.
struct Run {
    /// In cells, from the beginning of the style.
    from: usize,
    cells: usize,
    text: String,
}

impl Run {
    fn shape(&self, x: f64, y: f64) -> Option<String> {
        let c = self.text.chars().next()?;
        if c == '─' || c == '▔' {
            // One line, however long.
            return glyphs::path(c, (x, y), (self.cells as f64 * WIDTH, HEIGHT));
        }
        glyphs::path(c, (x, y), (WIDTH, HEIGHT))
    }

    fn letters(&self, x: f64, y: f64, class: &str) -> String {
        let [x, y, length] = [x, y + BASELINE, self.cells as f64 * WIDTH].map(number);
        let length = if self.cells > 1 { format!(" textLength=\"{length}\"") } else { String::new() };
        format!("<text{class} x=\"{x}\" y=\"{y}\"{length}>{}</text>", escaped(&self.text))
    }
}

/// Takes a piece of a line apart: at gaps, so that no space needs to be kept, and where a font may lack a
/// character, for then another font comes in, of another width.
fn runs(cells: &[Cell]) -> Vec<Run> {
    let is_usual = |cell: &Cell| cell.text.is_ascii() || ["·", "…", "—"].contains(&cell.text.as_str());
    let mut runs: Vec<Run> = Vec::new();
    let mut gap = 2;
    for (at, cell) in cells.iter().enumerate() {
        if cell.is_blank() {
            gap += 1;
            continue;
        }
        if cell.text.is_empty() {
            // The second half of what came before.
            if let Some(last) = runs.last_mut() {
                last.cells += 1;
            }
            continue;
        }
        let is_line = cell.text == "─" || cell.text == "▔";
        let goes_on = |last: &Run| {
            let known = last.text.chars().all(|c| c.is_ascii() || "·…—".contains(c));
            let same_line = is_line && last.text == cell.text && gap == 0;
            same_line || (gap < 2 && known && is_usual(cell))
        };
        match runs.last_mut().filter(|last| goes_on(last)) {
            Some(last) => {
                last.cells += gap + 1;
                if !is_line {
                    last.text += &" ".repeat(gap);
                    last.text += &cell.text;
                }
            }
            None => runs.push(Run { from: at, cells: 1, text: cell.text.clone() }),
        }
        gap = 0;
    }
    runs
}

/// The styles that were met, each of which becomes a class.
#[derive(Default)]
struct Styles(Vec<Style>);

impl Styles {
    /// The attribute for a style; nothing for the plainest.
    fn class(&mut self, style: Style) -> String {
        let style = Style { background: None, ..style };
        if style == Style::default() {
            return String::new();
        }
        let known = self.0.iter().position(|known| *known == style);
        let at = known.unwrap_or_else(|| {
            self.0.push(style);
            self.0.len() - 1
        });
        format!(" class=\"s{at}\"")
    }

    fn css(&self) -> String {
        let mut css = String::new();
        for (at, style) in self.0.iter().enumerate() {
            let _ = write!(css, ".s{at}{{");
            if let Some(colour) = style.foreground {
                let _ = write!(css, "fill:{};", hex(colour));
            }
            for (is_on, words) in [
                (style.bold, "font-weight:bold;"),
                (style.dim, "opacity:.6;"),
                (style.italic, "font-style:italic;"),
                (style.underline, "text-decoration:underline;"),
            ] {
                if is_on {
                    css += words;
                }
            }
            css += "}\n";
        }
        css
    }
}

fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
