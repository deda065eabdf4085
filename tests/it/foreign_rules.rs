//! Rules of other scanners: loaded as they are, or converted.

use crate::env::TestEnv;

const TOML: &str = r#"
[[rules]]
id = "acme-widget"
description = "Acme widget key"
regex = '''\bacmew_([0-9a-f]{24})\b'''
secretGroup = 1
entropy = 2.5
keywords = ["acmew_"]

[[rules]]
id = "looks-behind"
regex = '''(?<!x)abc[0-9]{8}'''
"#;

const YAML: &str = r#"
rules:
  - name: Acme gadget token
    id: kingfisher.acme.1
    pattern: |
      (?x)
      \b
      (acmeg-[0-9a-z]{20})
      \b
    min_entropy: 2.0
    confidence: medium
    examples:
      - "token=acmeg-4k2j9x7q1m5n8b3v6c0z"
    validation:
      type: Http
"#;

const LOG: &str = "key=acmew_0a1b2c3d4e5f60718293a4b5 ok\n{\"auth\":\"acmeg-4k2j9x7q1m5n8b3v6c0z\"}\n";

fn rules_found(env: &TestEnv, args: &[&str]) -> Vec<String> {
    let args = [&["scan", "app.log", "--pack", "secrets", "--format", "jsonl", "--reveal"], args].concat();
    let mut told: Vec<String> = env
        .cmd(&args)
        .code(1)
        .jsonl()
        .iter()
        .map(|row| format!("{} {}", row["rule"].as_str().unwrap(), row["secret"].as_str().unwrap()))
        .collect();
    told.sort();
    told
}

fn with_rules() -> TestEnv {
    let env = TestEnv::new();
    env.file("app.log", LOG);
    env.file("theirs/gitleaks.toml", TOML);
    env.file("theirs/kingfisher.yml", YAML);
    env
}

const EXPECTED: [&str; 2] = ["acme-widget 0a1b2c3d4e5f60718293a4b5", "kingfisher-acme-1 acmeg-4k2j9x7q1m5n8b3v6c0z"];

#[test]
fn they_find_what_they_look_for_and_what_is_lost_is_told() {
    let env = with_rules();
    assert_eq!(rules_found(&env, &["--rules", "theirs"]), EXPECTED);
    let check = env.cmd(&["patterns", "check", "--rules", "theirs"]).code(0);
    for words in [
        "gitleaks.toml: rule `looks-behind`: not taken: pattern: look-around",
        "kingfisher.yml: rule `kingfisher.acme.1`: taken without validation",
    ] {
        assert!(check.stderr.contains(words), "{}", check.stderr);
    }
}

#[test]
fn converted_they_find_the_same() {
    let env = with_rules();
    env.cmd(&["patterns", "convert", "theirs", "--output", "ours/acme.toml"]).fails(&["ours"]);
    std::fs::create_dir(env.path().join("ours")).unwrap();
    let told = env.cmd(&["patterns", "convert", "theirs", "--output", "ours/acme.toml"]).code(0);
    assert!(told.stderr.contains("rule `looks-behind`: not taken"), "{}", told.stderr);
    assert_eq!(rules_found(&env, &["--rules", "ours"]), EXPECTED);
    env.cmd(&["patterns", "convert", "ours/acme.toml"]).fails(&["acme.toml"]);
}
