//! Holds the table of `docs/architecture.md`: which module may import which, and where outside libraries
//! are at home; the sizes a reader can bear; and that every format has its fuzz target.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, the modules it may import, and the outside libraries it is a home of.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("model", &[], &[]),
    ("codec", &[], &["flate2", "zstd", "base64"]),
    ("formats", &["model", "codec"], &[]),
    ("stitch", &["model", "codec", "formats"], &[]),
    ("patterns", &["model", "codec"], &["toml", "yaml_serde", "regex", "regex_syntax", "walkdir"]),
    ("report", &["model"], &["askama"]),
    (
        "source",
        &["model", "codec"],
        &["walkdir", "crossbeam_channel", "csv_core", "arrow", "parquet", "rawzip", "tar", "tempfile"],
    ),
    ("lake", &["model", "codec"], &["arrow", "parquet", "zstd", "hmac", "rustix"]),
    (
        "pull",
        &["model"],
        &[
            "aws_config",
            "aws_credential_types",
            "aws_sdk_cloudwatchlogs",
            "aws_sdk_s3",
            "aws_sdk_sts",
            "aws_smithy_http_client",
            "aws_types",
            "tokio",
            "tempfile",
        ],
    ),
    ("scan", &["model", "codec", "patterns"], &["hyperscan", "pulp", "regex_syntax"]),
    ("frame", &["model", "lake"], &["polars", "foldhash", "hashbrown", "sqlparser", "strsim"]),
    ("timeline", &["model", "lake", "frame"], &["polars"]),
    ("detect", &["model", "lake", "frame"], &["polars"]),
    (
        "pipeline",
        &["model", "codec", "formats", "stitch", "patterns", "source", "lake", "scan"],
        &["crossbeam_channel", "rawzip"],
    ),
    (
        "cli",
        &[
            "model", "codec", "formats", "stitch", "patterns", "report", "source", "lake", "pull", "scan", "frame",
            "timeline", "detect", "pipeline",
        ],
        &["clap", "anyhow", "indicatif", "landlock", "seccompiler", "ctrlc", "terminal_size", "tempfile", "toml"],
    ),
];

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file without comments and without its test module: that may look anywhere.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut in_tests = false;
    for line in text.lines() {
        in_tests |= line == "mod tests {";
        if !in_tests && !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
        in_tests &= line != "}";
    }
    code
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether `library::` stands in the code as a path of its own, not as the end of another one.
fn uses(code: &str, library: &str) -> bool {
    // A module of ours may bear a library's name: codec::base64, scan::hyperscan.
    let ours = ["use crate::codec::", "use super::"].iter().any(|from| code.contains(&format!("{from}{library};")))
        || code.contains(&format!("use super::{library}::"))
        || code.contains(&format!("mod {library};"));
    let path = code.match_indices(&format!("{library}::")).any(|(i, _)| {
        let before = code[..i].chars().next_back().unwrap_or(' ');
        !before.is_alphanumeric() && !matches!(before, '_' | ':')
    });
    path && !ours
}

#[test]
fn modules_import_only_what_their_row_allows() {
    let rows: BTreeMap<&str, &[&str]> = LAYERS.iter().map(|l| (l.0, l.1)).collect();
    let mut wrong = Vec::new();
    for (module, allowed, homes) in LAYERS {
        let mut files = Vec::new();
        rust_files(&src().join(module), &mut files);
        assert!(!files.is_empty(), "{module} has no files");
        for file in files {
            let code = code_of(&fs::read_to_string(&file).unwrap());
            for (i, mark) in code.match_indices("crate::") {
                let used = word(&code[i + mark.len()..]);
                if used != *module && rows.contains_key(used.as_str()) && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{}: {module} may not import crate::{used}", file.display()));
                }
            }
            for library in LAYERS.iter().flat_map(|l| l.2) {
                if !homes.contains(library) && uses(&code, library) {
                    wrong.push(format!("{}: {library} is not at home in {module}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_names_only_rows_above_it() {
    for (i, (module, allowed, _)) in LAYERS.iter().enumerate() {
        for name in *allowed {
            assert!(LAYERS[..i].iter().any(|l| l.0 == *name), "{module} names {name}, which is not above it");
        }
    }
}

#[test]
fn every_folder_of_src_is_in_the_table() {
    for entry in fs::read_dir(src()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            assert!(LAYERS.iter().any(|l| l.0 == name), "src/{name} is not in the table");
        } else {
            assert!(["main.rs", "lib.rs"].contains(&name.as_str()), "src/{name}: modules are folders");
        }
    }
}

#[test]
fn the_table_in_the_docs_is_this_one() {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    for (module, allowed, _) in LAYERS {
        let row = docs.lines().find(|l| l.starts_with(&format!("| `{module}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/architecture.md has no row for {module}"));
        let cell = row.split('|').nth(2).unwrap().trim().to_owned();
        let named: Vec<&str> = cell.split(", ").filter(|n| *n != "–").collect();
        assert_eq!(named, *allowed, "the row of {module} in docs/architecture.md");
    }
}

#[test]
fn files_and_functions_are_of_a_size_to_read() {
    let mut files = Vec::new();
    rust_files(&src(), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= 450, "{} has {} lines", file.display(), lines.len());
        let mut start = None;
        for (i, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let code = line.trim_start();
            let bare =
                code.trim_start_matches("pub").trim_start_matches("(super)").trim_start_matches("(crate)").trim_start();
            let begins = ["fn ", "async fn ", "const fn "].iter().any(|b| bare.starts_with(b));
            if begins && !line.ends_with(';') {
                start = Some((i, indent));
            }
            if let Some((from, depth)) = start
                && code == "}"
                && indent == depth
            {
                assert!(i - from < 80, "{}:{} is a function of {} lines", file.display(), from + 1, i - from + 1);
                start = None;
            }
        }
    }
}

#[test]
fn only_cli_prints() {
    let mut files = Vec::new();
    rust_files(&src(), &mut files);
    for file in files.iter().filter(|f| !f.starts_with(src().join("cli"))) {
        let text = fs::read_to_string(file).unwrap();
        for call in ["println!(", "print!("] {
            assert!(!text.contains(call), "{} prints", file.display());
        }
    }
}

#[test]
fn every_format_has_a_fuzz_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut files = Vec::new();
    rust_files(&fuzz.join("fuzz_targets"), &mut files);
    let others = ["scan"];
    assert_eq!(files.len(), logsift::formats::ALL.len() + others.len(), "a format each, and {others:?}");
    for format in logsift::formats::ALL {
        let id = format.id();
        let target = fuzz.join("fuzz_targets").join(format!("{id}.rs"));
        let target = fs::read_to_string(&target).unwrap_or_else(|_| panic!("{} is missing", target.display()));
        assert!(target.contains(&format!("run(\"{id}\", bytes)")), "{id} is run as another format");
        let bin = format!("name = \"{id}\"\npath = \"fuzz_targets/{id}.rs\"\n");
        assert!(manifest.contains(&bin), "fuzz/Cargo.toml has no [[bin]] for {id}");
    }
}
