//! What `logsift pull discover` and `pull credentials` saw in an account: log groups, stages, users, access keys. The
//! documents are our own; each looks at one thing at one time.

use super::shared::json_row::JsonMap;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row};
use std::sync::LazyLock;

pub struct Posture;

#[rustfmt::skip]
static FIELDS: [Field; 22] = [
    Field::new("posture_kind", "posture", Kind::Str).feeds(Common::EventAction),
    Field::new("posture_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("posture_account_id", "accountId", Kind::Str).feeds(Common::AccountId),
    Field::new("posture_region", "region", Kind::Str).feeds(Common::Region),
    Field::new("posture_resource", "resource", Kind::Str).feeds(Common::Resource),
    Field::new("posture_arn", "arn", Kind::Str).link(Link::Arn),
    Field::new("posture_gaps", "gaps", Kind::Json),
    Field::new("posture_created", "created", Kind::Time),
    Field::new("posture_class", "logGroupClass", Kind::Str),
    Field::new("posture_retention_days", "retentionInDays", Kind::Int),
    Field::new("posture_stored_bytes", "storedBytes", Kind::Int),
    Field::new("posture_kms_key_id", "kmsKeyId", Kind::Str),
    Field::new("posture_data_protection_status", "dataProtectionStatus", Kind::Str),
    Field::new("posture_last_event", "lastEventTimestamp", Kind::Time),
    Field::new("posture_user_name", "userName", Kind::Str).feeds(Common::UserName),
    Field::new("posture_access_key_id", "accessKeyId", Kind::Str).feeds(Common::AccessKeyId),
    Field::new("posture_status", "status", Kind::Str),
    Field::new("posture_last_used", "lastUsed", Kind::Time),
    Field::new("posture_last_used_service", "lastUsedService", Kind::Str),
    Field::new("posture_last_used_region", "lastUsedRegion", Kind::Str),
    Field::new("posture_password_enabled", "passwordEnabled", Kind::Bool),
    Field::new("posture_mfa_active", "mfaActive", Kind::Bool),
];

const TIME: usize = 1;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

impl LogFormat for Posture {
    fn id(&self) -> &'static str {
        "posture"
    }

    fn title(&self) -> &'static str {
        "What pull saw in an account"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[]
    }

    fn ocsf(&self) -> &'static str {
        "Cloud Resources Inventory Info [5023]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let ours = record.text.starts_with("{\"posture\":\"") && record.text.contains("\"gaps\":[");
        ours.then_some(Claim { score: 95, reason: "posture and gaps" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(error) = MAP.fill(row, &FIELDS, record.text) {
        return Outcome::Reject(Reject::malformed(error.to_string()));
    }
    if row.native[TIME].is_null() {
        return Outcome::Reject(Reject::malformed("its time is none"));
    }
    Outcome::Event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Value};

    #[test]
    fn a_key_is_found_by_its_id() {
        let text = r#"{"posture":"access_key","time":"2026-03-02T08:00:00Z","accountId":"111122223333","region":"aws-global","resource":"deploy","userName":"deploy","accessKeyId":"AKIAIOSFODNN7EXAMPLE","status":"Active","lastUsed":null,"gaps":["never used"]}"#;
        let origin = Origin::default();
        let record = Record { text, envelope: None, origin: &origin };
        assert!(Posture.claims(&record, &Options::default()).is_some());
        let mut row = Row::new(FIELDS.len());
        assert_eq!(read(&record, &mut row), Outcome::Event);
        row.feed(&FIELDS);
        assert_eq!(row.common(Common::AccessKeyId), &Value::text("AKIAIOSFODNN7EXAMPLE"));
        assert_eq!(row.native[6], Value::text("[\"never used\"]"));
        let mut row = Row::new(FIELDS.len());
        let record = Record { text: r#"{"posture":"user","time":"soon","gaps":[]}"#, ..record };
        assert!(matches!(read(&record, &mut row), Outcome::Reject(_)));
    }
}
