use super::*;
use crate::model::Severity;

/// Opening tags of the page with their attributes, comments and declarations aside.
fn tags(page: &str) -> Vec<&str> {
    let body = page.replace(STYLE, "");
    let leaked: &'static str = Box::leak(body.into_boxed_str());
    leaked
        .split('<')
        .skip(1)
        .map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag))
        .filter(|tag| !tag.starts_with(['/', '!']))
        .collect()
}

#[test]
fn base64_vectors_of_rfc_4648() {
    let vectors = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];
    for (plain, encoded) in vectors {
        assert_eq!(base64(plain.as_bytes()), encoded);
    }
    assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
}

#[test]
fn the_policy_allows_this_style_sheet_and_nothing_else() {
    let page = render(&fixture::summary()).unwrap();
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert_eq!(style, STYLE, "the hash is of these very bytes");
    assert!(!STYLE.contains('\r') && !STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
    let hash = base64(&Sha256::digest(style.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'");
    assert!(page.contains(&format!(r#"content="{policy}""#)) || page.contains(&policy.replace('\'', "&#39;")));
    let meta = page.find("Content-Security-Policy").unwrap();
    assert!(meta < page.find("<style>").unwrap() && meta < page.find("<link").unwrap());
}

#[test]
fn every_tag_is_one_of_ours_and_none_runs_or_loads() {
    const KNOWN: &[&str] = &[
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "a",
        "header",
        "nav",
        "main",
        "section",
        "footer",
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "div",
        "span",
        "strong",
        "code",
        "dl",
        "dt",
        "dd",
        "time",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "fieldset",
        "legend",
        "label",
        "input",
        "figure",
        "figcaption",
        "svg",
        "g",
        "rect",
        "line",
        "text",
        "circle",
        "path",
        "br",
    ];
    for summary in [fixture::summary(), fixture::hostile(), fixture::empty()] {
        let page = render(&summary).unwrap();
        for tag in tags(&page) {
            let name = tag.split([' ', '\n', '/']).next().unwrap();
            assert!(KNOWN.contains(&name), "<{tag}>");
            // Attribute values without their text: what is left are names.
            let names: String = tag.split('"').step_by(2).collect();
            assert!(!names.contains(" on") && !names.contains("style=") && !names.contains("srcdoc"), "<{tag}>");
            assert!(!names.contains(" src"), "<{tag}>");
            if let Some((_, rest)) = tag.split_once("href=\"") {
                assert!(rest.starts_with('#') || rest.starts_with("data:,\""), "<{tag}>");
            }
        }
    }
}

#[test]
fn hostile_text_is_shown_as_text() {
    let page = render(&fixture::hostile()).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<!--"));
    assert!(page.contains("&#60;script&#62;alert(1)") || page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("pay\\u{202e}fdp.exe\\u{2066}\\u{200b}\\x1b[2J\\x00\\r\\n"));
    let odd = |c: char| crate::report::text::is_unsafe(c) && c != '\n';
    assert!(!page.contains(odd), "no invisible character is left");
    for title in page.split(" title=\"").skip(1) {
        let value = title.split('"').next().unwrap();
        // One character takes up to six when escaped.
        assert!(value.len() <= 400 * 6);
    }
    assert!(page.len() < 2_000_000, "10 KB texts are clipped");
}

#[test]
fn the_page_says_what_was_found_and_what_is_missing() {
    let page = render(&fixture::summary()).unwrap();
    for text in [
        r#"<html lang="en">"#,
        "Payments incident, week 10",
        "/cases/2026-031/lake",
        "logsift 0.1.0",
        "30 distinct secrets",
        "15 detections",
        "2 objects",
        "truncated gzip stream",
        "AWS secret access key",
        "wJal…(40)…EY",
        "Deactivate the access key",
        "AKIAIOSFODNN7EXAMPLE",
        "CloudTrail logging was stopped",
        "T1562.008",
        "k-4f1d22",
        "<svg class=\"chart\"",
        "payments-prod-role",
        "<td class=\"num\">+1 h ",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("id=\"finding-").count(), 30);
    assert!(page.matches("scope=\"col\"").count() > 30);
}

#[test]
fn an_empty_summary_says_so() {
    let page = render(&fixture::empty()).unwrap();
    assert!(page.contains("No secrets found") && page.contains("No detections") && page.contains("No events"));
    assert!(!page.contains("type=\"radio\""));
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let mut summary = fixture::summary();
    let one = fixture::finding(0, Severity::Low, &[("a", 1)]);
    summary.findings = vec![one; MOST_ROWS + 17];
    let page = render(&summary).unwrap();
    assert_eq!(page.matches("id=\"finding-").count(), MOST_ROWS);
    assert!(page.contains("17 more findings are left out"));
    assert!(page.contains("2,017 distinct secrets"), "tiles count all");
}

#[test]
fn the_same_summary_gives_the_same_page() {
    assert_eq!(render(&fixture::summary()).unwrap(), render(&fixture::summary()).unwrap());
}

#[test]
fn each_choice_of_a_filter_has_its_rule_in_the_style_sheet() {
    for severity in Severity::ALL {
        assert!(STYLE.contains(&format!(".row.{severity}")) || severity == Severity::Critical, "{severity}");
    }
    for severity in [Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        assert!(STYLE.contains(&format!(".at-{severity}:checked")), "{severity}");
    }
}
