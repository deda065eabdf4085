//! Tables made of another one's lines: complete after late lines, after an import that was cut off, and after a merge.

use crate::env::TestEnv;
use crate::parts;
use std::collections::BTreeMap;

const INVOCATIONS: usize = 300;
const GROUP: [&str; 4] =
    ["--log-group", "/aws/lambda/orders", "--log-stream", "2026/03/02/[$LATEST]0123456789abcdef0123456789abcdef"];

/// Lines of an export: each invocation has four, three minutes apart from the next one's, so that some lie in the
/// next day and one on both sides of midnight. `which`: those of the four that are taken.
fn lines(which: &[usize]) -> String {
    let mut all = String::new();
    for i in 0..INVOCATIONS {
        let id = format!("8f507cfc-aaaa-4bbb-8ccc-{i:012x}");
        let four = [
            format!("START RequestId: {id} Version: $LATEST"),
            format!("[INFO]\t2026-03-02T10:00:00.000Z\t{id}\tworking"),
            format!("END RequestId: {id}"),
            format!(
                "REPORT RequestId: {id}\tDuration: {i}.50 ms\tBilled Duration: {} ms\tMemory Size: 128 MB\tMax Memory Used: 38 MB",
                i + 1
            ),
        ];
        for n in which {
            let second = 36_000 + i * 180 + n * 60;
            let (day, second) = (2 + second / 86_400, second % 86_400);
            let time = format!("2026-03-{day:02}T{:02}:{:02}:{:02}.000Z", second / 3600, second / 60 % 60, second % 60);
            all += &format!("{time} {}\n", four[*n]);
        }
    }
    all
}

/// Lines and duration of each request id.
fn invocations(env: &TestEnv) -> BTreeMap<String, (Option<i64>, Option<String>)> {
    let mut all = BTreeMap::new();
    for (_, path) in parts::all(env).into_iter().filter(|(part, _)| part["table"] == "invocations") {
        let ids = parts::texts(&path, "inv_request_id");
        for ((id, lines), raw) in ids.into_iter().zip(parts::ints(&path, "inv_lines")).zip(parts::texts(&path, "raw")) {
            assert!(all.insert(id.unwrap(), (lines, raw)).is_none(), "an invocation is there twice");
        }
    }
    all
}

fn import(env: &TestEnv, which: &[usize]) {
    let name = format!("in/{which:?}.log");
    env.file(&name, lines(which));
    env.import(&[&GROUP[..], &[&name]].concat());
}

#[track_caller]
fn assert_whole(env: &TestEnv) {
    let all = invocations(env);
    assert_eq!(all.len(), INVOCATIONS);
    for (i, (lines, raw)) in all.values().enumerate() {
        assert_eq!(*lines, Some(4), "{i}");
        assert!(raw.as_ref().unwrap().ends_with(&format!(" success {i}.5 ms")), "{raw:?}");
    }
}

#[test]
fn late_lines_complete_their_rows() {
    let env = TestEnv::new();
    import(&env, &[0, 1]);
    assert!(invocations(&env).values().all(|(lines, _)| *lines == Some(2)));
    import(&env, &[2, 3]);
    assert_whole(&env);
}

#[test]
fn an_import_that_was_cut_off_before_its_last_step_is_finished_by_the_next() {
    let env = TestEnv::new();
    import(&env, &[0, 1, 2, 3]);
    assert_whole(&env);
    // What a run leaves that was killed when its lines were published and their rows were not.
    let manifest = env.lake().join("_logsift/manifest");
    let mut changes: Vec<_> = std::fs::read_dir(&manifest).unwrap().map(|entry| entry.unwrap().path()).collect();
    changes.sort();
    let last = changes.pop().unwrap();
    assert!(std::fs::read_to_string(&last).unwrap().contains("\"by\":\"stitch\""));
    std::fs::remove_file(last).unwrap();
    assert!(invocations(&env).is_empty());
    let info = env.cmd(&["lake", "info"]).code(0);
    assert!(info.stderr.contains("2 days of requests and invocations"), "{}", info.stderr);
    // The same file again: nothing new but the rows.
    import(&env, &[0, 1, 2, 3]);
    assert_whole(&env);
    assert_eq!(env.cmd(&["lake", "info"]).code(0).stderr, "");
    env.ok(&["lake", "verify", "--deep"]);
}

#[test]
fn a_merge_makes_rows_of_lines_from_both_lakes() {
    let (env, other) = (TestEnv::new(), TestEnv::new());
    import(&env, &[0, 2]);
    import(&other, &[1, 3]);
    let from = other.lake().display().to_string();
    env.ok(&["lake", "merge", &from]);
    assert_whole(&env);
}
