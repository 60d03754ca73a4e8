//! Servers that do not do what they should.

use std::time::Instant;

use super::place::{Home, VERSION};
use super::release::Release;
use super::server::{Asked, Reply, Server};
use crate::support::DEADLINE;
use crate::support::has_faults;

fn asked(from: Option<usize>, if_range: bool) -> Asked {
    Asked { path: "/cckw".into(), from, if_range }
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let third = release.program.len() / 3 + 1;
    server.reply("cckw", Reply::CutAfter(release.program.clone(), third));
    let home = Home::of_server(&server);
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
    assert_eq!(
        server.asked("cckw"),
        [asked(None, false), asked(Some(third), true), asked(Some(2 * third), true)]
    );
}

#[test]
fn the_next_update_goes_on_with_what_an_earlier_one_has_left() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let first = release.program.len() / 2;
    // The second answer and all later ones bring nothing.
    server.reply("cckw", Reply::CutAfter(release.program[..first].to_vec(), first));
    let home = Home::of_server(&server);
    let said = home.refusal();
    assert!(said.contains(&format!("{first} of {} bytes", release.program.len())), "{said}");
    assert!(said.contains("to go on from there: cckw update"), "{said}");
    assert_eq!(home.parts().len(), 2);
    server.reply("cckw", Reply::Whole(release.program.clone()));
    let before = server.asked("cckw").len();
    home.well_said(&["update"]);
    assert_eq!(server.asked("cckw")[before..], [asked(Some(first), true)]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn a_server_that_knows_no_parts_sends_all_of_it_again() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let first = release.program.len() / 2;
    server.reply("cckw", Reply::CutAfter(release.program[..first].to_vec(), first));
    let home = Home::of_server(&server);
    home.refusal();
    server.reply("cckw", Reply::NoRanges(release.program.clone()));
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn what_was_left_of_another_program_is_thrown_away() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let home = Home::of_server(&server);
    // It has the right size and the wrong bytes, as if the release had been published anew meanwhile.
    let half = release.program.len() / 2;
    server.reply("cckw", Reply::CutAfter(vec![7; half], half));
    home.refusal();
    server.reply("cckw", Reply::Whole(release.program.clone()));
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
}

#[test]
fn redirects_lead_to_https_only_and_not_for_ever() {
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let home = Home::of_server(&server);
    server.reply("moved", Reply::Whole(release.program.clone()));
    server.reply("cckw", Reply::Redirect(server.url("there")));
    server.reply("there", Reply::Redirect("/moved".into()));
    home.well_said(&["update"]);
    assert_eq!(home.version(), "0.2.0");
    let home = Home::of_server(&server);
    server.reply("cckw", Reply::Redirect(server.url("moved").replace("https", "http")));
    let said = home.refusal();
    assert!(said.contains("an address without https"), "{said}");
    server.reply("cckw", Reply::Redirect(server.url("cckw")));
    let said = home.refusal();
    assert!(said.contains("more than 5 times"), "{said}");
    assert!(server.asked("cckw").len() < 20);
}

#[test]
fn a_manifest_without_end_is_not_read_to_its_end() {
    let server = Server::with(&Release::new("0.2.0", ""));
    let home = Home::of_server(&server);
    server.reply("manifest.json", Reply::Endless);
    let said = home.refusal();
    assert!(said.contains("it has more than 262144 bytes"), "{said}");
}

#[test]
fn a_server_that_says_nothing_or_drips_is_given_up() {
    if !has_faults() {
        return;
    }
    let release = Release::new("0.2.0", "");
    let server = Server::with(&release);
    let mut home = Home::of_server(&server);
    home.sandbox.set("CCKW_FAULT", "update-impatient");
    let started = Instant::now();
    server.reply("cckw", Reply::Drip(release.program.clone()));
    let said = home.refusal();
    assert!(said.contains("it comes too slowly"), "{said}");
    // What has come stays.
    assert_eq!(home.parts().len(), 2);
    server.reply("manifest.json", Reply::Silent);
    let said = home.refusal();
    assert!(said.contains("does not answer in time") || said.contains("imeout"), "{said}");
    assert!(started.elapsed() < DEADLINE);
}

#[test]
fn a_server_s_refusal_is_said() {
    let server = Server::with(&Release::new("0.2.0", ""));
    let home = Home::of_server(&server);
    server.reply("cckw", Reply::Status(404));
    assert!(home.refusal().contains("the server answers 404"));
    server.reply("cckw", Reply::Status(503));
    assert!(home.refusal().contains("the server answers 503"));
    // That may pass, so it was tried again.
    assert_eq!(server.asked("cckw").len(), 1 + 3);
    home.set_url("https://127.0.0.1:1/manifest.json");
    assert!(home.refusal().contains("https://127.0.0.1:1/manifest.json cannot be read"));
}

#[test]
fn a_server_with_a_certificate_that_nobody_trusts_is_not_believed() {
    let server = Server::with(&Release::new("0.2.0", ""));
    let mut home = Home::of_server(&server);
    home.sandbox.set("SSL_CERT_FILE", "/dev/null");
    let said = home.refusal();
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    assert_eq!(server.asked("manifest.json"), []);
    assert_eq!(home.version(), VERSION);
}
