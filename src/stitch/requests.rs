//! One row per request out of the lines of API Gateway's execution log.

use super::{Derived, Line, Stitched, Stitcher};
use crate::model::{Common, Field, Kind};

pub static REQUESTS: Derived = Derived {
    id: "requests",
    title: "API Gateway requests, put together from their execution log lines",
    source: "apigateway_execution",
    fields: &FIELDS,
    stitcher: || Box::new(Requests),
};

static FIELDS: [Field; 1] = [Field::new("req_request_id", "(requestId)", Kind::Str).feeds(Common::RequestId)];

struct Requests;

impl Stitcher for Requests {
    fn add(&mut self, _line: &Line<'_>) {}

    fn finish(self: Box<Self>) -> Vec<Stitched> {
        Vec::new()
    }
}
