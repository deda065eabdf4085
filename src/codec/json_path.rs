//! Where in a JSON document a byte lies: `$.headers.authorization`, `$.items[3].id`. The document may stand behind other
//! text, be cut short behind the byte, and hold further JSON in its strings.

use super::json;

/// Bytes of a string that are looked through for JSON within: it is unescaped for each question.
const INNER: usize = 4096;
/// Names are cut to so many bytes: they come from logs.
const NAME: usize = 128;
const DEPTH: usize = 64;

/// A container that is open.
#[derive(Clone, Debug)]
enum Open {
    /// The member's name, as it is written.
    Object(Option<(usize, usize)>),
    /// Number of the element.
    Array(usize),
}

/// Reads a text once, front to back, for any number of questions in order.
#[derive(Debug, Default)]
pub struct JsonPath {
    at: usize,
    /// Whether the first document was come upon.
    began: bool,
    open: Vec<Open>,
    /// Containers deeper than are told.
    deeper: usize,
    /// Where the string begins that `at` lies in.
    string: Option<usize>,
    /// The last string that ended: a name, where a colon follows.
    last: Option<(usize, usize)>,
}

impl JsonPath {
    /// The paths to byte `to` of the text, outermost first: one, and one more for each JSON text in a string. None
    /// where it lies in no document. `to` is no smaller than the last one, and the text the same.
    pub fn to(&mut self, text: &[u8], to: usize) -> Vec<String> {
        let to = to.min(text.len());
        if !self.began {
            // The beginning of an object or of an array of objects; other brackets are of ordinary text.
            let starts = memchr::memmem::find(&text[self.at..to], b"{\"").map(|found| self.at + found);
            match starts {
                Some(start) => (self.began, self.at) = (true, start),
                None => {
                    self.at = to.saturating_sub(1);
                    return Vec::new();
                }
            }
        }
        self.read(text, to);
        if self.open.is_empty() {
            return Vec::new();
        }
        let mut paths = vec![self.told(text)];
        let string = self.string.filter(|start| to - start <= INNER);
        let inner = string.and_then(|start| std::str::from_utf8(&text[start..to]).ok());
        if let Some(inner) = inner.filter(|inner| inner.contains("{\\\"")) {
            let inner = json::unescape(inner);
            paths.extend(Self::default().to(inner.as_bytes(), inner.len()));
        }
        paths
    }

    fn read(&mut self, text: &[u8], to: usize) {
        while self.at < to {
            let byte = text[self.at];
            if let Some(start) = self.string {
                match memchr::memchr2(b'"', b'\\', &text[self.at..to]).map(|found| self.at + found) {
                    None => self.at = to,
                    Some(end) if text[end] == b'"' => {
                        (self.string, self.last) = (None, Some((start, end)));
                        self.at = end + 1;
                    }
                    // What is escaped may lie behind the end: it is the next question's.
                    Some(escape) if escape + 2 > to => return,
                    Some(escape) => self.at = escape + 2,
                }
                continue;
            }
            self.at += 1;
            match byte {
                b'"' => self.string = Some(self.at),
                b'{' if self.open.len() < DEPTH => self.open.push(Open::Object(None)),
                b'[' if self.open.len() < DEPTH => self.open.push(Open::Array(0)),
                b'{' | b'[' => self.deeper += 1,
                b'}' | b']' if self.deeper > 0 => self.deeper -= 1,
                b'}' | b']' => {
                    self.open.pop();
                }
                b':' => {
                    if let (Some(Open::Object(name)), Some(last)) = (self.open.last_mut(), self.last) {
                        *name = Some(last);
                    }
                }
                b',' => match self.open.last_mut() {
                    Some(Open::Object(name)) => *name = None,
                    Some(Open::Array(number)) => *number += 1,
                    None => {}
                },
                _ => {}
            }
        }
    }

    fn told(&self, text: &[u8]) -> String {
        let mut path = String::from("$");
        for open in &self.open {
            match open {
                Open::Object(Some((start, end))) => {
                    let name = String::from_utf8_lossy(&text[*start..(*end).min(start + NAME)]);
                    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                    match is_plain {
                        true => path.push_str(&format!(".{name}")),
                        false => path.push_str(&format!("[\"{name}\"]")),
                    }
                }
                Open::Object(None) => {}
                Open::Array(number) => path.push_str(&format!("[{number}]")),
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str, mark: &str) -> Vec<String> {
        JsonPath::default().to(text.as_bytes(), text.find(mark).unwrap())
    }

    #[test]
    fn names_and_numbers_lead_to_a_value() {
        let text = r#"{"a":1,"b":{"x y":[0,"s",{"token":"SECRET"}]},"c":"LAST"}"#;
        assert_eq!(paths(text, "SECRET"), [r#"$.b["x y"][2].token"#]);
        assert_eq!(paths(text, "LAST"), ["$.c"]);
        assert_eq!(paths("2026-03-02T10:00:00Z [main] {\"k\":\"V\"}", "V\""), ["$.k"]);
        assert_eq!(paths("{\"k\":1} rest V", "V"), Vec::<String>::new());
        assert_eq!(paths("plain V", "V"), Vec::<String>::new());
        assert_eq!(paths(r#"{"log":"{\"body\":\"{\\\"pw\\\":\\\"V\\\"}\"}"}"#, "V"), ["$.log", "$.body", "$.pw"]);
        assert_eq!(paths(r#"[{"a":"V"}]"#, "V"), ["$.a"]);
    }

    #[test]
    fn questions_in_order_are_answered_as_if_each_were_the_first() {
        let text = r#"x {"a":"1\"2","b":["3",{"c":"4"}],"d":"{\"e\":\"5\"}"}"#.repeat(2);
        let mut all = JsonPath::default();
        for to in 0..=text.len() {
            assert_eq!(all.to(text.as_bytes(), to), JsonPath::default().to(text.as_bytes(), to), "{to}");
        }
    }
}
