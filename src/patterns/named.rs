//! Rules by name: `names` and `value` instead of a pattern, for keys and tokens that only the name of their field gives
//! away. How a name and its value may stand beside each other is said here, once for all of them.

/// Names of fewer letters are parts of too many words: they must stand as a word of their own.
const SHORT: usize = 6;

/// From the end of the name to the value: the rest of a longer name, then what assigns. JSON inside JSON has backslashes
/// before its quotes; environments of containers are lists of `{"name":…,"value":…}`; command lines have a blank alone,
/// which only counts behind a word that announces a secret.
const BETWEEN: &str = r#"(?:[0-9A-Za-z_. \t()\[$-]{0,32}\\{0,16}["'`]?[\])]?\s{0,8}(?:=>|[:?]{0,2}=|[=!]==?|\|\||[:>,]|%3[Dd]|(?:,\s{0,4}\\{0,16}["']|\s{1,4})(?i:(?:parameter)?value)\\{0,16}["']?\s{0,4}[:=])\s{0,8}|[0-9A-Za-z_.-]{0,24}(?i:key|token|secret|password|auth|bearer|pat)\\{0,16}["'`)]?\s{1,8})(?:[(\[{<]|\\{0,16}["'`]|[bruf@$]\\{0,16}["']){0,2}"#;

/// From the name of what identifies somebody to the value: text may stand between ("my NHS number is …"), but no other
/// number, and nothing that begins another field.
const TOLD: &str = r"[^0-9,;{}\n]{0,30}?(?:\b|_)";

/// What ends a number of somebody: no part of a longer one.
const AFTER_TOLD: &str = "(?:[^0-9A-Za-z.-]|[.-](?:[^0-9A-Za-z]|$)|$)";

/// What ends a value: nothing that it could go on with.
const AFTER: &str = "(?:[^0-9A-Za-z_+/=-]|$)";

/// Pattern and anchor of a rule by name; the error says which name is none. A secret must be assigned, what identifies
/// somebody may be told.
pub(super) fn expressions(names: &[String], value: &str, secret: bool) -> Result<(String, String), String> {
    let anchor = anchor(names)?;
    let (between, after) = if secret { (BETWEEN, AFTER) } else { (TOLD, AFTER_TOLD) };
    Ok((format!("{anchor}{between}({value}){after}"), anchor))
}

fn anchor(names: &[String]) -> Result<String, String> {
    let mut of_any = Vec::with_capacity(names.len());
    for name in names {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.');
        if name.len() < 2 || !name.bytes().all(plain) {
            return Err(format!("`{name}`: lower-case letters, digits, `_` and `.` only, two at least"));
        }
        let text = name.replace(['_', '.'], "[_. -]?");
        of_any.push(if name.len() < SHORT { word(name, &text) } else { text });
    }
    Ok(format!("(?i:{})", of_any.join("|")))
}

/// The name as a word: by itself, between separators, or first of a name in camel case.
fn word(name: &str, text: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!(r"(?:\b|_){text}(?:\b|[_. -])|(?-i:\b[{first}{}]{rest}[A-Z])", first.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::super::rule::compile;
    use super::*;

    fn finds(names: &[&str], text: &str) -> Option<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (pattern, _) = expressions(&names, "[0-9a-f]{8}", true).unwrap();
        let found = compile(&pattern).unwrap().captures(text.as_bytes())?;
        Some(String::from_utf8(found[1].to_vec()).unwrap())
    }

    #[test]
    fn a_value_is_found_however_it_is_assigned() {
        for text in [
            "ACME_API_KEY=0a1b2c3d",
            "acmeApiKey: '0a1b2c3d'",
            "AcmeKey: 0a1b2c3d",
            r#"{"acme_key":"0a1b2c3d"}"#,
            r#"{\"body\":\"{\\\"acmeToken\\\": \\\"0a1b2c3d\\\"}\"}"#,
            r#"[{"name":"ACME_KEY","value":"0a1b2c3d"}]"#,
            r#"<add key="AcmeKey" value="0a1b2c3d"/>"#,
            "var acmeKey string = `0a1b2c3d`;",
            "$config['acme'] => \"0a1b2c3d\"",
            "export ACME_KEY=${ACME_KEY:=0a1b2c3d}",
            "run --acme-token 0a1b2c3d --quiet",
            "GET /?acme_key%3D0a1b2c3d HTTP/1.1",
            "env('ACME_KEY', '0a1b2c3d')",
            "if acme_key == \"0a1b2c3d\" {",
        ] {
            assert_eq!(finds(&["nothing", "acme"], text).as_deref(), Some("0a1b2c3d"), "{text}");
        }
    }

    #[test]
    fn what_is_not_assigned_or_is_longer_is_left() {
        for text in [
            "acme said 0a1b2c3d",
            "acme_key=0a1b2c3d4",
            "acme_key=0a1b2c3d-0a1b",
            "acmeology_key=0a1b2c3d",
            "pacme_key=0a1b2c3d",
            "ACMELOG_KEY=0a1b2c3d",
            r#"{"acme":{"id":1},"other":"0a1b2c3d"}"#,
        ] {
            assert_eq!(finds(&["acme"], text), None, "{text}");
        }
    }

    #[test]
    fn what_identifies_somebody_may_be_told() {
        let (pattern, _) =
            expressions(&["nhs".to_owned(), "health_id".to_owned()], r"\d{3} ?\d{3} ?\d{4}", false).unwrap();
        let rule = compile(&pattern).unwrap();
        for text in ["my NHS number is 943 476 5919.", r#"{\"nhsNumber\":\"9434765919\"}"#, "HealthId=9434765919&a=1"] {
            assert!(rule.is_match(text.as_bytes()), "{text}");
        }
        for text in
            ["nhs 94347659191", r#"{"nhs":null,"order":"9434765919"}"#, "nhs 1 of 9434765919", "nhs 943476.5919"]
        {
            assert!(!rule.is_match(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn names_are_plain_words() {
        assert!(expressions(&["a(b".to_owned()], "x", true).unwrap_err().contains("a(b"));
        assert!(expressions(&["Acme".to_owned()], "x", true).is_err());
    }
}
