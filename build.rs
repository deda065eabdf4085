//! Puts `patterns/**/*.toml` into the binary: whole, and without examples, which are half of them and which no scan
//! needs; and `queries/*.sql`. Numbers the detectors' source.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn collect(dir: &Path, wanted: &str, out: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, wanted, out)?;
        } else if path.extension().is_some_and(|e| e == wanted) {
            out.push(path);
        }
    }
    Ok(())
}

/// Leaves out the lists of examples, each from its key to the line that is `]` alone.
fn without_examples(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for line in text.lines() {
        inside |= matches!(line, "examples = [" | "negative_examples = [");
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
        inside &= line != "]";
    }
    out
}

/// The ready queries, by name.
fn queries(root: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=queries");
    let mut files = Vec::new();
    collect(&root.join("queries"), "sql", &mut files)?;
    let mut code = String::from("/// Name and text of each file.\npub static FILES: &[(&str, &str)] = &[\n");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(code, "    ({name:?}, {:?}),", fs::read_to_string(&path)?)?;
    }
    code.push_str("];\n");
    fs::write(out.join("embedded_queries.rs"), code)?;
    Ok(())
}

/// A number for the detectors' source, as `LOGSIFT_DETECTORS`: it names what is kept of their answers.
fn detectors(root: &Path) -> io::Result<()> {
    let mut hash = DefaultHasher::new();
    for folder in ["src/detect", "src/frame"] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        collect(&root.join(folder), "rs", &mut files)?;
        for path in files {
            hash.write(&fs::read(path)?);
        }
    }
    println!("cargo::rustc-env=LOGSIFT_DETECTORS={:016x}", hash.finish());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=patterns");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    queries(&root, &out)?;
    detectors(&root)?;
    let mut files = Vec::new();
    collect(&root.join("patterns"), "toml", &mut files)?;
    let mut code = String::from(
        "/// Name and text of each file, and its text without examples.\npub static FILES: &[(&str, &str, &str)] = &[\n",
    );
    for path in files {
        let name = path.strip_prefix(&root)?.display().to_string();
        // Where the package lies is asked when it is compiled: a target folder may outlive a checkout.
        let place = format!("/{name}");
        let lean = without_examples(&fs::read_to_string(&path)?);
        writeln!(code, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {place:?})), {lean:?}),")?;
    }
    code.push_str("];\n");
    fs::write(out.join("embedded_patterns.rs"), code)?;
    Ok(())
}
