//! Framing and parsing of each format's sample, without writing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{best, megabytes_per_second, sample};
use logsift::formats::{self, Outcome};
use logsift::model::{Origin, Record, Row};
use logsift::source::framing::Framer;
use logsift::source::transport;

const COPIES: usize = 20;

fn main() {
    // Folder, format, and the events its truth gives it.
    for (folder, id, events) in
        [("alb", "alb", 5158), ("vpcflow", "vpcflow", 5018), ("cloudwatch/apigw-access", "apigateway", 1491)]
    {
        let format = formats::by_id(id).unwrap();
        let text = sample(folder).repeat(COPIES);
        let bytes = text.len();
        let origin = Origin::default();
        let (time, counted) = best(|| {
            let mut framer = Framer::new(Box::new(std::io::Cursor::new(text.clone())));
            let mut parser = format.parser(&formats::Options::default());
            let mut count = 0;
            while let Some(frame) = framer.next_frame() {
                let unwrapped = transport::unwrap_with(frame.framing, frame.context.map(AsRef::as_ref), frame.bytes);
                let text = std::str::from_utf8(&unwrapped.bytes).unwrap();
                let record = Record { text, envelope: unwrapped.envelope.as_ref(), origin: &origin };
                let mut row = Row::new(format.fields().len());
                if parser.parse(&record, &mut row) == Outcome::Event {
                    row.feed(format.fields());
                    count += 1;
                }
            }
            count
        });
        assert_eq!(counted, events * COPIES, "{id}");
        println!(
            "parse {id}: {:.1} MB, {:.0} MB/s, {:.2} million records/s",
            bytes as f64 / 1e6,
            megabytes_per_second(bytes, time),
            counted as f64 / 1e6 / time.as_secs_f64()
        );
    }
}
