//! The generated parts of docs/ are what the program says; `./x docs` rewrites them.

use crate::env::TestEnv;
use std::fs;
use std::path::Path;

fn generated(file: &str, mark: &str) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)).unwrap();
    let (_, rest) = text.split_once(mark).unwrap();
    rest.split_once("<!-- end generated -->").unwrap().0.trim().to_owned()
}

#[test]
fn the_field_tables_are_current() {
    let output = TestEnv::new().cmd(&["formats", "fields"]).code(0);
    assert_eq!(generated("formats.md", "<!-- generated: logsift formats fields -->"), output.stdout.trim());
}

/// The 99 of CloudWatch Logs' data protection (aws-cdk-lib `aws-logs`, data-protection-policy).
#[test]
fn the_table_of_managed_identifiers_is_current_and_names_rules() {
    let output = TestEnv::new().cmd(&["-q", "patterns", "list", "--format", "json"]).code(0);
    let table = generated("patterns.md", "<!-- generated: identifiers -->");
    let known = include_str!("../corpora/managed-identifiers.tsv");
    assert_eq!(known.lines().count(), 99);
    for (row, line) in table.lines().skip(2).zip(known.lines()) {
        let (name, rule) = line.split_once('\t').unwrap();
        assert!(row.starts_with(&format!("| {name} | ")), "{row}");
        assert!(rule == "-" || row.ends_with(&format!("| `{rule}` |")), "{row}");
        assert!(rule == "-" || output.stdout.contains(&format!("{{\"id\":\"{rule}\",")), "{rule}");
    }
    assert_eq!(table.lines().count(), 2 + 99);
}

#[test]
fn the_table_of_rules_is_current() {
    let output = TestEnv::new().cmd(&["-q", "patterns", "list", "--format", "json"]).code(0);
    let table = generated("patterns.md", "<!-- generated: patterns -->");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), output.stdout.lines().count());
    for (row, line) in rows.iter().zip(output.stdout.lines()) {
        let rule: serde_json::Value = serde_json::from_str(line).unwrap();
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let id = format!("`{}`", rule["id"].as_str().unwrap());
        let expected =
            ["name", "category", "provider", "severity", "confidence"].map(|key| rule[key].as_str().unwrap());
        assert_eq!(cells[0], id);
        assert_eq!(cells[1..], expected, "{id}");
    }
}
