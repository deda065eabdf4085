//! What one log line tells of an invocation, kept until all lines are there.

use crate::codec::hex;
use crate::codec::json::{self, Json};
use crate::formats::shared::lambda::{self, Platform, Text};
use crate::formats::shared::{links, runtimes};
use crate::model::Micros;
use crate::stitch::Line;
use sha2::{Digest as _, Sha256};

/// What kind of line it is, in the order an invocation's lines have where their times are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    InitStart,
    InitReport,
    Start,
    Other,
    /// A timeout, or the end of the process.
    Broken,
    End,
    Report,
}

/// A line. Most are an application's and have nothing but their time and perhaps a request id.
pub(super) struct Entry {
    /// Lines without a time come first: nothing is known of their order.
    pub time: Option<Micros>,
    pub rank: Rank,
    /// 128 bits that tell lines apart.
    pub id: u128,
    pub request_id: Option<Box<str>>,
    pub facts: Option<Box<Facts>>,
    /// Written by Lambda itself.
    pub platform: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    pub version: Option<String>,
    pub function: Option<String>,
    pub status: Option<String>,
    pub phase: Option<String>,
    pub error_type: Option<String>,
    pub error_message: Option<String>,
    pub trace_id: Option<String>,
    pub duration: Option<f64>,
    pub billed_duration: Option<f64>,
    pub init_duration: Option<f64>,
    pub restore_duration: Option<f64>,
    pub memory_size: Option<i64>,
    pub max_memory_used: Option<i64>,
    /// The error left the handler: the invocation failed by it.
    pub uncaught: bool,
}

impl Entry {
    pub fn of(line: &Line<'_>) -> Self {
        let id = line_id(line.event_id);
        let base = Self { time: line.time, rank: Rank::Other, id, request_id: None, facts: None, platform: false };
        let application = matches!(line.kind, Some("app" | "emf"));
        // The columns tell enough of it.
        if application && line.error_type.is_none() {
            let request_id = line.request_id.filter(|id| links::is_uuid(id)).map(Box::from);
            return Self { request_id, ..base };
        }
        let text = line.raw.trim();
        match (!application).then(|| lambda::platform(text)).flatten() {
            Some(platform) => base.with_platform(platform),
            None => base.with_application(text),
        }
    }

    fn with_platform(self, line: Platform<'_>) -> Self {
        let rank = match line.kind.as_deref().unwrap_or_default() {
            "INIT_START" | "RESTORE_START" | "platform.initStart" | "platform.restoreStart" => Rank::InitStart,
            "INIT_REPORT" | "RESTORE_REPORT" | "platform.initReport" | "platform.restoreReport" => Rank::InitReport,
            "START" | "platform.start" => Rank::Start,
            "END" | "platform.runtimeDone" => Rank::End,
            "REPORT" | "platform.report" => Rank::Report,
            "timeout" | "exit" => Rank::Broken,
            _ => Rank::Other,
        };
        let own = |text: Text<'_>| text.map(|t| t.into_owned());
        let arn = own(line.function_arn).and_then(|arn| arn.split(':').nth(6).map(str::to_owned));
        let facts = Facts {
            // A version of the function, not of an extension.
            version: own(line.version),
            function: own(line.function).or(arn),
            status: own(line.status),
            phase: own(line.phase),
            error_type: own(line.error_type),
            error_message: own(line.error_message),
            trace_id: own(line.trace_id),
            duration: line.duration,
            billed_duration: line.billed_duration,
            init_duration: line.init_duration,
            restore_duration: line.restore_duration,
            memory_size: line.memory_size,
            max_memory_used: line.max_memory_used,
            uncaught: rank == Rank::Broken,
        };
        Self {
            time: self.time.or(line.time),
            rank,
            request_id: line.request_id.map(Box::from),
            facts: (facts != Facts::default()).then(|| Box::new(facts)),
            platform: true,
            ..self
        }
    }

    fn with_application(self, text: &str) -> Self {
        if text.starts_with('{') {
            return self.with_object(text);
        }
        let line = runtimes::application(text);
        let facts = line.error_type.map(|error_type| {
            let uncaught = text.starts_with("[ERROR] ")
                || ["\tInvoke Error ", "\tUncaught Exception ", "\tUnhandled Promise Rejection "]
                    .iter()
                    .any(|shape| text.contains(shape));
            Box::new(Facts {
                error_type: Some(error_type.into_owned()),
                error_message: line.error_message.map(|message| message.into_owned()),
                uncaught,
                ..Facts::default()
            })
        });
        Self { time: self.time.or(line.time), request_id: line.request_id.map(Box::from), facts, ..self }
    }

    fn with_object(self, text: &str) -> Self {
        let Ok(object @ Json::Object(_)) = json::parse(text) else {
            return self;
        };
        let first = |names: &[&str]| names.iter().find_map(|name| object.get(name)?.scalar()).filter(|t| !t.is_empty());
        let id = first(&["requestId", "function_request_id", "aws_request_id", "awsRequestId", "AWSRequestId"]);
        // Lambda writes an error that left the handler with these two names and its stack.
        let uncaught = first(&["errorType"]).filter(|_| object.get("errorMessage").is_some());
        let facts = uncaught.map(|error_type| {
            Box::new(Facts {
                error_type: Some(error_type.into_owned()),
                error_message: first(&["errorMessage"]).map(|message| message.into_owned()),
                uncaught: object.get("stackTrace").or_else(|| object.get("stack")).is_some(),
                ..Facts::default()
            })
        });
        let request_id = id.filter(|id| links::is_uuid(id)).map(Box::from);
        Self { request_id, facts, ..self }
    }
}

/// The identity as a number; another than 32 hex digits is hashed to one.
fn line_id(event_id: &str) -> u128 {
    match hex::decode(event_id.as_bytes()) {
        Some(id) => u128::from_be_bytes(id),
        None => Sha256::digest(event_id).iter().take(16).fold(0, |id, byte| (id << 8) | u128::from(*byte)),
    }
}
