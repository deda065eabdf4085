use super::*;

const HOUR: i64 = 3_600_000_000;

fn histogram(series: Vec<(&str, Vec<u64>)>) -> Histogram {
    let series = series.into_iter().map(|(name, counts)| (name.to_owned(), counts)).collect();
    Histogram { start: 1_709_978_400_000_000, bucket: HOUR, series }
}

fn mark(hours: i64, kind: EntryKind, label: &str) -> Mark {
    let time = Micros(1_709_978_400_000_000 + hours * HOUR);
    Mark { time, kind, severity: Severity::High, label: label.to_owned() }
}

#[test]
fn nothing_to_draw_is_said() {
    for h in [
        Histogram::default(),
        histogram(vec![]),
        histogram(vec![("a", vec![0, 0])]),
        Histogram { bucket: 0, ..histogram(vec![("a", vec![1])]) },
        Histogram { bucket: -1, ..histogram(vec![("a", vec![1])]) },
    ] {
        let svg = histogram_svg(&h, &[mark(0, EntryKind::Finding, "x")]);
        assert!(svg.contains("No events") && svg.ends_with("</svg>"));
    }
}

#[test]
fn a_bar_says_when_and_how_many() {
    let svg = histogram_svg(&histogram(vec![("rare", vec![0, 1]), ("busy", vec![3, 9_999])]), &[]);
    assert!(svg.contains("<title>2024-03-09 11:00:00 UTC: 10,000 events\nbusy: 9,999\nrare: 1</title>"), "{svg}");
    assert!(
        svg.contains(
            r#"aria-label="10,003 events in 2 tables between 2024-03-09 10:00:00 and 2024-03-09 12:00:00 UTC""#
        )
    );
    assert_eq!(svg.matches("<rect class=\"s0\"").count(), 3, "two bars and the legend");
    assert_eq!(svg.matches("<rect class=\"s1\"").count(), 2);
}

#[test]
fn bars_stay_in_the_picture_and_add_up() {
    let h = histogram(vec![("a", vec![10_000, 1]), ("b", vec![5, 1]), ("c", vec![0, 1])]);
    let bars = Bars::new(&h);
    assert!((bars.length(bars.most()) - PLOT).abs() < 1e-9);
    let svg = histogram_svg(&h, &[]);
    let heights: f64 = svg
        .split("<g><title>")
        .nth(1)
        .unwrap()
        .split(" height=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((heights - PLOT).abs() < 0.2, "{heights}");
}

#[test]
fn a_rare_table_is_never_too_thin_to_see() {
    let split = parts(&[100_000, 1], 190.0);
    assert!(split[1] >= 2.0 && (split.iter().sum::<f64>() - 190.0).abs() < 1e-9);
    assert_eq!(parts(&[9, 9], 1.5), [0.75, 0.75]);
}

#[test]
fn the_same_data_gives_the_same_bytes_in_any_order() {
    let (a, b) = (("a", vec![1, 2]), ("b", vec![2, 1]));
    let marks = [mark(0, EntryKind::Finding, "one"), mark(0, EntryKind::Finding, "two")];
    let one = histogram_svg(&histogram(vec![a.clone(), b.clone()]), &marks);
    let two = histogram_svg(&histogram(vec![b, a]), &[marks[1].clone(), marks[0].clone()]);
    assert_eq!(one, two);
}

#[test]
fn many_buckets_and_tables_are_merged_without_loss() {
    let names: Vec<String> = (0..20).map(|i| format!("t{i:02}")).collect();
    let h = histogram(names.iter().map(|n| (n.as_str(), vec![1; 100_000])).collect());
    let bars = Bars::new(&h);
    assert!(bars.totals.len() <= MOST_BARS);
    assert_eq!(bars.series.len(), MOST_SERIES);
    assert_eq!(bars.series[7].0, "13 other tables");
    assert_eq!(sum(&bars.totals), 2_000_000);
    assert!(bars.end() >= bars.start + i128::from(HOUR) * 100_000);
}

#[test]
fn marks_have_shape_row_and_tooltip() {
    let h = histogram(vec![("a", vec![1; 100])]);
    let marks = [
        mark(1, EntryKind::Detection, "trail stopped"),
        mark(50, EntryKind::Finding, "stripe key"),
        mark(50, EntryKind::Finding, "jwt"),
        mark(-1, EntryKind::Finding, "before"),
        mark(100, EntryKind::Finding, "at the end, which is outside"),
    ];
    let svg = histogram_svg(&h, &marks);
    assert_eq!(svg.matches(r#"<line class="mark high""#).count(), 2);
    assert!(svg.contains("UTC, high\njwt\nstripe key</title><circle"), "{svg}");
    assert!(svg.contains("UTC, high\ntrail stopped</title><path"));
    assert!(svg.contains("2 marks outside of this time not drawn"));
    let crowd: Vec<Mark> = (0..1_000).map(|i| mark(5, EntryKind::Finding, &format!("{i:04}"))).collect();
    assert!(histogram_svg(&h, &crowd).contains("and 994 more"));
}

#[test]
fn hostile_names_and_labels_stay_text() {
    let evil = "\"><script>alert(1)</script>&'\u{202e}\n]]>";
    let svg = histogram_svg(&histogram(vec![(evil, vec![1])]), &[mark(0, EntryKind::Finding, evil)]);
    assert!(!svg.contains("<script") && !svg.contains('\u{202e}') && !svg.contains("style="));
    assert!(svg.contains("&lt;script&gt;") && svg.contains("\\u{202e}\\n"));
    let long = histogram_svg(&histogram(vec![("a", vec![1])]), &[mark(0, EntryKind::Finding, &"x".repeat(10_000))]);
    assert!(long.len() < 4_000);
}

#[test]
fn extreme_times_and_counts_do_not_overflow() {
    let h = Histogram {
        start: i64::MAX - 1,
        bucket: i64::MAX,
        series: vec![("a".into(), vec![u64::MAX; 3]), ("b".into(), vec![u64::MAX; 2])],
    };
    let svg = histogram_svg(&h, &[mark(0, EntryKind::Event, "x")]);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}
