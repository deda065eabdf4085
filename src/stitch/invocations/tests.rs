use super::*;

const A: &str = "8f507cfc-aaaa-4bbb-8ccc-0123456789ab";
const B: &str = "9a618dfd-aaaa-4bbb-8ccc-0123456789ab";

/// Milliseconds, stream, text.
type Given<'a> = (i64, &'a str, &'a str);

fn stitch_in(order: &[usize], lines: &[Given<'_>], group: Option<&str>) -> Vec<Stitched> {
    let mut stitcher = (INVOCATIONS.stitcher)();
    // Lines come by time, those of one time in any order.
    let mut order = order.to_vec();
    order.sort_by_key(|i| lines[*i].0);
    for i in order {
        let (millis, stream, raw) = lines[i];
        stitcher.add(&Line {
            event_id: &format!("{i:032x}"),
            time: Micros::from_millis(millis),
            log_group: group,
            log_stream: Some(stream),
            account_id: None,
            region: None,
            raw,
            ..Line::default()
        });
    }
    let mut rows = Vec::new();
    stitcher.finish(&mut |row| rows.push(row));
    rows
}

/// Lines of one time in order, backwards, and every line twice: the same comes out.
fn stitch(lines: &[Given<'_>]) -> Vec<Stitched> {
    let order: Vec<usize> = (0..lines.len()).collect();
    let group = Some("/aws/lambda/orders");
    let rows = stitch_in(&order, lines, group);
    let backwards: Vec<usize> = order.iter().rev().copied().collect();
    let twice = [order.clone(), backwards.clone()].concat();
    for other in [backwards, twice] {
        let again = stitch_in(&other, lines, group);
        assert_eq!(again.len(), rows.len());
        for (one, two) in rows.iter().zip(&again) {
            assert_eq!((&one.event_id, &one.row.native), (&two.event_id, &two.row.native));
        }
    }
    rows
}

fn cell<'a>(row: &'a Stitched, column: &str) -> &'a Value<'static> {
    &row.row.native[FIELDS.iter().position(|f| f.column == column).unwrap()]
}

fn text(text: &'static str) -> Value<'static> {
    Value::text(text)
}

#[test]
fn a_cold_start_and_a_warm_one() {
    let report_a = format!(
        "REPORT RequestId: {A}\tDuration: 102.25 ms\tBilled Duration: 103 ms\tMemory Size: 128 MB\tMax Memory Used: 38 MB\tInit Duration: 145.33 ms\t\nXRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 0123456789abcdef\tSampled: true"
    );
    let (start_a, end_a) = (format!("START RequestId: {A} Version: $LATEST"), format!("END RequestId: {A}"));
    let (start_b, end_b) = (format!("START RequestId: {B} Version: 7"), format!("END RequestId: {B}"));
    let report_b = format!(
        "REPORT RequestId: {B}\tDuration: 2 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 39 MB\t"
    );
    // END, REPORT and the last line have one time: their kinds tell the order.
    let rows = stitch(&[
        (
            1000,
            "s",
            "INIT_START Runtime Version: python:3.11.v39\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:0",
        ),
        (1200, "s", &start_a),
        (1250, "s", "printed without an id"),
        (1300, "s", "last words"),
        (1300, "s", &end_a),
        (1300, "s", &report_a),
        (1350, "s", "between two invocations"),
        (1400, "s", &start_b),
        (1402, "s", &end_b),
        (1402, "s", &report_b),
    ]);
    assert_eq!(rows.len(), 2);
    let a = &rows[0];
    assert_eq!(cell(a, "inv_request_id").as_str(), Some(A));
    assert_eq!(
        (cell(a, "inv_start"), cell(a, "inv_end")),
        (&Value::Time(Micros(1_200_000)), &Value::Time(Micros(1_300_000)))
    );
    assert_eq!(
        (cell(a, "inv_duration_ms"), cell(a, "inv_billed_duration_ms")),
        (&Value::Float(102.25), &Value::Float(103.0))
    );
    assert_eq!(
        (cell(a, "inv_cold_start"), cell(a, "inv_init_duration_ms")),
        (&Value::Bool(true), &Value::Float(145.33))
    );
    assert_eq!((cell(a, "inv_lines"), cell(a, "inv_status")), (&Value::Int(6), &text("success")));
    assert_eq!(cell(a, "inv_trace_id"), &text("1-5759e988-bd862e3fe1be46a994272793"));
    assert_eq!((cell(a, "inv_function"), cell(a, "inv_version")), (&text("orders"), &text("$LATEST")));
    assert_eq!(a.first, Some(Micros(1_000_000)));
    assert_eq!(a.row.common(Common::EventOutcome), &text("success"));
    let b = &rows[1];
    assert_eq!((cell(b, "inv_cold_start"), cell(b, "inv_lines")), (&Value::Bool(false), &Value::Int(3)));
    assert_eq!((cell(b, "inv_version"), cell(b, "inv_max_memory_used_mb")), (&text("7"), &Value::Int(39)));
}

#[test]
fn retries_of_one_id_are_rows_of_their_own() {
    let start = format!("START RequestId: {A} Version: 1");
    let late = format!("2026-01-01T00:00:00.000Z {A} Task timed out after 3.00 seconds");
    let timeout = format!(
        "REPORT RequestId: {A}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tStatus: timeout"
    );
    let report = format!(
        "REPORT RequestId: {A}\tDuration: 5 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 41 MB"
    );
    let rows = stitch(&[
        (1000, "s", &start),
        (4000, "s", &late),
        (4001, "s", &timeout),
        (60_000, "s", &start),
        (60_005, "s", &report),
        // The third attempt ran in another environment; its START is lost.
        (180_000, "t", &report),
    ]);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (cell(row, "inv_attempt"), cell(row, "inv_status"), cell(row, "inv_timed_out")))
        .collect();
    let (yes, no, success) = (Value::Bool(true), Value::Bool(false), text("success"));
    let (one, two, three) = (Value::Int(1), Value::Int(2), Value::Int(3));
    assert_eq!(told, [(&one, &text("timeout"), &yes), (&two, &success, &no), (&three, &success, &no)]);
    assert!(cell(&rows[2], "inv_start").is_null());
    assert_eq!(rows[2].row.common(Common::EventTime), &Value::Time(Micros(180_000_000)));
    let ids: std::collections::HashSet<_> = rows.iter().map(|row| &row.event_id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn failures_and_missing_lines() {
    let start = format!("START RequestId: {A} Version: 1");
    let exit = format!("RequestId: {A} Error: Runtime exited with error: signal: killed\nRuntime.ExitError");
    let rows = stitch(&[(1000, "s", &start), (1500, "s", &exit)]);
    assert_eq!(
        (cell(&rows[0], "inv_status"), cell(&rows[0], "inv_error_type")),
        (&text("error"), &text("Runtime.ExitError"))
    );
    assert_eq!(cell(&rows[0], "inv_finished"), &Value::Bool(false));
    let report = format!(
        "REPORT RequestId: {A}\tDuration: 5 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 41 MB"
    );
    let rows = stitch(&[
        (1000, "s", &start),
        (1001, "s", "[ERROR] ValueError: bad\rTraceback (most recent call last):\r\u{a0}File"),
        (1002, "s", &report),
    ]);
    assert_eq!(
        (cell(&rows[0], "inv_error_type"), cell(&rows[0], "inv_error_message")),
        (&text("ValueError"), &text("bad"))
    );
    assert_eq!(rows[0].row.common(Common::EventOutcome), &text("failure"));
    // A caught error that is only logged fails nothing.
    let logged = format!("2026-01-01T00:00:00.000Z\t{A}\tERROR\tTypeError: caught");
    let rows = stitch(&[(1000, "s", &start), (1001, "s", &logged), (1002, "s", &report)]);
    assert_eq!(cell(&rows[0], "inv_status"), &text("success"));
    // Only a line of the application: nothing says how it ended.
    let rows = stitch(&[(1001, "s", &logged)]);
    assert_eq!((rows.len(), cell(&rows[0], "inv_status")), (1, &Value::Null));
}

#[test]
fn json_lines_in_a_shared_group() {
    let stream = "2026/03/02/orders[$LATEST]0123456789abcdef0123456789abcdef";
    let start = format!(
        r#"{{"time":"2026-03-02T03:00:00.200Z","type":"platform.start","record":{{"requestId":"{A}","version":"$LATEST"}}}}"#
    );
    let app = format!(
        r#"{{"timestamp":"2026-03-02T03:00:00.250Z","level":"ERROR","requestId":"{A}","errorType":"KeyError","errorMessage":"x","stackTrace":[]}}"#
    );
    let done = format!(
        r#"{{"time":"2026-03-02T03:00:00.300Z","type":"platform.runtimeDone","record":{{"requestId":"{A}","status":"error","metrics":{{"durationMs":99.5}}}}}}"#
    );
    let report = format!(
        r#"{{"time":"2026-03-02T03:00:00.301Z","type":"platform.report","record":{{"requestId":"{A}","status":"error","errorType":"Function.Unhandled","metrics":{{"durationMs":100.5,"billedDurationMs":101,"memorySizeMB":128,"maxMemoryUsedMB":40,"initDurationMs":80.5}},"tracing":{{"value":"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}}}}}}"#
    );
    let exported = stream.replace('/', "-");
    let lines: [Given<'_>; 5] = [
        (
            10,
            stream,
            r#"{"time":"2026-03-02T03:00:00.100Z","type":"platform.initStart","record":{"functionName":"orders","phase":"init"}}"#,
        ),
        (20, &exported, &start),
        (30, stream, &app),
        (40, stream, &done),
        (41, stream, &report),
    ];
    let rows = stitch_in(&[3, 1, 4, 0, 2], &lines, Some("shared"));
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((cell(row, "inv_status"), cell(row, "inv_error_type")), (&text("error"), &text("Function.Unhandled")));
    assert_eq!((cell(row, "inv_duration_ms"), cell(row, "inv_error_message")), (&Value::Float(100.5), &text("x")));
    assert_eq!((cell(row, "inv_lines"), cell(row, "inv_cold_start")), (&Value::Int(5), &Value::Bool(true)));
    assert_eq!((cell(row, "inv_function"), cell(row, "inv_log_stream").as_str()), (&text("orders"), Some(stream)));
    assert_eq!(cell(row, "inv_end"), &Value::Time(Micros(40_000)));
    // Other services' logs hold ids too.
    assert_eq!(stitch_in(&[0, 1, 2, 3, 4], &lines, Some("/aws/rds/instance/db/error")).len(), 0);
    let plain: [Given<'_>; 1] = [(1, "app", &app)];
    assert_eq!(stitch_in(&[0], &plain, Some("my-app")).len(), 0);
    assert_eq!(function_of_stream("2026/03/02/[$LATEST]ab"), None);
    assert_eq!(function_of_stream("2026-03-02-f[1]ab"), Some("f"));
}
