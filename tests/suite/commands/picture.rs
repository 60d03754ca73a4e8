//! README's pictures: that any viewer can show them, and that the first one shows what `cckw demo` plays today.

use std::fs;
use std::path::Path;

use roxmltree::{Document, Node};

use super::demo::root_can_run_sshd;
use crate::support::{Sandbox, cckw_program};

/// Both of them.
const PICTURES: [&str; 2] = ["docs/demo.svg", "docs/fleet.svg"];

const DRAW: &str = "draw it anew: cargo build && cargo run --example picture demo";

pub(super) fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of the repository")
}

/// Without gaps, which the picture has as places and not as spaces.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What the picture says: every line that it ever shows, once.
pub(super) fn said(picture: &Document) -> String {
    let mut said = String::new();
    let mut last = None;
    for text in picture.descendants().filter(|node| node.has_tag_name("text")) {
        let line = (text.parent(), text.attribute("y"));
        if last.replace(line) != Some(line) {
            said.push('\n');
        }
        said += &squeezed(text.text().unwrap_or_default());
    }
    said
}

/// A scene, as the demo prints it.
struct Scene {
    title: String,
    why: String,
    /// What is on the stage.
    lines: Vec<String>,
}

fn scenes() -> Vec<Scene> {
    root_can_run_sshd();
    let sandbox = Sandbox::new();
    let output = sandbox.command(cckw_program()).args(["demo", "--script"]).output();
    let output = output.expect("cckw runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut scenes: Vec<Scene> = Vec::new();
    for line in text.lines() {
        let number = format!("{}. ", scenes.len() + 1);
        if let Some(title) = line.strip_prefix(&number) {
            scenes.push(Scene { title: title.to_owned(), why: String::new(), lines: Vec::new() });
            continue;
        }
        let Some(scene) = scenes.last_mut() else { continue };
        if let Some(shown) = line.strip_prefix("   │") {
            scene.lines.push(shown.to_owned());
        } else if let Some(why) = line.strip_prefix("   ").filter(|_| scene.lines.is_empty())
            && !why.starts_with('(')
        {
            scene.why = format!("{} {why}", scene.why).trim().to_owned();
        }
    }
    scenes
}

/// What of a line on the stage is in the picture too: what is drawn there as a shape is left out, and so are
/// lines with numbers or the scratch directory, which are other ones each time.
fn words(line: &str) -> Option<String> {
    if line.contains(|c: char| c.is_ascii_digit()) || line.contains("/work") {
        return None;
    }
    let letters: String = line.chars().filter(|c| !('\u{2500}'..='\u{259f}').contains(c)).collect();
    let words = letters.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

/// How many lines of the picture hold these words, one after the other; nothing if some are in none.
fn lines_for(words: &str, said: &str) -> Option<usize> {
    let words: Vec<&str> = words.split(' ').collect();
    let (mut from, mut lines) = (0, 0);
    while from < words.len() {
        let holds = |end: &usize| said.contains(&words[from..*end].concat());
        from = (from + 1..=words.len()).rev().find(holds)?;
        lines += 1;
    }
    Some(lines)
}

#[test]
fn it_shows_every_scene_of_the_demo() {
    let text = read("docs/demo.svg");
    let said = said(&Document::parse(&text).expect("well-formed"));
    let scenes = scenes();
    assert!(scenes.len() > 5, "{} scenes", scenes.len());
    let mut count = 0;
    for (at, Scene { title, why, lines }) in scenes.iter().enumerate() {
        let header = squeezed(&format!("cckw demo · {} of {} ·", at + 1, scenes.len()));
        assert!(said.contains(&header), "no {header:?}; {DRAW}");
        assert!(said.contains(&squeezed(title)), "no scene {title:?}; {DRAW}");
        // The picture is wider, and breaks lines elsewhere.
        let is_there = |words: &str| lines_for(words, &said).is_some_and(|lines| lines <= 2);
        assert!(is_there(why), "scene {title:?} does not say {why:?}; {DRAW}");
        for words in lines.iter().filter_map(|line| words(line)) {
            assert!(is_there(&words), "scene {title:?} does not show {words:?}; {DRAW}");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} lines were compared");
    let end = squeezed(&format!("All {} scenes went as they should.", scenes.len()));
    assert!(said.contains(&end), "it does not come to its end; {DRAW}");
}

#[test]
fn they_need_nothing_but_themselves() {
    PICTURES.iter().for_each(|name| needs_nothing(name));
}

/// It is shown as an image, where neither a script nor anything from elsewhere is loaded; and it is to be
/// read a year from now.
fn needs_nothing(name: &str) {
    const ELEMENTS: [&str; 10] =
        ["svg", "title", "desc", "style", "rect", "circle", "g", "path", "text", "tspan"];
    let text = read(name);
    assert!(text.len() < 300 * 1024, "{name}: {} bytes", text.len());
    assert!(!text.contains("/target/"), "{name} shows where cckw was built: draw it anew");
    assert!(!text.contains("<!") && !text.contains("<?"), "no declaration is needed");
    let picture = Document::parse(&text).expect("well-formed");
    assert!(picture.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    for element in picture.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        assert!(ELEMENTS.contains(&name), "<{name}>");
        for attribute in element.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && !["href", "src"].contains(&name), "{name}={value:?}");
            assert!(!value.contains("url(") && !value.contains("://"), "{name}={value:?}");
        }
    }
    for style in picture.descendants().filter(|node| node.has_tag_name("style")) {
        let css = style.text().unwrap_or_default();
        for outside in ["url(", "@import", "@font-face", "://"] {
            assert!(!css.contains(outside), "{outside} in the style");
        }
    }
}

#[test]
fn they_move_and_can_stand_still() {
    PICTURES.iter().for_each(|name| moves(name));
}

fn moves(name: &str) {
    let text = read(name);
    let picture = Document::parse(&text).expect("well-formed");
    let css = picture.descendants().find(|node| node.has_tag_name("style")).and_then(|style| style.text());
    let css = css.expect("a style");
    assert!(css.contains("(prefers-reduced-motion:reduce){.m{animation:none}}"), "{css}");
    let strips: Vec<Node> = picture.descendants().filter(|node| node.has_tag_name("g")).collect();
    assert!(strips.len() > 10, "{} lines", strips.len());
    let mut moving = 0;
    for strip in strips {
        let class = strip.attribute("class").expect("a class").strip_prefix("m ").expect("one that moves");
        moving += usize::from(css.contains(&format!("@keyframes {class}{{")));
        // Where it stands when nothing moves is one of its own lines.
        let up = strip.attribute("transform").and_then(|transform| transform.strip_prefix("translate(0 -"));
        let up: usize =
            up.and_then(|up| up.strip_suffix(')')).and_then(|up| up.parse().ok()).expect("a place");
        assert_eq!(up % 18, 0, "{class}");
    }
    assert!(moving > 10, "{name}: {moving} lines move");
}

#[test]
fn the_readme_shows_both_and_the_demo_first() {
    let readme = read("README.md");
    let shown = |name: &str| {
        let at = readme.lines().position(|line| line.contains(&format!("]({name})")));
        let at = at.unwrap_or_else(|| panic!("README does not show {name}"));
        let line = readme.lines().nth(at).unwrap_or_default();
        let words =
            line.split_once("![").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(words, _)| words);
        assert!(words.split(' ').count() > 8, "what those read who do not see it: {words:?}");
        at
    };
    let [at, second] = PICTURES.map(shown);
    assert!(at < 25 && at < second, "only in line {}", at + 1);
    let heading = readme.lines().position(|line| line.starts_with("## ")).expect("headings");
    assert!(at < heading, "it comes before the first heading");
}
