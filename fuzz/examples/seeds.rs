//! Writes the seeds of the fuzz targets anew: `fuzz/run --write-seeds`.

#[path = "../../tests/fuzz/made.rs"]
mod made;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (target, name, bytes) in made::seeds(&top) {
        let folder = top.join("tests/fuzz/seeds").join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
