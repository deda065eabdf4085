//! Log groups: what there is, and which of it is meant.

use super::call::{Caller, Fault};
use super::pace::Pace;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::LogGroup as ApiGroup;

/// A log group as DescribeLogGroups has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogGroup {
    pub name: String,
    /// Without the `:*` at its end.
    pub arn: String,
    pub class: String,
    /// Milliseconds since 1970.
    pub created: Option<i64>,
    /// Days; none means for ever.
    pub retention_days: Option<i32>,
    /// AWS's delayed estimate of the compressed size.
    pub stored_bytes: i64,
    pub kms_key: Option<String>,
    pub data_protection: Option<String>,
}

/// Days, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

impl LogGroup {
    fn of(group: &ApiGroup) -> Self {
        let arn = group.log_group_arn().or(group.arn()).unwrap_or_default();
        Self {
            name: group.log_group_name().unwrap_or_default().to_owned(),
            arn: arn.strip_suffix(":*").unwrap_or(arn).to_owned(),
            class: group.log_group_class().map_or("STANDARD", |class| class.as_str()).to_owned(),
            created: group.creation_time(),
            retention_days: group.retention_in_days(),
            stored_bytes: group.stored_bytes().unwrap_or(0),
            kms_key: group.kms_key_id().map(str::to_owned),
            data_protection: group.data_protection_status().map(|status| status.as_str().to_owned()),
        }
    }

    /// Field `n` of `arn:partition:logs:region:account:log-group:name`, from 0.
    fn arn_field(&self, n: usize) -> Option<&str> {
        self.arn.split(':').nth(n).filter(|field| !field.is_empty())
    }

    pub fn region(&self) -> Option<&str> {
        self.arn_field(3)
    }

    pub fn account(&self) -> Option<&str> {
        self.arn_field(4)
    }

    /// Whether readers get asterisks in place of sensitive data.
    pub fn is_masked(&self) -> bool {
        self.data_protection.as_deref() == Some("ACTIVATED")
    }

    /// The first millisecond that is not expired at `now`.
    pub fn oldest(&self, now: i64) -> Option<i64> {
        self.retention_days.map(|days| now - i64::from(days) * DAY)
    }

    /// Whether Insights is the only API that gives its events.
    pub fn is_infrequent(&self) -> bool {
        self.class == "INFREQUENT_ACCESS"
    }

    /// Why nothing gives its events.
    pub fn unreadable(&self) -> Option<&'static str> {
        match self.class.as_str() {
            "DELIVERY" => Some("its class is DELIVERY: its events go to S3 or Firehose, pull them from there"),
            _ => None,
        }
    }
}

/// A name, a pattern of names with `*` and `?`, or an ARN.
pub struct Wanted(String);

impl Wanted {
    pub fn new(text: &str) -> Self {
        Self(text.strip_suffix(":*").filter(|_| text.starts_with("arn:")).unwrap_or(text).to_owned())
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// What all names of it begin with.
    fn prefix(&self) -> &str {
        let name = match self.0.starts_with("arn:") {
            true => self.0.splitn(7, ':').nth(6).unwrap_or_default(),
            false => &self.0,
        };
        &name[..name.find(['*', '?']).unwrap_or(name.len())]
    }

    pub fn fits(&self, group: &LogGroup) -> bool {
        if self.0.starts_with("arn:") { matches(&self.0, &group.arn) } else { matches(&self.0, &group.name) }
    }
}

/// `*` stands for any text, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and how far the text was when it took one more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Every log group whose name begins with `prefix`, in AWS's order; `linked`: of linked accounts too.
pub(super) async fn list(
    client: &Client,
    caller: &Caller,
    pace: &Pace,
    prefix: Option<&str>,
    linked: bool,
) -> Result<Vec<LogGroup>, Fault> {
    let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned);
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let request = client
            .describe_log_groups()
            .set_log_group_name_prefix(prefix.clone())
            .set_include_linked_accounts(linked.then_some(true));
        let page = caller.call(pace, || request.clone().set_next_token(token.clone()).send()).await?;
        all.extend(page.log_groups().iter().map(LogGroup::of));
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// The groups that one of these means, each once; and which of these mean one. `linked`: of linked accounts too.
pub(super) async fn find(
    client: &Client,
    caller: &Caller,
    pace: &Pace,
    wanted: &[Wanted],
    linked: bool,
) -> Result<(Vec<LogGroup>, Vec<bool>), Fault> {
    let mut groups: Vec<LogGroup> = Vec::new();
    let mut found = Vec::new();
    for one in wanted {
        let listed = list(client, caller, pace, Some(one.prefix()), linked).await?;
        let before = groups.len();
        groups.extend(listed.into_iter().filter(|group| one.fits(group)));
        found.push(groups.len() > before);
    }
    groups.sort_by(|a, b| a.arn.cmp(&b.arn));
    groups.dedup_by(|a, b| a.arn == b.arn);
    Ok((groups, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_patterns_and_arns() {
        let arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/orders";
        let group = LogGroup { name: "/aws/lambda/orders".to_owned(), arn: arn.to_owned(), ..LogGroup::default() };
        for fit in ["/aws/lambda/orders", "/aws/*", "*orders", "*", "/aws/?ambda/*d*s", "**", arn] {
            assert!(Wanted::new(fit).fits(&group), "{fit}");
        }
        assert!(Wanted::new(&format!("{arn}:*")).fits(&group));
        assert!(Wanted::new("arn:aws:logs:*:log-group:/aws/lambda/*").fits(&group));
        for other in ["/aws/lambda/order", "/aws/lambda/orders?", "lambda", "", "/AWS/*"] {
            assert!(!Wanted::new(other).fits(&group), "{other}");
        }
        assert_eq!(Wanted::new("/aws/*/x").prefix(), "/aws/");
        assert_eq!(Wanted::new(&arn.replace("orders", "o*")).prefix(), "/aws/lambda/o");
        assert_eq!((group.region(), group.account()), (Some("eu-central-1"), Some("111122223333")));
    }

    /// A pattern of many stars is no trap: each step goes on in the text.
    #[test]
    fn many_stars_are_quick() {
        let name = "a".repeat(512);
        assert!(!matches(&format!("{}b", "*a".repeat(200)), &name));
        assert!(matches(&"*a".repeat(200), &name));
    }
}
