//! Ready queries: `queries/*.sql`, embedded. The first line of each is its title, the second names its tables.

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded_queries.rs"));
}

/// A question that responders ask, in the SQL common to Polars and DuckDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyQuery {
    pub name: &'static str,
    pub title: &'static str,
    /// Comma-separated.
    pub tables: &'static str,
    pub sql: &'static str,
}

/// All of them, by name.
pub fn library() -> impl Iterator<Item = ReadyQuery> {
    embedded::FILES.iter().map(|(name, text)| {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        let (tables, sql) = rest.split_once('\n').unwrap_or((rest, ""));
        let after = |line: &'static str, mark: &str| line.trim().trim_start_matches(mark).trim();
        ReadyQuery { name, title: after(title, "--"), tables: after(tables, "-- tables:"), sql }
    })
}

#[cfg(test)]
mod tests {
    use super::library;

    #[test]
    fn every_query_says_what_it_answers() {
        let all: Vec<_> = library().collect();
        assert!(all.len() >= 40, "{}", all.len());
        for query in all {
            assert!(query.title.len() > 10 && !query.tables.is_empty(), "{query:?}");
            assert!(query.sql.to_ascii_uppercase().contains("ORDER BY"), "{} has no order", query.name);
        }
    }
}
